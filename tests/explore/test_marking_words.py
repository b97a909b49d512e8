"""The words and phrases that mark groups of texts."""

import numpy as np
import pytest

from rubricator.explore import marking_words as module
from rubricator.explore.marking_words import find_phrases, marking_words

BANK = [
    "Центральный банк снова поднял ставку, и вклады стали выгоднее",
    "Ставку центральный банк оставил прежней, аналитики этого ждали",
    "Что решит центральный банк в пятницу, гадают все брокеры",
    "Заёмщикам труднее: центральный банк ужесточил требования",
    "Про рубль и вклады рассказал центральный банк на встрече",
]
GARDEN = [
    "На даче зацвела яблоня, и соседи пришли посмотреть",
    "Яблоня не любит сырость, поэтому сажайте её на пригорке",
    "Как обрезать старую яблоню, чтобы она дала урожай",
    "Урожай смородины в этом году скромный, зато груши удались",
    "Рассаду и семена привезли в город на ярмарку",
]
SEA = [
    "Шторм задержал паром, пассажиры ночевали в порту",
    "В порту разгрузили судно с апельсинами",
    "Капитан увёл судно от берега до начала шторма",
    "Маяк на мысе чинят, и паром ходит только днём",
    "Рыбаки вернулись в порт с пустыми сетями",
]
TIMES = 8  # as often each text stands there: of so few texts nothing would be sure
CONTENTS = [*BANK * TIMES, *GARDEN * TIMES, *SEA * TIMES]
MEMBERSHIP = np.repeat(np.eye(3, dtype=bool), 5 * TIMES, axis=0)
OF_BANK = MEMBERSHIP[:, 0]


def words(contents=CONTENTS, membership=MEMBERSHIP, **more):
    return [
        [one.word for one in group] for group in marking_words(find_phrases(contents), membership, **more)
    ]


def test_a_group_is_marked_by_the_phrase_and_not_by_its_words_again():
    bank, _garden, _sea = words()
    assert bank[0] == "центральный банк"
    assert not {"банк", "центральный"} & set(bank)


def test_how_many_texts_hold_a_word_is_counted_once_a_text():
    repeated = [content + " " + content for content in CONTENTS]
    (first, *_), _, _ = marking_words(find_phrases(repeated), MEMBERSHIP)
    assert (first.word, first.texts, first.others) == ("центральный банк", 5 * TIMES, 0)
    assert first.z > 1.96


def test_function_words_neither_mark_nor_end_a_phrase():
    contents = [f"и в {word} с {word} на" for word in ["лесу"] * 9 + ["поле"] * 9]
    membership = np.repeat(np.eye(2, dtype=bool), 9, axis=0)
    names = find_phrases(contents).names
    assert set(names) == {"лесу", "поле", "лесу с лесу", "поле с поле"}
    assert words(contents, membership)[0][0].startswith("лесу")


def test_a_text_may_belong_to_several_groups():
    both = MEMBERSHIP.copy()
    both[:, 0] |= both[:, 2]  # what is of the sea is of the bank, too
    found = words(membership=both)
    assert "центральный банк" in found[0]
    assert words(membership=both)[1] == words()[1]


def test_texts_whose_groups_are_unknown_are_not_compared_with():
    phrases = find_phrases(CONTENTS)
    bank, garden, _ = marking_words(phrases, MEMBERSHIP, among=~OF_BANK)
    assert bank == []
    assert garden[0].others == 0
    assert marking_words(phrases, MEMBERSHIP, among=OF_BANK)[0] == []  # nothing to compare it with


@pytest.mark.parametrize("contents", [[], ["", "…", "и в на"]])
def test_texts_without_words_have_no_marks(contents):
    assert words(contents, np.ones((len(contents), 1), dtype=bool)) == [[]]


def test_chunks_find_what_all_texts_together_hold(monkeypatch):
    whole = find_phrases(CONTENTS)
    monkeypatch.setattr(module, "_CHUNK", 13)
    parts = find_phrases(CONTENTS)
    assert parts.names == whole.names
    np.testing.assert_array_equal(parts.held.todense(), whole.held.todense())


def test_of_many_texts_a_sample_is_looked_at(monkeypatch):
    monkeypatch.setattr(module, "_MOST_TEXTS", 60)
    phrases = find_phrases(CONTENTS, seed=1)
    assert phrases.looked_at.sum() == 60
    assert not phrases.held[np.flatnonzero(~phrases.looked_at)].sum()
    assert phrases.held.shape[0] == len(CONTENTS)
