from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.tables.eight_bit import likeliest_encoding

RUSSIAN = [
    "Мышь",
    "Колонка XL-7 4",
    "ёлка",
    "ТОВАР ПРИШЁЛ БРАКОВАННЫЙ",
    "Т/с 3 сезон",
    "кот",
    "ТВ 55",
    "Щука",
    "№5",
]
WORDS = ["товар", "пришёл", "быстро", "доставка", "курьер", "экран", "чашка", "рисунок", "ткань", "качество"]


@pytest.mark.parametrize("text", RUSSIAN)
def test_a_word_in_cp1251_is_enough(text):
    sample = text.encode("cp1251")
    assert sample.decode(likeliest_encoding(sample)) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Чашка разбилась в дороге", "koi8_r"),
        ("Чашка разбилась в дороге", "cp866"),
        ("Чашка разбилась в дороге. Я её верну", "mac_cyrillic"),
        ("Їжак і єнот пішли до лісу", "cp1251"),
        ("Größe passt, schöne Farbe", "cp1252"),
        ("Où est la tasse cassée à Nîmes", "cp1252"),
        ("Zażółć gęślą jaźń", "cp1250"),
        ("Şeker ve ağaç, güzel ırmak", "cp1254"),
        ("Καλημέρα, τι κάνεις", "cp1253"),
    ],
)
def test_alphabets_are_told_apart(text, encoding):
    sample = text.encode(encoding)
    assert sample.decode(likeliest_encoding(sample)) == text


@given(
    st.lists(
        st.sampled_from([form for word in WORDS for form in (word, word.title())]), min_size=4, max_size=30
    ),
    st.sampled_from(["cp1251", "koi8_r", "cp866"]),
)
def test_any_few_russian_words_are_read_as_written(words, encoding):
    sample = " ".join(words).encode(encoding)
    assert sample.decode(likeliest_encoding(sample)) == " ".join(words)


def test_what_is_no_text_has_no_encoding():
    assert likeliest_encoding(Random(1).randbytes(500)) == ""


def test_a_few_bytes_that_the_encoding_lacks_do_not_matter():
    sample = ("Посылка пришла мятая. " * 20).encode("cp1251") + b"\x98"
    assert likeliest_encoding(sample) == "cp1251"
