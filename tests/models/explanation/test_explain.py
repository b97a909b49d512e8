"""Weights of words: exact where a model adds them up, by leaving words out elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_artifacts import HashEncoder
from small_two_speed import CONTENTS as TWO_SPEED_CONTENTS
from small_two_speed import two_speed

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.cascade import CascadeModel
from rubricator.models.columns import ColumnsModel
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.explanation.explain import explain, is_exact, word_effects
from rubricator.models.explanation.words import word_spans
from rubricator.models.heads import HeadsModel
from rubricator.models.linear import LinearModel, Ngrams
from rubricator.text_rules.rules import Rule

RULE = DecisionRule.identity(LabelSpace.of_size(3, single=False))
SINGLE = DecisionRule.identity(LabelSpace.of_size(3, single=True))
ALL = np.ones((1, 3), dtype=bool)
CONTENTS = ("Снег идёт, снег", "«Поезд» пришёл вовремя: поезд!", "а", "İstanbul ΟΔΟΣ ß", "ab ab ab cd-ab")


def linear(seed: int = 0) -> LinearModel:
    """Terms of every kind that the texts above have, with weights drawn at random."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    shapes = (("word", 1, 2), ("word", 2, 3), ("char_wb", 2, 5))
    blocks = []
    random = np.random.default_rng(seed)
    for analyzer, shortest, longest in shapes:
        fitted = TfidfVectorizer(analyzer=analyzer, ngram_range=(shortest, longest)).fit(CONTENTS)
        terms = tuple(fitted.get_feature_names_out().tolist())
        blocks.append(Ngrams(analyzer, shortest, longest, terms, random.uniform(0.5, 2, len(terms))))
    size = sum(len(block.terms) for block in blocks)
    return LinearModel(tuple(blocks), random.normal(size=(3, size)), random.normal(size=3))


MODEL = linear()


def effects(model, content, rule=RULE, **options):
    inputs = options.pop("inputs", Inputs([content]))
    return word_effects(model, rule, inputs, [word_spans(content)], ALL, **options)[0]


@pytest.mark.parametrize("single", [False, True])
def test_of_two_speeds_the_one_that_answers_is_explained(single):
    model, rule = two_speed(single=single), SINGLE if single else RULE
    inputs = Inputs(TWO_SPEED_CONTENTS, encoders={BASE: HashEncoder().encode})
    spans, wanted = [word_spans(content) for content in inputs.contents], np.ones((len(inputs), 3), bool)
    whole = word_effects(model, rule, inputs, spans, wanted)
    settled = model.settled(inputs)
    assert 0 < settled.sum() < len(settled)
    for side, part in enumerate((model.student, model.rest)):
        scaled = replace(rule, slope=rule.slope * model.slope[side])
        alone = word_effects(part, scaled, inputs, spans, wanted)
        for row in np.flatnonzero(settled == (side == 0)):
            np.testing.assert_allclose(whole[row], alone[row], atol=1e-9)


@settings(deadline=None)
@given(st.one_of(st.sampled_from(CONTENTS), st.text(alphabet="abснегİßΣ -,\n\u00a0", max_size=40)))
@example("")
@example("снег " * 9)
def test_weights_of_a_linear_model_and_its_intercept_sum_to_the_logits(content):
    summed = effects(MODEL, content).sum(axis=0) + MODEL.intercept
    np.testing.assert_allclose(summed, MODEL.logits(Inputs([content]))[0], atol=1e-9)


@pytest.mark.parametrize("content", CONTENTS)
def test_so_do_those_of_models_made_of_linear_ones(content):
    scale = np.array([[1.0, 2.0, 0.5], [3.0, 1.0, 1.0]])
    ensemble = EnsembleModel((MODEL, linear(1)), np.array([0.3, 0.7]), scale, scale - 1)
    picked = ColumnsModel((MODEL, linear(1)), (4, 0, 1))
    for model in (ensemble, picked):
        assert is_exact(model)
        intercept = model.logits(Inputs(["…"]))[0]  # of what has no term
        summed = effects(model, content).sum(axis=0) + intercept
        np.testing.assert_allclose(summed, model.logits(Inputs([content]))[0], atol=1e-9)


def test_weights_are_those_of_calibrated_log_odds():
    scaled = replace(RULE, slope=np.array([2.0, 1.0, 0.5]), intercept=np.array([1.0, 0.0, 3.0]))
    np.testing.assert_allclose(
        effects(MODEL, CONTENTS[0], scaled), effects(MODEL, CONTENTS[0]) * scaled.slope
    )


