"""What models say around a text, told from what people write."""

import pytest

from rubricator.augment.chatter import chats, declines, repeats_itself


@pytest.mark.parametrize(
    "text",
    [
        "Конечно! Вот новый отзыв о кастрюле",
        "Вот пример отзыва:\nКастрюля хорошая",
        "Sure, here is a review of a pan",
        "Кастрюля хорошая.\n\nНадеюсь, это поможет!",
        "Кастрюля хорошая.\nКатегория: Посуда",
        "Длина: 12 слов\nКастрюля хорошая",
        "Пример 3: Кастрюля хорошая",
        "Кастрюля <|im_end|> хорошая",
        "Напиши новый текст той же категории",
    ],
)
def test_chatter_is_found(text):
    assert chats(text)


@pytest.mark.parametrize(
    "text",
    [
        "Вот думаю, брать ли вторую такую кружку",
        "Конечно, за такие деньги чуда не ждала, но крышка держится",
        "Хорошо упаковано: ни царапины, ни скола",
        "Брала в подарок: всем понравилось",
        "отзыв честный, кастрюля дрянь",
        "Here in Leeds it arrived in two days, lid was loose",
    ],
)
def test_what_people_write_is_no_chatter(text):
    assert not chats(text)
    assert not declines(text)


@pytest.mark.parametrize("text", ["Не могу нарадоваться на сковороду", "Не буду больше брать здесь посуду"])
def test_people_begin_like_refusals(text):
    assert not declines(text)


def test_loops_are_found():
    assert repeats_itself("хорошая кастрюля и " * 8)
    assert repeats_itself("да да да да да да")
    assert not repeats_itself("Кастрюля тяжёлая, дно толстое, суп за час не пригорел ни разу")
    assert not repeats_itself("очень очень хорошо")
