"""Labels without a taxonomy."""

from __future__ import annotations

import pytest

from rubricator.ingest.leakage.labels import categories_of, space_of


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["рыба", "мясо, рыба", "мясо"], [("рыба",), ("мясо", "рыба"), ("мясо",)]),
        (["рыба", "мясо, рыба"], [("рыба",), ("мясо, рыба",)]),
        (["a|b", '["a", "c"]', "['b']"], [("a", "b"), ("a", "c"), ("b",)]),
        (["a", "-", "a;a"], [("a",), (), ("a",)]),
    ],
)
def test_names_are_divided_where_each_stands_alone(cells: list[str], expected: list[tuple[str, ...]]) -> None:
    assert categories_of(cells) == expected


def test_a_space_is_single_label_if_every_text_has_one() -> None:
    assert space_of([("b",), ("a",)]).single
    assert space_of([("b",), ("a",)]).keys == ("a", "b")
    assert not space_of([("b",), ()]).single
