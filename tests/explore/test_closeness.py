"""Categories that teachers or vectors cannot tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from known_texts import known_of, texts_of

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.explore.closeness import Pair, _neighbours, close_categories
from rubricator.explore.rare import rare_categories

KEYS = ("fish", "soup", "chess")


def says(name: str, answers: list[int]) -> TeacherProbabilities:
    """A teacher that is sure of one category a text; -1 is no opinion."""
    probabilities = np.full((len(answers), 3), np.nan)
    for row, answer in enumerate(answers):
        if answer >= 0:
            probabilities[row] = np.eye(3)[answer]
    return TeacherProbabilities(name, probabilities, np.array(answers) >= 0)


def pair(found: list[Pair], one: str, other: str) -> Pair:
    return next(p for p in found if {p.one, p.other} == {one, other})


def test_confusion_is_the_share_of_namings_on_which_opinions_differ() -> None:
    first = [0] * 30 + [1] * 30 + [2] * 30
    second = [0] * 24 + [1] * 6 + [1] * 30 + [2] * 30
    texts = texts_of([f"текст {n}" for n in range(90)])
    known = known_of(texts, [None] * 90, keys=KEYS, opinions=[says("a", first), says("b", second)])
    found = close_categories(known)
    mixed = pair(found, "fish", "soup")
    assert mixed.confusion == pytest.approx(6 / 30)  # fish, the rarer, was named about 30 texts
    assert mixed.compared == 30
    assert found[0] == mixed
    assert "Describe fish and soup" in mixed.suggestion
    assert len(mixed.examples) == 3
    assert pair(found, "fish", "chess").confusion == 0
    assert not pair(found, "fish", "chess").suggestion


def test_one_opinion_confuses_nothing_and_silence_is_none() -> None:
    texts = texts_of(["а"] * 60)
    assert close_categories(known_of(texts, [None] * 60, keys=KEYS, opinions=[says("a", [0] * 60)])) == []
    silent = [says("a", [0] * 60), says("b", [-1] * 60)]
    assert close_categories(known_of(texts, [None] * 60, keys=KEYS, opinions=silent)) == []


def clusters(spread: float) -> tuple[np.ndarray, list[list[str]]]:
    """Vectors of three categories; fish and soup have the same middle."""
    rng = np.random.default_rng(5)
    middles = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    rows = np.repeat([0, 1, 2], 30)
    vectors = middles[rows] + spread * rng.normal(size=(90, 4))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), [
        [KEYS[r]] for r in rows
    ]


def test_overlap_is_half_where_nothing_tells_apart_and_none_where_all_does() -> None:
    vectors, labels = clusters(0.1)
    found = close_categories(
        known_of(texts_of([f"n{n}" for n in range(90)]), labels, keys=KEYS, vectors=vectors)
    )
    assert pair(found, "fish", "soup").overlap == pytest.approx(0.5, abs=0.1)
    assert pair(found, "fish", "chess").overlap == 0
    assert [p.suggestion != "" for p in found] == [True, False, False]


def test_opinions_that_give_both_say_nothing_of_the_two() -> None:
    both = TeacherProbabilities("a", np.tile([0.9, 0.9, 0.1], (40, 1)), np.ones(40, dtype=bool))
    one = TeacherProbabilities("b", np.tile([0.1, 0.9, 0.1], (40, 1)), np.ones(40, dtype=bool))
    other = TeacherProbabilities("c", np.tile([0.9, 0.1, 0.1], (40, 1)), np.ones(40, dtype=bool))
    texts = texts_of(["рыбный суп"] * 40)
    multi = known_of(texts, [None] * 40, keys=KEYS, single=False, opinions=[both, one])
    assert pair(close_categories(multi), "fish", "soup").confusion == 0
    apart = known_of(texts, [None] * 40, keys=KEYS, single=False, opinions=[one, other])
    assert pair(close_categories(apart), "fish", "soup").confusion == 1


def test_no_duplicate_and_no_text_itself_is_a_neighbour() -> None:
    vectors = np.random.default_rng(2).normal(size=(9, 4)).astype(np.float32)
    groups = list("aabbccdde")
    nearest, sound = _neighbours(np.concatenate([vectors, vectors]), groups * 2)
    named = np.array(groups * 2)
    assert (named[nearest] != named[:, None])[sound].all()
    assert sound.all()
    assert not _neighbours(vectors[:2], ["a", "a"])[1].any()


def test_the_nearest_unlabelled_texts_of_a_rare_category_are_told_once_each() -> None:
    vectors, labels = clusters(0.1)
    known = known_of(
        texts_of([f"текст {n}" for n in range(90)]),
        [label if row in (60, 61, 62) or row < 40 else None for row, label in enumerate(labels)],
        keys=KEYS,
        vectors=vectors,
        groups={str(n): "63" if n in (63, 64) else str(n) for n in range(90)},
    )
    chess = next(one for one in rare_categories(known) if one.key == "chess")
    assert (chess.people, chess.by) == (3, "texts")
    ids = [int(near.id) for near in chess.nearest]
    assert len(ids) == 10
    assert all(id_ >= 63 for id_ in ids)
    assert not {63, 64} <= set(ids)


def test_without_vectors_nothing_is_near() -> None:
    assert rare_categories(known_of(texts_of(["а", "б"]), [["fish"], None], keys=KEYS)) == []
