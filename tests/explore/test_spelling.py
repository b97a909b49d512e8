"""Slips are told from words."""

from __future__ import annotations

from rubricator.explore.spelling import spelling


def test_a_slip_is_a_rare_word_one_letter_off_a_frequent_one() -> None:
    found = spelling(
        ["доставка пришла утром"] * 120 + ["даставка опоздала", "досатвка", "додставка", "досавка"]
    )
    assert {(one.word, one.meant, one.meant_times) for one in found.typos} == {
        (word, "доставка", 120) for word in ("даставка", "досатвка", "додставка", "досавка")
    }
    assert found.typo_count == 4


def test_endings_other_words_and_words_with_forms_are_no_slips() -> None:
    frequent = ["продажи начались"] * 120
    assert spelling([*frequent, "продажам рады"]).typos == []  # an ending
    assert spelling([*frequent, "пропажи нет, о пропажах молчат"]).typos == []  # has other forms
    assert spelling([*frequent, *["пропажи"] * 3]).typos == []  # not so rare


def test_alphabets_in_one_word_stretched_letters_and_broken_encodings_are_found() -> None:
    found = spelling(
        ["размер ХL из Cоюза", "ооочень тепло", "РџСЂРёРІРµС‚", "СССР и XIII век", "обычный день"]
    )
    assert found.mixed.texts == 1
    assert set(found.mixed.examples) <= {"ХL", "Cоюза"}
    assert (found.stretched.texts, found.stretched.examples) == (1, ["ооочень"])
    assert found.broken.texts == 1


def test_rare_signs_have_names() -> None:
    found = spelling(["вода ≈ лёд", *["снег"] * 30])
    assert [(one.character, one.texts) for one in found.rare] == [("≈", 1)]
    assert found.rare[0].name == "Almost equal to"
    assert found.rare_texts == 1
