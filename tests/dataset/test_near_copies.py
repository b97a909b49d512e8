"""Which texts say the same, held to how duplicates of real texts are found."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.config import Duplicates
from rubricator.dataset.near_copies import NearCopies, contained
from rubricator.ingest.duplicates import group_duplicates
from rubricator.records import Text

PAN = "Сковорода тяжёлая, дно толстое, блины снимаются легко и не подгорают"


def test_case_punctuation_and_a_word_more_make_no_other_text():
    copies = NearCopies([PAN], 0.5)
    assert copies.has(PAN.upper().replace(",", "!"))
    assert copies.has(PAN + " никогда")
    assert not copies.has("Кружка лёгкая, дно тонкое, чай остывает быстро и подтекает ручка")


def test_short_texts_are_twins_with_the_same_words_in_any_order():
    copies = NearCopies(["очень хорошая кружка"], 0.5)
    assert copies.has("Кружка очень хорошая!")
    assert not copies.has("очень хорошая ложка")
    assert NearCopies(["👍👍"], 0.5).has("👍👍")
    assert not NearCopies(["👍👍"], 0.5).has("👎")


def test_what_is_cut_out_of_a_text_is_contained_in_it():
    assert contained("дно толстое, блины снимаются легко", PAN) == 1.0
    assert contained("ручка отвалилась сразу", PAN) == 0.0
    long = "дно толстое блины снимаются легко и не подгорают а ручка греется"
    assert 0.5 < contained(long, PAN) < 1


# Few edits of a longer text: what is drawn word by word shares no run of three, and every threshold would do.
LONG = f"{PAN}, а ручка за месяц ни разу не нагрелась и не шатается"
EDITS = st.lists(st.tuples(st.integers(0, 18), st.sampled_from(["плита", "чай", ""])), max_size=4)


@settings(max_examples=40, deadline=None)
@given(EDITS, st.floats(0.2, 0.9))
def test_whatever_is_grouped_with_a_real_text_is_a_copy_of_it(edits, threshold):
    words = LONG.split()
    for place, word in edits:
        words[place] = word
    new = " ".join(filter(None, words))
    texts = [Text(id="old", body=LONG, content=LONG), Text(id="new", body=new, content=new)]
    grouped = group_duplicates(texts, Duplicates(threshold=threshold)).of
    assert NearCopies([LONG], threshold).has(new) == (grouped["new"] == "old")
