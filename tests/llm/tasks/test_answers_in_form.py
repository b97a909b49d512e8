"""Choose, each, questions and explain: what they ask, and how an answer in their form is read."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import ConfigError
from rubricator.llm.engines.engine import Generation, Token
from rubricator.llm.tasks.choose import Choose
from rubricator.llm.tasks.each import Each, Questions, digit_probabilities
from rubricator.llm.tasks.explain import Explain
from rubricator.llm.tasks.prompt import Prompt
from rubricator.llm.tasks.task import Example
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy


def taxonomy(task, keys=("bread", "garden", "fishing", "none")):
    named = {"bread": "Хлеб", "garden": "Сад, огород", "fishing": "Рыбалка", "none": "Прочее"}
    return Taxonomy.model_validate(
        {"task": task, "categories": [{"key": key, "name": named.get(key, "")} for key in keys]}
    )


SINGLE, MULTI = taxonomy("single-label"), taxonomy("multi-label")
CHOOSE = Choose(SINGLE, Prompt.shipped("choose", "ru"))
EACH = Each(MULTI, Prompt.shipped("each", "ru"))
QUESTIONS = Questions(MULTI, Prompt.shipped("question", "ru"))
EXPLAIN = Explain(SINGLE, Prompt.shipped("explain", "ru"))
EXPLAIN_MULTI = Explain(MULTI, Prompt.shipped("explain", "ru"))


def said(task, *answers):
    """Status, or the categories that got 1."""
    reading = task.read([Generation(text=answer) for answer in answers])
    if reading.status is not Status.OK:
        assert not reading.scores
        return reading.status
    assert tuple(reading.scores) == MULTI.keys
    assert set(reading.scores.values()) <= {0.0, 1.0}
    return [key for key, score in reading.scores.items() if score]


class TestChoose:
    @pytest.mark.parametrize(
        "answer",
        [
            *("B", "b", " B\n", "B.", "B)", "(B)", "[B]", "**B**", '"B"'),
            *("B. Сад, огород", "B) сад, огород", "B: garden", "B — сад, огород", "B Сад, огород"),
            *("Ответ: B", "Ответ: B.", "Answer: B", 'The answer is "B".', '{"answer": "B"}'),
            *("B\n\nТекст:\nКлёв", "B. Речь идёт о грядках", "Сад, огород", "garden"),
        ],
    )
    def test_a_letter_or_a_name_is_read(self, answer):
        assert said(CHOOSE, answer) == ["garden"]

    @pytest.mark.parametrize("letter", ["А", "С"])
    def test_a_cyrillic_letter_that_can_only_be_the_latin_one_is_read(self, letter):
        assert said(CHOOSE, letter) == {"А": ["bread"], "С": ["fishing"]}[letter]

    @pytest.mark.parametrize(
        "answer",
        [
            "",
            "Z",
            "В",
            "AB",
            "A, B",
            "A или B",
            "B. Рыбалка",
            "B) fishing",
            "A text about weather",
            "1",
            "-",
            "Бог",
        ],
    )
    def test_anything_else_is_unparsed(self, answer):
        assert said(CHOOSE, answer) is Status.UNPARSED

    def test_a_refusal_is_refused(self):
        assert said(CHOOSE, "I cannot answer that.") is Status.REFUSED

    @pytest.mark.parametrize("status", [Status.FAILED, Status.REFUSED])
    def test_what_the_engine_could_not_do_has_no_scores(self, status):
        reading = CHOOSE.read([Generation(text="B", status=status, choices={"B": 0.0})])
        assert (reading.status, dict(reading.scores)) == (status, {})

    def test_probabilities_are_the_softmax_over_the_letters(self):
        choices = {"A": math.log(0.1), "B": math.log(0.3), "C": -math.inf}
        reading = CHOOSE.read([Generation(text="B", choices=choices)])
        assert reading.scores == pytest.approx({"bread": 0.25, "garden": 0.75, "fishing": 0, "none": 0})

    def test_letters_differ_in_their_first_token_up_to_62_categories(self):
        many = taxonomy("single-label", [f"key{n}" for n in range(62)])
        task = Choose(many, Prompt.shipped("choose", "en"))
        (request,) = task.requests("", ())
        assert len({choice[0] for choice in request.choices}) == 62
        for mark, key in zip(request.choices, many.keys, strict=True):
            reading = task.read([Generation(text=mark)])
            assert [k for k, score in reading.scores.items() if score] == [key]

    def test_what_it_cannot_do_is_refused(self):
        with pytest.raises(ConfigError, match="multi-label"):
            Choose(MULTI, Prompt.shipped("choose", "ru"))
        with pytest.raises(ConfigError, match="at most 62"):
            Choose(taxonomy("single-label", [f"k{n}" for n in range(63)]), Prompt.shipped("choose", "ru"))

    def test_calibration_takes_out_what_is_said_of_nothing(self):
        scores = {"bread": 0.6, "garden": 0.3, "fishing": 0.1, "none": 0.0}
        prior = {"bread": 0.8, "garden": 0.1, "fishing": 0.1, "none": 0.0}
        corrected = CHOOSE.calibrated(scores, prior)
        assert corrected == pytest.approx(
            {"bread": 0.75 / 4.75, "garden": 3 / 4.75, "fishing": 1 / 4.75, "none": 0}
        )
        even = dict.fromkeys(scores, 0.25)
        assert CHOOSE.calibrated(scores, even) == pytest.approx(scores)
        assert (
            CHOOSE.calibrated({"bread": 1.0, "garden": 0.0, "fishing": 0.0, "none": 0.0}, prior)["bread"] == 1
        )

    @given(st.text(alphabet="efghxyzEFGXYZ0123456789 .)(*\n", max_size=12))
    def test_letters_of_no_category_never_become_one(self, answer):
        assert said(CHOOSE, answer) is Status.UNPARSED


class TestEach:
    def test_it_asks_for_a_flat_object(self):
        (request,) = EACH.requests("Поспел налив", [Example("Клюёт", ("fishing", "bread"))])
        assert request.schema["required"] == list(MULTI.keys)
        assert json.loads(request.messages[2].content) == {"bread": 1, "garden": 0, "fishing": 1, "none": 0}
        assert request.max_tokens > len(request.messages[2].content) / 2

    @pytest.mark.parametrize(
        "answer",
        [
            '{"bread": 0, "garden": 1, "fishing": 1, "none": 0}',
            '{"none":0,"fishing":1,"garden":1,"bread":0}',
            '```json\n{"bread": 0, "garden": 1, "fishing": 1, "none": 0,}\n```',
            "{'bread': 0, 'garden': 1, 'fishing': 1, 'none': 0}",
            '{"Хлеб": "нет", "Сад, огород": "да", "Рыбалка": true, "Прочее": false, "почему": "клюёт"}',
            '{"bread": 0, "garden": 1, "fishing": 1, "none": 0}\n\nТекст:\n{"bread": 1}',
            '["garden", "fishing"]',
            "garden; рыбалка",
        ],
    )
    def test_an_object_or_a_list_is_read(self, answer):
        assert said(EACH, answer) == ["garden", "fishing"]

    @pytest.mark.parametrize(
        "answer",
        [
            "",
            "{}",
            "[]",
            '{"bread": 0, "garden": 1, "fishing": 1}',
            '{"bread": 0, "garden": 1, "fishing": 1, "none": 0.7}',
            '{"bread": 0, "garden": 1, "fishing": 1, "none": null}',
            '{"bread": 0, "bread": 1, "garden": 1, "fishing": 1, "none": 0}',
            '{"bread": 0, "Хлеб": 1, "garden": 1, "fishing": 1, "none": 0}',
            '{"bread": 0, "garden": 1, "fishing": 1, "none": 0',
            '{"a": 1, "b": 0}',
            "1",
        ],
    )
    def test_an_object_that_does_not_speak_of_all_is_unparsed(self, answer):
        assert said(EACH, answer) is Status.UNPARSED

    def test_no_category_at_all_is_an_answer_where_several_may_be(self):
        nothing = '{"bread": 0, "garden": 0, "fishing": 0, "none": 0}'
        assert said(EACH, nothing) == []
        assert said(Each(SINGLE, Prompt.shipped("each", "ru")), nothing) is Status.UNPARSED

    @given(st.lists(st.booleans(), min_size=4, max_size=4))
    def test_what_is_written_is_read_back(self, bits):
        answer = json.dumps({key: int(bit) for key, bit in zip(MULTI.keys, bits, strict=True)})
        assert said(EACH, answer) == [key for key, bit in zip(MULTI.keys, bits, strict=True) if bit]

    @pytest.mark.parametrize("cut", [["1"], [" 1"], [": 1"], ['": 1'], ['": ', "1"]])
    def test_probabilities_stand_at_the_digits(self, cut):
        """However the tokenizer cuts around the digit, its rivals are found."""
        shape = cut[-1]
        tokens, text = [], ""
        for n, key in enumerate(MULTI.keys):
            before = ("{" if n == 0 else ", ") + f'"{key}'
            middle = '": 1'[: len('": 1') - len("".join(cut))]
            tokens += [Token(piece, -0.1) for piece in (before + middle, *cut[:-1])]
            rival = shape.replace("1", "0")
            tokens.append(Token(shape, math.log(0.6), {shape: math.log(0.6), rival: math.log(0.2)}))
            text += before + '": 1'
        tokens.append(Token("}", -0.1))
        found = digit_probabilities(Generation(text=text + "}", tokens=tuple(tokens)))
        assert found == pytest.approx(dict.fromkeys(MULTI.keys, 0.75))

    def test_probabilities_make_the_scores(self):
        pieces = ['{"bread":', "0", ',"garden":', "1", ',"fishing":', "0", ',"none":', "0", "}"]
        tops = {1: {"0": math.log(0.9), "1": math.log(0.1)}, 3: {"1": math.log(0.8)}, 5: {}, 7: {"0": -0.1}}
        tokens = tuple(Token(p, math.log(0.9), tops.get(n, {})) for n, p in enumerate(pieces))
        reading = EACH.read([Generation(text="".join(pieces), tokens=tokens)])
        assert reading.scores == pytest.approx({"bread": 0.1, "garden": 1.0, "fishing": 0.1, "none": 0.0})

    def test_tokens_that_do_not_spell_the_text_are_left_alone(self):
        text = '{"bread":1,"garden":0,"fishing":0,"none":0}'
        wrong = (Token('{"garden":', 0.0), Token("1", -0.5, {"1": -0.5, "0": -1.0}))
        assert digit_probabilities(Generation(text=text, tokens=wrong)) == {}
        assert said(EACH, text) == ["bread"]

    def test_digits_glued_to_others_are_left_alone(self):
        text = '{"bread": 1}'
        assert digit_probabilities(Generation(text=text, tokens=(Token(text, -0.1),))) == {}

    def test_single_label_scores_are_shares(self):
        pieces = ['{"bread":', "0", ',"garden":', "1", ',"fishing":', "0", ',"none":', "0", "}"]
        tokens = tuple(Token(p, math.log(0.8)) for p in pieces)
        task = Each(SINGLE, Prompt.shipped("each", "ru"))
        reading = task.read([Generation(text="".join(pieces), tokens=tokens)])
        assert reading.scores == pytest.approx(
            {"bread": 1 / 7, "garden": 4 / 7, "fishing": 1 / 7, "none": 1 / 7}
        )


class TestQuestions:
    def test_it_asks_about_every_category(self):
        requests = QUESTIONS.requests("Поспел налив", [Example("Клюёт", ("fishing",))])
        assert [request.choices for request in requests] == [("Да", "Нет")] * 4
        assert [request.messages[2].content for request in requests] == ["Нет", "Нет", "Да", "Нет"]
        for request, category in zip(requests, MULTI.categories, strict=True):
            assert category.title in request.messages[-1].content

    @pytest.mark.parametrize(
        "yes", ["Да", "да", "Да.", " ДА\n", "**Да**", "«Да»", "Да, речь о хлебе", "yes", "1"]
    )
    def test_yes_and_no_are_read(self, yes):
        assert said(QUESTIONS, "Нет", yes, "нет.", "Нет, это другое") == ["garden"]

    @pytest.mark.parametrize("answer", ["", "Данные", "Не знаю", "может быть", "Да или нет", "Нета"])
    def test_one_unreadable_answer_spoils_all(self, answer):
        assert said(QUESTIONS, "Нет", "Да", answer, "Нет") is Status.UNPARSED

    def test_a_refusal_or_failure_spoils_all(self):
        assert said(QUESTIONS, "Нет", "Да", "Я не могу ответить.", "Нет") is Status.REFUSED
        broken = [Generation(text="Да"), Generation(text="503", status=Status.FAILED)] * 2
        assert QUESTIONS.read(broken).status is Status.FAILED

    def test_probabilities_of_yes(self):
        choices = [
            {"Да": math.log(0.3), "Нет": math.log(0.1)},
            {"Да": -2.0},
            {"Нет": -1.0},
            {"Да": 0.0, "Нет": -800.0},
        ]
        texts = ["Да", "Да", "Нет", "Да"]
        reading = QUESTIONS.read([Generation(text=t, choices=c) for t, c in zip(texts, choices, strict=True)])
        assert list(reading.scores.values()) == pytest.approx([0.75, 1, 0, 1])

    def test_single_label_needs_one_yes_or_probabilities(self):
        task = Questions(SINGLE, Prompt.shipped("question", "ru"))
        assert said(task, "Нет", "Да", "Нет", "Нет") == ["garden"]
        assert said(task, "Да", "Да", "Нет", "Нет") is Status.UNPARSED
        even = {"Да": -1.0, "Нет": -1.0}
        reading = task.read([Generation(text="Да", choices=even)] * 4)
        assert reading.scores == pytest.approx(dict.fromkeys(SINGLE.keys, 0.25))


class TestExplain:
    def test_examples_show_both_lines(self):
        (request,) = EXPLAIN_MULTI.requests(
            "Налив", [Example("Клюёт", ("fishing", "bread")), Example("Дождь", ())]
        )
        assert request.messages[2].content.startswith("КАТЕГОРИЯ: Хлеб, Рыбалка\nПОЯСНЕНИЕ: ")
        assert request.messages[4].content.startswith("КАТЕГОРИЯ: нет\n")
        assert (request.choices, request.schema, request.logprobs) == ((), None, False)

    @pytest.mark.parametrize(
        "answer",
        [
            "КАТЕГОРИЯ: Рыбалка\nПОЯСНЕНИЕ: Автор рассказывает о клёве, а не о хлебе.",
            "Категория: рыбалке\nПояснение: …",
            "**КАТЕГОРИЯ:** «Рыбалка».\n**ПОЯСНЕНИЕ:** клёв",
            "КАТЕГОРИЯ: fishing",
            "ПОЯСНЕНИЕ: хлеба тут нет\nКАТЕГОРИЯ: Рыбалка",
            "КАТЕГОРИЯ: Рыбалка\nПОЯСНЕНИЕ: клёв\n\nТекст:\nБатон\n\nОтвет:\nКАТЕГОРИЯ: Хлеб",
            "КАТЕГОРИЯ: Рыбалка\nКАТЕГОРИЯ: рыбалка",
            "Рыбалка",
        ],
    )
    def test_the_line_is_read(self, answer):
        assert said(EXPLAIN, answer) == ["fishing"]

    @pytest.mark.parametrize(
        "answer",
        [
            "",
            "КАТЕГОРИЯ:\nПОЯСНЕНИЕ: Рыбалка",
            "КАТЕГОРИЯ: название категории\nПОЯСНЕНИЕ: рыбалка",
            "КАТЕГОРИЯ: Хлеб, Рыбалка\nПОЯСНЕНИЕ: и то и другое",
            "КАТЕГОРИЯ: Хлеб\nКАТЕГОРИЯ: Рыбалка",
            "КАТЕГОРИЯ: нет\nПОЯСНЕНИЕ: ничего не подходит",
        ],
    )
    def test_a_line_that_does_not_decide_is_unparsed(self, answer):
        assert said(EXPLAIN, answer) is Status.UNPARSED

    def test_several_are_read_where_several_may_be(self):
        assert said(EXPLAIN_MULTI, "КАТЕГОРИЯ: Рыбалка, хлеб\nПОЯСНЕНИЕ: …") == ["bread", "fishing"]
        assert said(EXPLAIN_MULTI, "КАТЕГОРИЯ: Сад, огород\nПОЯСНЕНИЕ: …") == ["garden"]
        assert said(EXPLAIN_MULTI, "КАТЕГОРИЯ: Нет.\nПОЯСНЕНИЕ: …") == []
        assert said(EXPLAIN_MULTI, "КАТЕГОРИЯ: Рыбалка, погода\nПОЯСНЕНИЕ: …") is Status.UNPARSED
        assert said(EXPLAIN_MULTI, "КАТЕГОРИЯ: Рыбалка, нет") is Status.UNPARSED
