"""Head and tail of long texts, within the limit however tokens are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.llm.truncate import GAP, head_and_tail

COUNTS = {
    "words": lambda text: len(text.split()),
    "bytes": lambda text: len(text.encode()),
    "quarters": lambda text: -(-len(text) // 4),
    "letters": len,
}


class Counted:
    def __init__(self, count):
        self.count, self.calls = count, 0

    def __call__(self, text):
        self.calls += 1
        return self.count(text)


def test_a_text_that_fits_stays_as_it_is():
    count = Counted(COUNTS["words"])
    assert head_and_tail("Три слова тут", 3, count) == "Три слова тут"
    assert count.calls == 1


def test_a_text_that_surely_fits_is_not_counted():
    count = Counted(COUNTS["words"])
    assert head_and_tail("коротко", 14, count) == "коротко"
    assert count.calls == 0


def test_the_middle_is_left_out_between_words():
    words = [f"слово{n:03d}" for n in range(300)]
    count = Counted(COUNTS["words"])
    shortened = head_and_tail(" ".join(words), 61, count)
    head, tail = (part.split() for part in shortened.split(GAP))
    assert head == words[: len(head)]
    assert tail == words[-len(tail) :]
    assert 50 <= len(head) + len(tail) <= 60
    assert len(head) == pytest.approx(2 * len(tail), abs=3)
    assert count.calls <= 4


def test_one_endless_word_is_cut_all_the_same():
    shortened = head_and_tail("ж" * 1000, 40, len)
    assert len(shortened) <= 40
    assert shortened.startswith("ж" * 15)
    assert shortened.endswith("ж" * 7)


def test_a_huge_text_is_not_sent_to_be_counted_whole():
    seen = []
    head_and_tail("слово " * 1_000_000, 20, lambda text: seen.append(len(text)) or len(text.split()))
    assert max(seen) < 1000
    assert len(seen) <= 5


@given(st.text(max_size=400), st.integers(0, 80), st.sampled_from(sorted(COUNTS)))
def test_the_limit_holds(text, limit, kind):
    count = Counted(COUNTS[kind])
    shortened = head_and_tail(text, limit, count)
    assert COUNTS[kind](shortened) <= limit
    assert count.calls <= 12
    if COUNTS[kind](text) <= limit:
        assert shortened == text
