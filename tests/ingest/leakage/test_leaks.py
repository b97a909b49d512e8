"""What one part knows of another is found, all of it and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.dataset.near_copies import FEWEST_WORDS, jaccard, shingles_of, words_of
from rubricator.ingest.leakage.index import index_texts
from rubricator.ingest.leakage.leaks import Leak, find_leaks, repeated_ids
from rubricator.ingest.leakage.pairs import read_pairs
from rubricator.ingest.leakage.run import RunSource
from rubricator.ingest.leakage.source import Known, PartText

START = datetime(2025, 3, 1, tzinfo=UTC)
STORY = "паром отошёл от причала с опозданием на час потому что ждали почтовый грузовик из соседнего посёлка"


def entry(id_: str, part: str, content: str = "", **known: object) -> PartText:
    return PartText(id=id_, part=part, content=content or f"заметка номер {id_}", **known)  # type: ignore[arg-type]


def leaks_of(*entries: PartText, threshold: float = 0.5) -> list[Leak]:
    source = RunSource(list(entries), Known())
    return find_leaks(index_texts(source, threshold=threshold), source, threshold=threshold)


def test_case_and_punctuation_hide_no_twin_and_every_twin_is_counted() -> None:
    (leak,) = leaks_of(
        entry("a", "train", "Замок не закрывается!"),
        entry("b", "test", "замок не закрывается"),
        entry("c", "train", "ЗАМОК, не закрывается"),
        entry("d", "test", "замок заедает"),
    )
    assert (leak.kind, leak.held, leak.other) == ("exact", "test", "train")
    assert (leak.rows.tolist(), leak.twins.tolist(), leak.numbers.tolist()) == ([1], [0], [2])
    assert leak.others.tolist() == [0, 2]


def test_near_twins_are_told_from_exact_ones_with_their_similarity() -> None:
    changed = STORY.replace("почтовый", "синий")
    (leak,) = leaks_of(
        entry("a", "train", STORY),
        entry("b", "validation", changed),
        entry("c", "validation", changed.upper()),
    )
    assert (leak.kind, leak.held, leak.rows.tolist()) == ("near", "validation", [1, 2])
    expected = jaccard(shingles_of(words_of(STORY)), shingles_of(words_of(changed)))
    assert leak.similarity.tolist() == [expected, expected]
    assert leaks_of(entry("a", "train", STORY), entry("b", "test", changed), threshold=0.9) == []


def test_twins_within_a_part_are_no_leak() -> None:
    assert leaks_of(*(entry(str(n), "train", STORY) for n in range(5)), entry("x", "test")) == []


def test_groups_relatives_and_times_leak_each_by_themselves() -> None:
    found = leaks_of(
        entry("a", "train", group="Лена", time=START + timedelta(days=3)),
        entry("b", "test", group="Лена", time=START + timedelta(days=2)),
        entry("c", "test", group="Олег", time=START + timedelta(days=9)),
        entry("d", "train", parents=("c", "нет такого")),
        entry("e", "train", parents=("d",)),
        entry("f", "train", time=START),
    )
    assert [(leak.kind, leak.rows.tolist(), leak.others.tolist()) for leak in found] == [
        ("group", [1], [0]),
        ("relative", [2], [3, 4]),
        ("time", [1], [0]),
    ]


def test_children_of_one_absent_parent_are_relatives() -> None:
    (leak,) = leaks_of(entry("a", "train", parents=("p",)), entry("b", "test", parents=("p", "q")))
    assert (leak.kind, leak.rows.tolist()) == ("relative", [1])


def test_every_pair_of_parts_is_looked_at_and_parts_may_be_called_anything() -> None:
    found = leaks_of(*(entry(name, name, "один и тот же отзыв") for name in ("2", "0", "test", "train")))
    assert {(leak.held, leak.other) for leak in found} == {
        ("test", "train"),
        ("2", "train"),
        ("0", "train"),
        ("2", "test"),
        ("0", "test"),
        ("0", "2"),
    }


def test_a_crowd_of_copies_hides_nobody() -> None:
    crowd = [entry(f"t{n}", "train", f"{STORY} выпуск {n}") for n in range(300)]
    held = [entry(f"h{n}", "test", f"{STORY} номер {n}") for n in range(40)]
    (leak,) = leaks_of(*crowd, *held)
    assert (leak.kind, len(leak.rows)) == ("near", 40)


def test_ids_that_repeat_are_counted_and_do_not_leak() -> None:
    source = RunSource(
        [entry("1", "train", "снег"), entry("1", "test", "дождь"), entry("2", "test")], Known()
    )
    index = index_texts(source, threshold=0.5)
    assert repeated_ids(index) == 1
    assert find_leaks(index, source, threshold=0.5) == []


def test_pairs_stand_beside_one_another() -> None:
    entries = [
        entry("a", "train", "Замок заедает", label="плохо"),
        entry("b", "test", "замок заедает.", label="так себе", group="г"),
        entry("c", "train", group="г"),
    ]
    pairs = [pair for some in read_pairs(leaks_of(*entries), RunSource(entries, Known())) for pair in some]
    assert [(pair.kind, pair.id, pair.twin_id, pair.shared) for pair in pairs] == [
        ("exact", "b", "a", ""),
        ("group", "b", "c", "г"),
    ]
    assert (pairs[0].label, pairs[0].twin_label, pairs[0].twin_text) == ("так себе", "плохо", "Замок заедает")
    assert (pairs[0].similarity, pairs[1].similarity) == (1.0, None)


words = st.lists(st.sampled_from(["баня", "ключ", "лодка", "мост"]), min_size=1, max_size=FEWEST_WORDS + 5)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(words, st.sampled_from(["train", "validation", "test"])), min_size=2, max_size=12))
def test_what_is_found_is_what_comparing_all_pairs_finds(texts: list[tuple[list[str], str]]) -> None:
    entries = [entry(str(n), part, " ".join(own)) for n, (own, part) in enumerate(texts)]
    found = {(leak.kind, leak.held, leak.other): set(leak.rows.tolist()) for leak in leaks_of(*entries)}
    rank = ["train", "validation", "test"]
    expected: dict[tuple[str, str, str], set[int]] = {}
    for place, (own, part) in enumerate(texts):
        for other in rank[: rank.index(part)]:
            theirs = [some for some, name in texts if name == other]
            near = [
                some
                for some in theirs
                if min(len(own), len(some)) >= FEWEST_WORDS
                and jaccard(shingles_of(own), shingles_of(some)) >= 0.5
            ]
            if own in theirs:
                expected.setdefault(("exact", part, other), set()).add(place)
            elif near:
                expected.setdefault(("near", part, other), set()).add(place)
    assert found == expected


@pytest.mark.parametrize("parts", [2, 5])
def test_random_texts_leak_nothing(parts: int) -> None:
    random = np.random.default_rng(3)
    syllables = ["ка", "ре", "мо", "ту", "ли", "шо", "ня"]
    entries = [
        entry(str(n), f"p{n % parts}", " ".join("".join(random.choice(syllables, 4)) for _ in range(15)))
        for n in range(200)
    ]
    assert leaks_of(*entries) == []
