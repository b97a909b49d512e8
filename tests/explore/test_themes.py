"""Themes of texts that nobody has labelled, and the draft of a taxonomy made of them."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.metrics import adjusted_mutual_info_score

from rubricator.errors import DataError
from rubricator.explore import themes as module
from rubricator.explore.marking_words import MarkingWord
from rubricator.explore.themes import Theme, Themes, draft_taxonomy, find_themes, modularity
from rubricator.taxonomy import Taxonomy

WORDS = ("парус", "грядка", "шахматы")


@pytest.fixture(autouse=True)
def few_counts(monkeypatch):
    """So many are tried for three heaps: more take seconds."""
    monkeypatch.setattr(module, "_COUNTS", range(2, 6))


def three_heaps(each=60, seed=0):
    """Vectors around three directions, with texts that name them."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(3), each)
    vectors = np.eye(3, 16)[truth] + rng.normal(scale=0.15, size=(3 * each, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return truth, vectors.astype(np.float32), [WORDS[group] for group in truth]


def found_in(vectors, contents, **more):
    return find_themes([str(number) for number in range(len(contents))], contents, vectors, **more)


def test_heaps_are_found_without_saying_how_many():
    truth, vectors, contents = three_heaps()
    themes = found_in(vectors, contents)
    assert adjusted_mutual_info_score(truth, themes.of_text) == pytest.approx(1.0)
    assert {theme.words[0].word for theme in themes.found} == set(WORDS)
    for place, theme in enumerate(themes.found):
        assert theme.title == theme.words[0].word.capitalize()
        assert theme.texts == (themes.of_text == place).sum()
        assert all(themes.of_text[int(text_id)] == place for text_id in theme.examples)
    assert sum(theme.share for theme in themes.found) == pytest.approx(1.0)


def test_how_many_may_be_said():
    _, vectors, contents = three_heaps()
    assert len(found_in(vectors, contents, count=2).found) == 2


def test_most_of_many_texts_join_their_neighbours(monkeypatch):
    truth, vectors, contents = three_heaps()
    monkeypatch.setattr(module, "_GROUPED", 90)
    themes = found_in(vectors, contents, seed=3)
    assert adjusted_mutual_info_score(truth, themes.of_text) > 0.95
    np.testing.assert_array_equal(themes.of_text, found_in(vectors, contents, seed=3).of_text)


def test_a_few_texts_have_no_themes_and_no_draft():
    _, vectors, contents = three_heaps(each=10)
    themes = found_in(vectors, contents)
    assert themes.found == []
    assert set(themes.of_text.tolist()) == {-1}
    with pytest.raises(DataError, match="0 themes"):
        draft_taxonomy(themes, name="few")


def test_equal_texts_are_no_error():
    vectors = np.tile(np.eye(1, 8, dtype=np.float32), (50, 1))
    themes = found_in(vectors, ["одно и то же"] * 50)
    assert len(themes.of_text) == 50


def test_the_draft_is_read_as_it_is(tmp_path):
    _, vectors, contents = three_heaps()
    path = tmp_path / "taxonomy.yaml"
    path.write_text(draft_taxonomy(found_in(vectors, contents), name="кучи"), encoding="utf-8")
    taxonomy = Taxonomy.read(path)
    assert set(taxonomy.keys) == set(WORDS)
    assert taxonomy.single
    assert all(category.description for category in taxonomy.categories)
    assert "# 60 texts, for example " in path.read_text(encoding="utf-8")


WORD = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=70)
THEME = st.builds(
    lambda words, title, examples: Theme(
        title=title,
        words=[MarkingWord(" ".join(w), 3.0, 5, 1) for w in words],
        texts=5,
        share=0.1,
        examples=examples,
    ),
    st.lists(st.lists(WORD, min_size=1, max_size=3), max_size=4),
    WORD,
    st.lists(st.text(max_size=8), max_size=3),
)


@given(st.lists(THEME, min_size=2, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_words_and_no_ids_break_the_draft(tmp_path_factory, themes):
    titled = [
        Theme(title=title, words=one.words, texts=one.texts, share=one.share, examples=one.examples)
        for one, title in zip(themes, module._titles([one.words for one in themes]), strict=True)
    ]
    path = tmp_path_factory.mktemp("draft") / "taxonomy.yaml"
    path.write_text(draft_taxonomy(Themes(titled, np.zeros(0, dtype=np.intp)), name="n"), encoding="utf-8")
    assert len(Taxonomy.read(path).keys) == len(themes)


def test_modularity_is_that_of_the_paper():
    """Two triangles with one link between them, split at that link: 6/7 - 2 * (7/14)**2."""
    links = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)]
    graph = np.zeros((6, 6))
    for one, other in links:
        graph[one, other] = graph[other, one] = 1
    groups = np.array([0, 0, 0, 1, 1, 1])
    assert modularity(csr_array(graph), groups) == pytest.approx(6 / 7 - 0.5)
    assert modularity(csr_array(graph), np.zeros(6, dtype=int)) == pytest.approx(0.0)