def test_of_one_softmax_a_weight_is_what_tells_categories_apart():
    weights = effects(MODEL, CONTENTS[0], SINGLE)
    np.testing.assert_allclose(weights.sum(axis=1), 0, atol=1e-12)
    plain = effects(MODEL, CONTENTS[0])
    np.testing.assert_allclose(weights[:, 0] - weights[:, 1], plain[:, 0] - plain[:, 1], atol=1e-12)


@pytest.mark.parametrize("single", [False, True])
def test_what_a_rule_adds_goes_to_the_words_that_made_it_hold(single):
    rules = (
        Rule(category=1, any=("сборная россии", {"pattern": r"\d:\d"}), precision=0.98),
        Rule(category=2, any=({"where": {"desk": "money"}},), precision=0.9),
    )
    model = CascadeModel(rules, MODEL, np.ones(3), np.zeros(3), single)
    content = "Вчера сборная России выиграла 3:1, снег"
    found, plain = effects(model, content), effects(MODEL, content)
    raised = model.logits(Inputs([content])) - MODEL.logits(Inputs([content]))
    assert raised[0, 1] > 0
    np.testing.assert_allclose(found.sum(axis=0) - plain.sum(axis=0), raised[0], atol=1e-9)
    changed = np.flatnonzero((found != plain)[:, 1])
    assert [content.split()[place] for place in changed] == ["сборная", "России", "3:1,"]
    by_column = Inputs(["снег"], [{"desk": "money"}])
    np.testing.assert_allclose(
        effects(model, "снег", inputs=by_column), effects(MODEL, "снег"), atol=1e-12
    )  # no word made it hold


def counting_heads(planted: str = "кубок"):
    """Heads over an encoder that sees one word, and how many texts went through it."""
    passed: list[str] = []

    def encode(contents):
        passed.extend(contents)
        return np.array([[1.0 if planted in one else 0.0, 0.1] for one in contents], dtype=np.float32)

    model = HeadsModel(np.array([[3.0, 0.0], [-2.0, 0.0], [0.0, 1.0]]), np.zeros(3))
    return model, encode, passed


@pytest.mark.parametrize("count", [3, 64, 65, 400, 1500])
@pytest.mark.parametrize("place", [0, 0.5, 0.99])
def test_the_word_that_an_encoder_looks_at_weighs_most_whatever_the_length(count, place):
    model, encode, passed = counting_heads()
    words = [f"слово{number}" for number in range(count)]
    at = int(min(count, 1024) * place)
    words[at] = "(Кубок-кубок)!"
    content = " ".join(words)
    inputs = Inputs([content], encoders={BASE: encode})
    wanted = np.array([[True, True, False]])
    (explanation,) = explain(model, RULE, inputs, wanted, words=3, passes=64)
    assert list(explanation.words) == ["0", "1"]
    top = explanation.words["0"]
    assert [one.word for one in top] == ["Кубок-кубок"]
    assert top[0].weight == pytest.approx(3)
    assert explanation.words["1"][0].weight == pytest.approx(-2)
    assert content[top[0].start : top[0].end] == "Кубок-кубок"
    assert len(passed) <= 65, "once whole, and 64 times without something"


def test_no_more_passes_than_asked_for():
    model, encode, passed = counting_heads()
    content = " ".join(f"слово{number}" for number in range(300))
    effects(model, content, inputs=Inputs([content], encoders={BASE: encode}), passes=10)
    assert len(passed) <= 11


def test_an_explanation_names_no_bare_signs_and_is_one_line():
    inputs = Inputs(["снег — снег"])
    (explanation,) = explain(MODEL, RULE, inputs, np.array([[True, False, False]]), words=5)
    assert [one.word for one in explanation.words["0"]] == ["снег", "снег"]
    weight = explanation.words["0"][0].weight
    assert str(explanation) == f"0: снег {weight:+.2f}, снег {weight:+.2f}"


@pytest.mark.parametrize("content", ["", "…", "слово"])
def test_texts_of_one_word_or_none_are_explained(content):
    model, encode, _ = counting_heads()
    for one in (MODEL, model):
        (explanation,) = explain(one, RULE, Inputs([content], encoders={BASE: encode}), ALL)
        assert explanation.content == content
        assert len(explanation.words) == 3
