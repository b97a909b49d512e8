from functools import partial

import pytest
from growth import assert_linear, repeated
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.config import Clean
from rubricator.ingest.clean import REACH, Cleaner, clean_texts, is_blank
from rubricator.ingest.steps import STEPS
from rubricator.records import Text

CLEANER = Cleaner(Clean())


def clean(body, title="", cleaner=CLEANER):
    return cleaner.content(Text(id="1", title=title, body=body))


@pytest.mark.parametrize(
    "ordinary",
    [
        "2*3*4 = 24",
        "2**3**4, 2 ** 3 ** 4",
        "a_b_c и snake_case_name",
        "x < y и y > z, a<b",
        "if a <b and c> d",
        "я <3 тебя & его",
        "цена 1 200 руб., скидка 5-7 %, 12.05.2024 в 10:30",
        "счёт 3:2, ИНН 7707083893, 8 500 000 рублей, 8 123 456 789",
        "— Да, — сказал он. – Нет?",
        "«Ёлка» и “лапки”, и ‘эти’",
        "#выборы и #спорт_дня",
        "lenta.ru, км/ч, и/или, node.js",
        "def __init__(self, **kwargs)",
        "х**ня и п***ц",
        "1. пункт\n* пункт\n- пункт",
        "Иванов* приехал. *признан кем-то",
        "> 5 человек",
        "AT&T, R&D, a &lt b, 100%&",
        "список [1](два) и f[i](x)",
        "C:\\_x\\_y",
        "@имя и т. д.",
        "© 2024 ™ №5 §3 €7 ±1 → дальше",
        "می‌خواهم",
    ],
)
def test_ordinary_text_stays(ordinary):
    assert clean(ordinary) == ordinary


@pytest.mark.parametrize(
    ("dirty", "content"),
    [
        ("\u200b тест\u00adовый\ufeff \x07", "тестовый"),
        ("и\u0306 е\u0308", "й ё"),
        (
            "Доставка долгая, а так всё отлично".encode().decode("latin-1"),
            "Доставка долгая, а так всё отлично",
        ),
        ("<p>Привет,&nbsp;<b>ми</b>р</p><script>x = 1</script><style>p{}</style>", "Привет, мир"),
        ("раз<br>два<br/>три", "раз\n\nдва\n\nтри"),
        ('5 < 6 <a href="https://a.ru">тут</a>', "5 < 6 тут"),
        ("<!-- скрыто -->видно", "видно"),
        ("Рога &amp; копыта &copy; &#1055;", "Рога & копыта © П"),
        ("&amp;lt;b&amp;gt;жирно&amp;lt;/b&amp;gt;", "жирно"),
        ("**жирно** и __курсив__ и ~~нет~~", "жирно и курсив и нет"),
        ("**начало **середина** **конец", "начало середина конец"),
        ("*звёзды* и _черта_", "звёзды и черта"),
        ("# Заголовок\n> цитата", "Заголовок\nцитата"),
        ("```python\nx = 1\n``` и `код`", "x = 1\nи код"),
        ("[текст [1]](https://a.ru/x_(y)) ![кот](https://a.ru/k.png)", "текст [1] кот"),
        ("[**жирно**](https://a.ru) [](t.me/x)", "жирно"),
        ("см. https://a.ru/x?y=1, и www.b.ru. и t.me/chan", "см. , и . и"),
        ("ссылкаhttps://a.ru/x", "ссылка"),
        ("пишите: a.b@c.ru.", "пишите: ."),
        ("тел. +7 (495) 123-45-67", "тел."),
        ("8 916 123 45 67 и 89161234567 и 8-800-555-35-35", "и и"),
        ("👨‍👩‍👧 семья 1️⃣ 🇷🇺 👍🏽 ❤ ☎️", "семья"),
        ("  много\t\u00a0 пробелов \r\n\r\n\r\n\r\n и строк ", "много пробелов\n\nи строк"),
    ],
)
def test_rubbish_goes(dirty, content):
    assert clean(dirty) == content


def test_content_is_title_above_body():
    assert clean("**тело**", title="Заголовок") == "Заголовок\nтело"
    assert clean("", title="Только заголовок") == "Только заголовок"


@pytest.mark.parametrize("only", ["https://a.ru", "😀😀", "<div></div>", "a@b.ru"])
def test_a_text_of_rubbish_alone_is_kept_as_found(only):
    assert clean(f"  {only}\n\n\n ") == only


@pytest.mark.parametrize(
    ("name", "dirty"),
    [
        ("unicode", "те\u00adст"),
        ("html", "<b>тест</b>"),
        ("markdown", "**тест**"),
        ("urls", "тест https://a.ru/b"),
        ("emails", "тест a@b.ru"),
        ("phones", "тест +7 916 123 45 67"),
        ("emoji", "тест 😀"),
        ("spaces", "тест  тест"),
    ],
)
def test_every_step_can_be_switched_off(name, dirty):
    assert clean(dirty) != dirty
    assert clean(dirty, cleaner=Cleaner(Clean(**{name: False}))) == dirty


def test_every_switch_has_its_step():
    assert [*STEPS, "boilerplate", "boilerplate_share"] == list(Clean.model_fields)


_MARKS = "** * __ _ ~~ ` ``` # > [ ]( ) <b> </b> <br> < > &amp; &lt; &gt; & ;"
_ADDRESSES = "+ ( - . , : / @ https:// a.ru t.me/ www. +7 916 123-45-67"
_LETTERS = "a Я é 1 7 8 😀 👨‍👩‍👧 \u200d \u200b \u00ad \u0306 Ð ° Р µ слово \\ !"
_SPACES = (" ", "\n", "\t", "\r\n", "\u2028", "\x1b[")
_PIECES = st.sampled_from([*f"{_MARKS} {_ADDRESSES} {_LETTERS}".split(), *_SPACES])


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(st.lists(_PIECES, max_size=14).map("".join) | st.text(max_size=30))
def test_cleaning_a_clean_text_changes_nothing(body):
    once = clean(body)
    assert clean(once) == once


