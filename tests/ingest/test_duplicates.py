import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.config import Duplicates
from rubricator.errors import DataError
from rubricator.ingest.duplicates import group_duplicates
from rubricator.records import Text

LONG = (
    "в городе открыли новый мост через реку строители закончили работу на месяц раньше срока и уложились"
    " в смету теперь дорога до вокзала занимает десять минут вместо сорока"
)


def texts_of(*contents):
    return [Text(id=f"t{number}", content=content) for number, content in enumerate(contents)]


def test_exact_twins_differ_only_in_case_punctuation_and_spaces():
    groups = group_duplicates(texts_of("Да, пришло!", "нет", "да пришло", "Да пришла"), Duplicates())
    assert groups.of == {"t0": "t0", "t1": "t1", "t2": "t0", "t3": "t3"}
    assert (groups.exact, groups.near) == (1, 0)


def test_texts_without_words_are_compared_by_their_characters():
    assert group_duplicates(texts_of("!!!", "???", "!!!"), Duplicates()).of["t1"] == "t1"
    assert group_duplicates(texts_of("!!!", "???", "!!!"), Duplicates()).of["t2"] == "t0"


def test_near_twins_are_found_and_named_by_the_first():
    near = LONG.replace("месяц", "неделю")
    other = "команда выиграла матч со счётом три два и вышла в финал кубка страны впервые за десять лет"
    groups = group_duplicates(texts_of(other, LONG, near, LONG.upper()), Duplicates())
    assert groups.of == {"t0": "t0", "t1": "t1", "t2": "t1", "t3": "t1"}
    assert (groups.exact, groups.near) == (1, 1)


def test_exact_leaves_near_twins_apart():
    groups = group_duplicates(texts_of(LONG, LONG.replace("месяц", "неделю")), Duplicates(method="exact"))
    assert groups.near == 0
    assert groups.of["t1"] == "t1"


def test_the_threshold_is_the_true_similarity():
    words = LONG.split()
    changed = " ".join([*words[:-1], "план"])
    shared = len(words) - 3
    jaccard = shared / (shared + 2)
    for threshold, near in ((jaccard - 0.01, 1), (jaccard + 0.01, 0)):
        assert group_duplicates(texts_of(LONG, changed), Duplicates(threshold=threshold)).near == near


def test_short_texts_have_only_exact_twins():
    groups = group_duplicates(
        texts_of("очень хороший товар всем советую", "очень хороший товар всем"), Duplicates()
    )
    assert groups.near == 0


def test_links_make_one_group_of_a_chain():
    words = LONG.split()
    chain = [" ".join(words), " ".join([*words[:-1], "план"]), " ".join(["вчера", *words[1:-1], "план"])]
    groups = group_duplicates(texts_of(chain[0], chain[2], chain[1]), Duplicates(threshold=0.75))
    assert set(groups.of.values()) == {"t0"}


def test_embeddings_link_by_cosine_across_blocks():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2500, 16)).astype(np.float32)
    vectors[2100] = vectors[3]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = texts_of(*(f"текст {number}" for number in range(2500)))
    groups = group_duplicates(texts, Duplicates(method="embeddings", threshold=0.999), vectors=vectors)
    assert groups.of["t2100"] == "t3"
    assert (groups.exact, groups.near) == (0, 1)


def test_embeddings_need_their_vectors():
    for vectors in (None, np.ones((3, 2), dtype=np.float32)):
        with pytest.raises(DataError, match="one vector per text"):
            group_duplicates(texts_of("а", "б"), Duplicates(method="embeddings"), vectors=vectors)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from([LONG, LONG.replace("месяц", "неделю"), "да", "нет", "Да!", ""]), max_size=12)
)
def test_groups_are_named_by_their_first_text_and_counts_add_up(contents):
    texts = texts_of(*contents)
    groups = group_duplicates(texts, Duplicates())
    assert list(groups.of) == [text.id for text in texts]
    first = {}
    for text in texts:
        first.setdefault(groups.of[text.id], text.id)
    assert all(group == name for group, name in first.items())
    assert len(first) <= len(texts) - groups.exact


@pytest.mark.slow
def test_many_alike_texts_take_little_time():
    texts = texts_of(*(f"{LONG} выпуск {number}" for number in range(2000)))
    start = time.perf_counter()
    groups = group_duplicates(texts, Duplicates())
    assert set(groups.of.values()) == {"t0"}
    assert groups.near == 1999
    assert time.perf_counter() - start < 15


def test_texts_of_one_source_belong_together_where_that_is_asked_for():
    texts = [
        Text(id="a", content="один", source="канал"),
        Text(id="b", content="два"),
        Text(id="c", content="три", source="канал"),
        Text(id="d", content="четыре"),
    ]
    assert group_duplicates(texts, Duplicates()).of["c"] == "c"
    assert group_duplicates(texts, Duplicates(), together=[{"a": "канал", "c": "канал"}]).of == {
        "a": "a",
        "b": "b",
        "c": "a",
        "d": "d",
    }
