from hypothesis import given
from hypothesis import strategies as st

from rubricator.records import Text, content_hash

pieces = st.lists(st.text(max_size=8), max_size=5)


@given(pieces, pieces)
def test_only_equal_lists_of_parts_share_a_hash(left: list[str], right: list[str]) -> None:
    assert (content_hash("t:1", *left) == content_hash("t:1", *right)) == (left == right)


def test_moving_a_border_or_the_order_changes_the_hash() -> None:
    assert content_hash("t:1", "ab", "c") != content_hash("t:1", "a", "bc")
    assert content_hash("t:1", "a", "b") != content_hash("t:1", "b", "a")
    assert content_hash("t:1", "a") != content_hash("t:2", "a")
    assert content_hash("t:1", "a") == content_hash("t:1", b"a")


def test_lone_surrogates_are_content_too() -> None:
    assert content_hash("t:1", "\ud800") != content_hash("t:1", "\ud801")


def test_original_joins_what_is_there() -> None:
    assert Text(id="1", title="Заголовок", body="Тело").original == "Заголовок\nТело"
    assert Text(id="1", body="Тело").original == "Тело"
