"""Counts of labels, by source and over time."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from known_texts import known_of, texts_of

from rubricator.explore.categories import categories, source_dependence

KEYS = ("sea", "food", "chess")


def test_labels_are_counted_by_whom_with_what_and_where() -> None:
    texts = texts_of(
        ["порт", "уха в порту", "каша", "молчание", "гавань"],
        source=["А", "А", "Б", "Б", "А"],
        time=[datetime(2024, month, 1, tzinfo=UTC) for month in (1, 1, 2, 2, 3)],
    )
    labels = [["sea"], ["sea", "food"], ["food"], [], None]
    found = categories(known_of(texts, labels, keys=KEYS, single=False))
    assert found is not None
    assert [count.people for count in found.counts] == [2, 2, 0]
    assert (found.people, found.bare, found.several, found.imbalance) == (4, (1, 0), 1, 1.0)
    assert found.together == [("sea", "food", 1)]
    assert found.by_source is not None
    assert found.by_source.columns == {"А": 2, "Б": 2}
    assert found.by_source.counts == {"sea": [2, 0], "food": [1, 1], "chess": [0, 0]}
    assert found.over_time is not None
    assert sum(found.over_time.columns.values()) == 4


@given(st.lists(st.one_of(st.none(), st.sets(st.sampled_from(KEYS))), min_size=1, max_size=20))
def test_counts_add_up(labels: list[set[str] | None]) -> None:
    known = known_of(
        texts_of(["нечто"] * len(labels)), [x and sorted(x) for x in labels], keys=KEYS, single=False
    )
    found = categories(known)
    assert found is not None
    assert sum(one.all for one in found.counts) == known.categories.sum()
    assert found.people + found.teachers == known.labelled.sum()


def test_a_category_from_one_source_is_told() -> None:
    sources = ["мост"] * 12 + ["луг"] * 40
    labels = [["sea"]] * 12 + [["food"]] * 20 + [["chess"]] * 20
    found = source_dependence(known_of(texts_of(["x"] * 52, source=sources), labels, keys=KEYS))
    assert [(key, source, share) for key, source, share, _ in found] == [("sea", "мост", 1.0)]
    assert source_dependence(known_of(texts_of(["x"] * 52), labels, keys=KEYS)) == []
