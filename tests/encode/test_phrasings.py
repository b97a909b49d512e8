"""What a category is called when an encoder compares it with texts."""

import pytest

from rubricator.encode.phrasings import pieces, whole
from rubricator.taxonomy import Category


def listed(description, **more):
    return pieces(Category(key="k", name="Имя", description=description, **more))


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Рыбалка, сети; лодки: вёсла. Уха", ["Рыбалка", "сети", "лодки", "вёсла", "Уха"]),
        ("без запятой,и без пробела", ["без запятой", "и без пробела"]),
        ("одно целое описание", ["одно целое описание"]),
        ("грузы до 3,5 тонны, в 10:30", ["грузы до 3,5 тонны", "в 10:30"]),
        ("шлюпки, паруса и т. д. для кв. метра", ["шлюпки", "паруса и т. д. для кв. метра"]),
        ("порты, г. Выборг", ["порты", "г. Выборг"]),
        ("причалы (пирсы, молы) и доки", ["причалы", "пирсы", "молы", "и доки"]),
        ("см. https://port.example/a, якоря", ["см. https://port.example/a", "якоря"]),
        ("- мачты\n- реи / гики\n", ["мачты", "реи", "гики"]),
        ("渔船，渔网、鱼。", ["渔船", "渔网", "鱼"]),
        ("Штиль,, ; я, ., —, шторм.", ["Штиль", "шторм"]),
        ("Маяк, маяк, МАЯК", ["Маяк"]),
        ("рейс 12. Отплытие", ["рейс 12", "Отплытие"]),
    ],
)
def test_a_description_falls_into_what_it_lists(description, expected):
    assert listed(description) == ["Имя", *expected]


def test_what_is_not_described_is_its_name():
    assert listed("") == ["Имя"]
    assert listed(" , . ") == ["Имя"]
    assert whole(Category(key="k", description=" ")) == ["k"]


def test_the_title_is_not_said_twice():
    assert listed("имя, фамилия") == ["Имя", "фамилия"]


def test_keywords_are_pieces_without_their_stars():
    assert listed("якоря", keywords=("якор*", "якоря", "рыболовн* сет*")) == [
        "Имя", "якоря", "якор", "рыболовн сет",
    ]  # fmt: skip


def test_the_whole_is_title_description_and_both():
    assert whole(Category(key="k", name="Порт", description="суда и краны")) == [
        "Порт", "суда и краны", "Порт: суда и краны",
    ]  # fmt: skip