@given(st.text(min_size=1, max_size=20))
def test_a_text_that_can_be_seen_never_becomes_blank(body):
    if not is_blank(body):
        assert not is_blank(clean(body))


@pytest.mark.parametrize("blank", ["", " \n\t", "\u200b\u00ad\ufeff", "\u00a0\u3000", "\x00\x07"])
def test_what_cannot_be_seen_is_blank(blank):
    assert is_blank(blank)
    assert not is_blank(blank + ".")


def nested(length):
    """Formatting tags that all differ, each opened anew in every paragraph by a parser of HTML."""
    return "".join(f"<font a={number}>x<p>" for number in range(length // 18))


def shuffled(length):
    """Letters of many scripts, so that every one of them is unusual."""
    return "".join(chr(33 + number * 7919 % 5000) for number in range(length))


REPETITIONS = {
    "unicode": ["\u0301\u0323", "Ì\x81Ì£", "Ã©", "â€™", "Â\xa01\ufe0f", "\x1b[1", "ﬁ", "\u2028é", "\u200c"],
    "html": [
        "<",
        "<a ",
        "<a =",
        "=",
        "='",
        '="',
        "<b>",
        "<div>",
        "<b><p>",
        "</p>",
        "<!--",
        "<script>",
        "&amp;",
    ],
    "markdown": [
        "[",
        "[]",
        "[a](",
        "[](#",
        "*a ",
        "** a",
        "__a",
        "_a ",
        "`a",
        "```",
        "# ",
        "> ",
        "-**",
        "a.",
    ],
    "urls": ["www.(", "http://", "a.", "a-", "a.ru/(", "<", "www."],
    "emails": ["a@", "a.", "1.", "a@a.", "a@a-", "@a."],
    "phones": ["+7 1", "1 ", "(", "8 (123)", "1-"],
    "emoji": ["😀", "1\ufe0f", "#", "\u200d", "☎"],
    "spaces": [" ", "\n", " \n", "\t ", "\r", "\u2028 "],
}
# A step looks at a text only if it holds some sign: these are all of them, after and before the repetition.
SIGNS = "<> ](# www. / @ ` ** __ ~~ * _ # &amp; 😀 é"


OPENINGS = {"html": "<a ", "markdown": "[a](/", "urls": "http://", "emails": "x@"}


@pytest.mark.parametrize(("name", "unit"), [(name, unit) for name in STEPS for unit in REPETITIONS[name]])
def test_the_time_of_a_step_grows_with_the_length_alone(name, unit):
    for before in {"", OPENINGS.get(name, "")}:
        assert_linear(STEPS[name], partial(repeated, unit, before=before, after=SIGNS))


@pytest.mark.parametrize("text_of", [nested, shuffled])
def test_the_time_of_cleaning_grows_with_the_length_alone(text_of):
    assert_linear(clean, text_of)


def test_cleaning_has_a_deadline():
    with pytest.raises(TimeoutError):
        CLEANER.content(Text(id="1", body="слово"), seconds=-1)


def test_texts_are_read_as_far_as_encoders_reach():
    assert clean("я" * (REACH + 5)) == "я" * REACH
    assert clean("я" * REACH, title="Заголовок") == f"Заголовок\n{'я' * (REACH - 10)}"


def test_texts_that_are_not_read_to_the_end_are_counted(caplog):
    clean_texts([Text(id="1", body="я" * REACH), Text(id="2", body="я" * (REACH + 1))], Clean())
    assert "1 text is longer than 100,000 characters" in caplog.text
    assert caplog.text.count("characters") == 1


@pytest.mark.parametrize(
    ("dirty", "content"),
    [
        ('<img alt="кот > пёс" src=a.png>видно', "видно"),
        ("<a title='5 > 3' href=x>видно</a>", "видно"),
        ('<a href="x>видно</a>', "видно"),
        ("<script>if (a<b && c>d) {x = '<p>'}</script>видно", "видно"),
        ("видно<style>p{}", "видно"),
        ("<table><tr><td>раз</td><td>два</td></tr></table>", "раз\n\nдва"),
        ("сло<b>во</b>", "слово"),
        ("<p>&copy 2024 &laquo;да&raquo; AT&T</p>", "© 2024 «да» AT&T"),
        ("<HTML><Title>Т</title><body>тело</BODY></HTML>", "Т\n\nтело"),
    ],
)
def test_html_is_read_as_browsers_show_it(dirty, content):
    assert clean(dirty) == content


def test_marks_on_one_letter_end_somewhere():
    assert clean("а" + "\u0301" * 30) == "а" + "\u0301" * 30
    assert clean("а" + "\u0301" * 31) == "а" + "\u0301" * 30


def test_clean_texts_fills_in_content_and_tells_progress():
    told = []

    class Spy:
        def __call__(self, description, *, total):
            told.append((description, total))
            return self

        def __enter__(self):
            return told.append

        def __exit__(self, *_):
            return None

    texts = [Text(id=str(number), body=f"**номер** {number}") for number in range(1100)]
    cleaned = clean_texts(texts, Clean(), progress=Spy())
    assert [text.content for text in cleaned[:2]] == ["номер 0", "номер 1"]
    assert [text.id for text in cleaned] == [text.id for text in texts]
    assert cleaned[0].body == "**номер** 0"
    assert told == [("Cleaning texts", 1100), 500, 500, 100]
