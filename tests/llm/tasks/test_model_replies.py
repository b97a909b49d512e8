"""The shapes in which real models reply, through every task: read rightly, or not at all."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.llm.engines.engine import Generation
from rubricator.llm.tasks.choose import Choose
from rubricator.llm.tasks.each import Each, Questions
from rubricator.llm.tasks.explain import Explain
from rubricator.llm.tasks.prompt import Prompt
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

CATEGORIES = [
    {"key": "delivery", "name": "Доставка"},
    {"key": "payment", "name": "Оплата"},
    {"key": "quality", "name": "Качество"},
    {"key": "app", "name": "Приложение"},
]
SINGLE = Taxonomy.model_validate({"task": "single-label", "categories": CATEGORIES})
MULTI = Taxonomy.model_validate({"task": "multi-label", "categories": CATEGORIES})
CHOOSE = Choose(SINGLE, Prompt.shipped("choose", "ru"))
EACH = Each(MULTI, Prompt.shipped("each", "ru"))
EACH_SINGLE = Each(SINGLE, Prompt.shipped("each", "ru"))
QUESTIONS = Questions(MULTI, Prompt.shipped("question", "ru"))
EXPLAIN = Explain(SINGLE, Prompt.shipped("explain", "ru"))
TASKS = {"choose": CHOOSE, "each": EACH, "each, single-label": EACH_SINGLE, "explain": EXPLAIN}

UNPARSED, REFUSED, FAILED = Status.UNPARSED, Status.REFUSED, Status.FAILED
BITS = '{"delivery": 0, "payment": 1, "quality": 0, "app": 0}'
OTHER = '{"delivery": 1, "payment": 0, "quality": 0, "app": 0}'
THOUGHT = "Категория «Доставка» подходит, если речь о ней. Но тут другое."
BLACKLIST = (
    "Как и любая языковая модель, GigaChat не обладает собственным мнением. "
    "В ответе может содержаться неточная или ошибочная информация о доставке."
)

REPLIES = [
    # what thinks aloud
    ("DeepSeek R1", "choose", f"<think>\n{THOUGHT}\n</think>\n\nB", "payment"),
    ("R1 whose template opens the thoughts", "choose", f"{THOUGHT}\n</think>\n\nB", "payment"),
    ("Qwen that was told not to think", "choose", "<think>\n\n</think>\n\nB", "payment"),
    (
        "gpt-oss",
        "choose",
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>B",
        "payment",
    ),
    ("gpt-oss without its marks", "choose", "analysisWe have «Доставка».assistantfinalB", "payment"),
    ("Kimi", "choose", f"◁think▷{THOUGHT}◁/think▷B", "payment"),
    ("Magistral", "choose", f"[THINK]{THOUGHT}[/THINK]B", "payment"),
    (
        "a model asked to think in tags",
        "choose",
        f"<thinking>{THOUGHT}</thinking>\n<answer>B</answer>",
        "payment",
    ),
    ("tags, the last one missing", "choose", f"<reasoning>\n{THOUGHT}\n</reasoning>\n<answer>B", "payment"),
    ("GLM", "choose", f"<think>{THOUGHT}</think><|begin_of_box|>B<|end_of_box|>", "payment"),
    ("Granite", "each", f"Here is my thought process:\n{THOUGHT}\nHere is my response:\n{BITS}", "payment"),
    ("a draft within the thoughts", "each", f"<think>{OTHER}</think>{BITS}", "payment"),
    ("thoughts without an end", "choose", f"<think>{THOUGHT} B", UNPARSED),
    ("thoughts in strange marks", "choose", f"<mulling>{THOUGHT}</mulling>B", UNPARSED),
    ("second thoughts", "choose", "A<think>Нет, скорее B</think>", UNPARSED),
    # letters
    ("boxed", "choose", "$\\boxed{B}$", "payment"),
    ("boxed words", "choose", "\\boxed{\\text{Оплата}}", "payment"),
    ("letter and name", "choose", "**B. Оплата**", "payment"),
    ("labelled", "choose", "Ответ: **B**", "payment"),
    ("with its reason", "choose", "B\n\nПояснение: деньги списали дважды.", "payment"),
    ("with a reason that compares", "choose", "B\n\nРечь об оплате и лишь немного о доставке.", "payment"),
    ("an end token", "choose", "B<|im_end|>", "payment"),
    ("a base model that goes on", "choose", "B\n\nТекст:\nКурьер опоздал\n\nОтвет:\nA", "payment"),
    ("taken back", "choose", "A\n\nПодождите, правильный ответ другой.\nОтвет: B", UNPARSED),
    ("taken back by name", "choose", "A. Доставка. Хотя нет: это оплата.", UNPARSED),
    ("the list repeated", "choose", "A. Доставка\nB. Оплата\nC. Качество\nD. Приложение", UNPARSED),
    ("letters beside each other", "choose", "A: B.", UNPARSED),
    # JSON
    ("plain", "each", BITS, "payment"),
    ("behind words", "each", f"Ответ: {BITS}", "payment"),
    ("behind words, English", "each", f"Here is the JSON object: {BITS} Let me know!", "payment"),
    ("in a fence behind words", "each", f"Вот ответ:\n```json\n{BITS}\n```\nПояснение: деньги.", "payment"),
    ("in a fence that does not end", "each", f"```json\n{BITS}", "payment"),
    ("a remark in brackets", "each", f"Ответ [см. ниже]: {BITS} [1]", "payment"),
    ("an object that cannot be read", "each", f"{{итог ниже}} {BITS}", UNPARSED),
    ("twice the same", "each", f"Черновик: {BITS}\nИтог: {BITS}", "payment"),
    ("floats", "each", BITS.replace("0", "0.0").replace("1", "1.0"), "payment"),
    ("strings", "each", BITS.replace("0", '"нет"').replace("1", '"да"'), "payment"),
    ("Python", "each", BITS.replace('"', "'").replace("0", "False").replace("1", "True"), "payment"),
    ("JavaScript", "each", "{delivery: 0, payment: 1, quality: 0, app: 0}", "payment"),
    ("comments", "each", BITS.replace("0,", "0, // не о том\n", 1), "payment"),
    ("nested", "each", f'{{"reasoning": "доставка ни при чём", "answer": {BITS}}}', "payment"),
    (
        "a call of a tool",
        "each",
        f'<tool_call>{{"name": "label", "arguments": {BITS}}}</tool_call>',
        "payment",
    ),
    (
        "an object for each",
        "each",
        BITS.replace("0", '{"value": 0}').replace("1", '{"value": 1, "why": "деньги"}'),
        "payment",
    ),
    ("a list of pairs", "each", '[{"delivery": 0}, {"payment": 1}, {"quality": 0}, {"app": 0}]', "payment"),
    (
        "a list of verdicts",
        "each",
        str([{"category": c["name"], "value": int(c["key"] == "payment")} for c in CATEGORIES]),
        "payment",
    ),
    ("names in a list", "each", 'Подходит: ["Оплата"]', "payment"),
    ("names in a list alone", "each", '["Оплата"]', "payment"),
    ("nothing applies", "each", f"Ответ: {BITS.replace('1', '0')}", ""),
    ("nothing applies to the only one", "each, single-label", f"Ответ: {BITS.replace('1', '0')}", UNPARSED),
    ("a base model that goes on", "each", f"{BITS}\n\nТекст:\nКурьер опоздал\n\nОтвет:\n{OTHER}", "payment"),
    ("taken back", "each", f"{OTHER}\n\nWait, that is wrong: {BITS}", UNPARSED),
    ("cut off", "each", 'Ответ: {"delivery": 0, "payment": 1, "qual', UNPARSED),
    ("probabilities", "each", BITS.replace("1", "0.8"), UNPARSED),
    ("one missing", "each", 'Ответ: {"delivery": 0, "payment": 1, "quality": 0}', UNPARSED),
    ("JSON where a letter was asked for", "choose", 'Ответ: {"category": "Оплата"}', "payment"),
    ("a letter in JSON", "choose", '```json\n{"answer": "B"}\n```', "payment"),
    # prose
    ("prose", "explain", "Отзыв относится к категории «Оплата», так как речь о деньгах.", "payment"),
    ("weighed", "choose", "Это могло бы быть Доставка, но подходит Оплата.", UNPARSED),
    ("weighed, English", "choose", "This could be delivery, but the best fit is app.", UNPARSED),
    ("two statements", "explain", "Это доставка. Хотя нет, это оплата.", UNPARSED),
    ("every category", "each", "Отзыв: доставка, оплата, качество и приложение важны.", UNPARSED),
    ("a choice left open", "each", "Это доставка или оплата.", UNPARSED),
    # refusals
    ("GigaChat", "choose", BLACKLIST, REFUSED),
    ("GigaChat, newer", "choose", "Генеративные языковые модели не обладают собственным мнением.", REFUSED),
    ("YandexGPT", "explain", "Я не могу обсуждать эту тему. Давайте поговорим о чём-нибудь ещё.", REFUSED),
    ("YandexGPT, search", "each", "В интернете есть много сайтов с информацией на эту тему.", REFUSED),
    (
        "thoughtful refusal",
        "choose",
        f"<think>{THOUGHT}</think>I'm sorry, but I can't help with that.",
        REFUSED,
    ),
]


@pytest.mark.parametrize(
    ("task", "reply", "expected"),
    [row[1:] for row in REPLIES],
    ids=[f"{row[1]}: {row[0]}" for row in REPLIES],
)
def test_a_reply_is_read_rightly_or_not_at_all(task, reply, expected):
    reading = TASKS[task].read([Generation(text=reply)])
    if isinstance(expected, Status):
        assert (reading.status, dict(reading.scores)) == (expected, {})
    else:
        assert reading.status is Status.OK
        assert [key for key, score in reading.scores.items() if score] == expected.split()


@pytest.mark.parametrize(
    ("task", "reply", "expected"),
    [
        (CHOOSE, "B. Оплата, так как", "payment"),
        (CHOOSE, "Хорошо, категория «Доставка» подходит", FAILED),
        (CHOOSE, f"<think>{THOUGHT}", FAILED),
        (CHOOSE, "Я не могу обсуждать эту", REFUSED),
        (EACH, f"{BITS}\n\nПояснение: речь", "payment"),
        (EACH, BITS[:-5], FAILED),
        (EACH, "delivery, payment", FAILED),
        (EXPLAIN, "КАТЕГОРИЯ: Оплата\nПОЯСНЕНИЕ: деньги спи", "payment"),
    ],
)
def test_what_the_token_limit_cut_off_is_read_in_form_or_failed(task, reply, expected):
    reading = task.read([Generation(text=reply, cut=True)])
    assert [key for key, score in reading.scores.items() if score] == (
        [] if isinstance(expected, Status) else [expected]
    )
    assert reading.status is (expected if isinstance(expected, Status) else Status.OK)


def test_what_a_server_took_for_thoughts_is_read_in_form_or_not_at_all():
    assert CHOOSE.read([Generation(text="B", thoughts=True)]).scores["payment"] == 1
    assert EACH.read([Generation(text=BITS, thoughts=True)]).scores["payment"] == 1
    assert CHOOSE.read([Generation(text="Это оплата", thoughts=True)]).status is UNPARSED


@pytest.mark.parametrize(
    ("answer", "yes"),
    [
        ("<think>Нет? Да.</think>Да", True),
        ("Да. Речь об оплате, нет сомнений.", True),
        ("Нет:\n1. Оплата не упомянута", False),
        ("Да, нет, наверное", None),
        ("Нет. Впрочем: да.", None),
        ("Да\n\nТекст:\nКурьер\n\nОтвет:\nНет", True),
    ],
)
def test_yes_and_no(answer, yes):
    reading = QUESTIONS.read([Generation(text=answer)] * 4)
    assert (reading.status, set(reading.scores.values())) == (
        (UNPARSED, set()) if yes is None else (Status.OK, {float(yes)})
    )


UNITS = [
    *(
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "<",
        "</",
        "<|",
        "<|channel|>final",
        "<|im_end|>",
        "&lt;",
    ),
    *(
        "{",
        "}",
        "[",
        '{"a":',
        '"\\"',
        '{"\\"',
        "'",
        "/*",
        "//",
        "{,",
        "“",
        "\\",
        "```",
        "```\n",
        "\\boxed{",
        "$",
        "**",
    ),
    *(
        " ",
        "\n",
        " \n",
        "\t",
        "# ",
        "__",
        ":",
        "a:",
        "Ответ: ",
        "Ответ:\n",
        "answer is ",
        ". ",
        "? ",
        ",",
        ";",
        "—",
    ),
    *(
        "A",
        "A. ",
        "A\n",
        "A) B",
        "Да, ",
        "нет",
        "доставка ",
        "доставка, ",
        "delivery or ",
        "but ",
        "not any ",
        "no ",
    ),
    *(
        "not any categor ",
        "as a language model not ",
        "I cannot",
        "КАТЕГОРИЯ: ",
        "КАТЕГОРИЯ:\n",
        "ПОЯСНЕНИЕ:\n",
    ),
]


def seconds(text):
    started = time.process_time()
    for task in TASKS.values():
        task.read([Generation(text=text)])
    QUESTIONS.read([Generation(text=text)] * 4)
    return time.process_time() - started


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_time_to_read_grows_no_faster_than_a_reply(unit):
    for begin in ("", "B. ", '{"'):
        short, long = (begin + unit * (length // len(unit)) for length in (3_000, 30_000))
        limit = 30 * max(seconds(short), 0.003)
        # What else the machine does only adds: the quicker of two counts.
        assert seconds(long) < limit or seconds(long) < limit


@given(
    st.lists(st.sampled_from([*UNITS, "B", BITS, OTHER, "Оплата", THOUGHT]), max_size=6),
    st.sampled_from(list(TASKS.values())),
    st.booleans(),
)
@settings(max_examples=100)
def test_whatever_comes_is_read_or_not_without_a_fault(pieces, task, cut):
    reading = task.read([Generation(text="".join(pieces), cut=cut)])
    assert (reading.status is Status.OK) == bool(reading.scores)
    assert not (cut and reading.status is UNPARSED)
