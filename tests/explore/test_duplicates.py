"""Groups of duplicates, and what people said of them."""

from __future__ import annotations

from known_texts import known_of, texts_of

from rubricator.explore.duplicates import duplicates

CONTENTS = ["Лодка утонула", "лодка утонула", "Лодка почти утонула", "Снег идёт", "Сыр подорожал"]
GROUPS = {"0": "0", "1": "0", "2": "0", "3": "3", "4": "4"}


def test_groups_are_described_and_contradictions_found() -> None:
    texts = texts_of(CONTENTS, source=["А", "Б", "А", "", ""])
    labels = [["sea"], None, ["news"], ["news"], None]
    found = duplicates(known_of(texts, labels, keys=("sea", "news"), groups=GROUPS))
    assert (found.copies, found.groups, found.across_sources, found.contradictory_count) == (2, 1, 1, 1)
    (group,) = found.largest
    assert (group.texts, group.wordings, group.sources) == (3, 2, 2)
    assert [copy.id for copy in group.copies] == ["0", "2"]
    assert [copy.labels for copy in found.contradictory[0].copies[:2]] == [("sea",), None]


def test_equal_labels_contradict_nothing() -> None:
    texts = texts_of(CONTENTS)
    labels = [["sea"], ["sea"], None, ["news"], None]
    found = duplicates(known_of(texts, labels, keys=("sea", "news"), groups=GROUPS))
    assert (found.contradictory_count, found.split) == (0, 0)


def test_groups_over_the_input_s_own_parts_are_counted() -> None:
    texts = texts_of(CONTENTS, part=["train", "test", "train", "train", "test"])
    assert duplicates(known_of(texts, groups=GROUPS)).crossing == 1
    assert duplicates(known_of(texts)).crossing == 0
