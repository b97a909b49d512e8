"""Which texts say the same, held to how duplicates of real texts are found."""

from hypothesis import given
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


@given(st.lists(st.sampled_from(PAN.split()), min_size=8, max_size=20), st.floats(0.2, 0.9))
def test_whatever_is_grouped_with_a_real_text_is_a_copy_of_it(words, threshold):
    new = " ".join(words)
    texts = [Text(id="old", body=PAN, content=PAN), Text(id="new", body=new, content=new)]
    grouped = group_duplicates(texts, Duplicates(threshold=threshold)).of
    assert NearCopies([PAN], threshold).has(new) == (grouped["new"] == "old")
