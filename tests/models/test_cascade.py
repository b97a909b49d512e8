import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.special import expit, softmax

from rubricator.dataset.inputs import Inputs
from rubricator.errors import ArtifactError
from rubricator.models.cascade import CascadeModel, apply_rule_floors, rule_figures
from rubricator.models.heads import HeadsModel
from rubricator.models.registry import read_model
from rubricator.text_rules.rules import ColumnCondition, Condition, Rule, RuleSet

RULES = (
    Rule(category=1, any=("гол*", "серия пенальти"), unless=("чай",), precision=0.97),
    Rule(category=0, any=({"pattern": r"\d+\s*%"}, {"where": {"desk": "money"}}), precision=0.9),
    Rule(category=1, any=({"words": ("кубок", "матч*")},), precision=0.8),
)


def model(rules=RULES, *, single=True, slope=2.0):
    rng = np.random.default_rng(0)
    heads = HeadsModel(rng.normal(size=(3, 4)), np.array([0.5, -0.5, 0.1]))
    return CascadeModel(rules, heads, np.full(3, slope), np.array([0.2, 0.0, -0.2]), single)


def inputs(contents, features=None):
    vectors = np.random.default_rng(1).normal(size=(len(contents), 4)).astype(np.float32)
    return Inputs(contents, features, vectors={"base": vectors})


def holds(condition, content="", **features):
    return bool(RuleSet([Rule(category=0, any=(condition,))]).holds([content], [features])[0, 0])


TEXTS = ("Голкипер спас дважды", "ГОЛ! и чай потом", "рост на 7 %", "матч за кубок", "тихий вечер")


@pytest.mark.parametrize(
    ("condition", "content", "expected"),
    [
        ("ёлк*", "Две ЕЛКИ у входа", True),
        ("гол", "голкипер", False),
        ("гол*", "гол", True),
        ("пресс* секретар*", "сказала пресс-секретарь", True),
        ("пресс-секретар*", "Пресс секретарям", True),
        ("чай с лимоном", "чай, с лимоном", True),
        ("чай с лимоном", "чай без с лимоном", False),
        ({"words": ["чай", "лимон"]}, "лимон и чай", True),
        ({"words": ["чай"], "without": ["лимон*"]}, "чай с лимоном", False),
        ({"pattern": r"ё\d"}, "Е7", True),
        ({"words": ["счёт"], "pattern": r"\d:\d"}, "счет был 2:1", True),
        ({"words": ["счёт"], "pattern": r"\d:\d"}, "счет из прачечной", False),
    ],
)
def test_words_and_patterns(condition, content, expected):
    assert holds(condition, content) is expected


@pytest.mark.parametrize(
    ("demand", "value", "expected"),
    [
        ("Official", "official ", True),
        (True, "true", True),
        (True, 1.0, False),
        (3, "3", True),
        ({"below": 61}, "PT58S", True),
        ({"at_least": 60, "below": 61}, "PT1M", True),
        ({"at_least": 10}, "ten", False),
        ({"below": 5}, None, False),
        ({"missing": True}, None, True),
        ({"missing": True}, "", True),
        ({"missing": True}, float("nan"), True),
        ({"missing": False}, "there", True),
        ({"missing": False}, None, False),
        ({"at_least": 1}, True, False),
    ],
)
def test_feature_columns(demand, value, expected):
    assert holds({"where": {"column": demand}}, column=value) is expected


def test_a_column_that_is_not_there_is_a_missing_value():
    assert holds({"where": {"column": {"missing": True}}})
    assert not holds({"where": {"column": "x"}})


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", r"(\w+\s*)*x", "(a|aa)+", "((ab)*c)*", r"(x)\1", "a*", "(", "(?:a{1,9}){2,}", "(?R)?a"],
)
def test_a_pattern_that_may_take_forever_or_says_nothing_is_refused(pattern):
    with pytest.raises(ValidationError):
        Condition(pattern=pattern)


@pytest.mark.parametrize(
    "pattern", [r"\d+\s*%", "(?:кг|см)", "(?<!а)б+", r"[(*+]+x", r"\(a+\)+", "(?s)\\A(?!.*(?:a|b)).x"]
)
def test_other_patterns_are_let_in(pattern):
    assert Condition(pattern=pattern)


def test_a_pattern_of_polynomial_time_is_cut_short(caplog):
    assert not holds({"pattern": r"\d*\d*\d*\d*[xy]"}, "1" * 3000)
    assert "took more than" in caplog.text


@pytest.mark.parametrize("word", ["", "*", "а*б", "* чай"])
def test_nothing_and_a_star_in_the_middle_of_a_word_are_refused(word):
    with pytest.raises(ValidationError):
        Rule(category=0, any=(word,))


@pytest.mark.parametrize("empty", [{}, {"without": ["а"]}, {"where": {"c": {}}}])
def test_an_empty_condition_is_refused(empty):
    with pytest.raises(ValidationError):
        Condition.model_validate(empty)


def test_the_first_rule_takes_the_text_and_an_excluded_word_silences_it():
    taken = model().takes(inputs(TEXTS))
    assert taken.tolist() == [
        [True, False, False],
        [False, False, False],
        [False, True, False],
        [False, False, True],
        [False, False, False],
    ]
    both = inputs(["гол на 90 %, матч за кубок"])
    assert model().takes(both).tolist() == [[True, False, False]]
    assert model(single=False).takes(both).tolist() == [[True, True, False]]


@pytest.mark.parametrize("single", [True, False])
def test_a_rule_raises_its_category_to_its_precision_and_leaves_other_texts_alone(single):
    cascade, texts = model(single=single), inputs(TEXTS)
    before, after = cascade.rest.logits(texts), cascade.logits(texts)
    scaled = after * cascade.slope + cascade.intercept
    shares = softmax(scaled, axis=1) if single else expit(scaled)
    for row, category, precision in ((0, 1, 0.97), (2, 0, 0.9), (3, 1, 0.8)):
        assert shares[row, category] >= precision - 1e-9
        others = np.arange(3) != category
        assert (after[row, others] == before[row, others]).all()
        assert not single or scaled[row].argmax() == category
    assert (after[[1, 4]] == before[[1, 4]]).all()


@given(
    logits=st.lists(st.floats(-20, 20), min_size=3, max_size=3),
    category=st.integers(0, 2),
    precision=st.floats(0.51, 0.999),
    single=st.booleans(),
)
def test_raising_never_lowers_and_reaches_the_precision(logits, category, precision, single):
    z, given_ = np.array([logits]), np.zeros((1, 3))
    given_[0, category] = precision
    up = apply_rule_floors(z, given_, np.array([0.5, 1, 2]), np.zeros(3), single=single)
    assert (up >= z).all()
    scaled = up * [0.5, 1, 2]
    share = softmax(scaled, axis=1) if single else expit(scaled)
    assert share[0, category] >= precision - 1e-9


def test_a_text_does_not_depend_on_the_others():
    cascade, texts = model(), inputs(TEXTS)
    whole = cascade.logits(texts)
    for row in range(len(TEXTS)):
        assert (cascade.logits(texts.subset(np.array([row]))) == whole[row]).all()
    assert cascade.logits(inputs([])).shape == (0, 3)


def test_files_and_back():
    cascade, texts = model(), inputs(TEXTS, [{"desk": "money"}] * 5)
    again = read_model(cascade.files())
    assert again.rules == cascade.rules
    assert (again.logits(texts) == cascade.logits(texts)).all()
    assert again.files() == cascade.files()
    assert again.columns == ("desk",)
    assert again.encoders == {"base": 4}


def test_figures_of_rules():
    truth = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]], dtype=bool)
    rows = rule_figures(model(), inputs(TEXTS), truth)
    assert [(row.category, row.taken, row.right, row.precision) for row in rows] == [
        (1, 1, 1, 1.0),
        (0, 1, 0, 0.0),
        (1, 1, 1, 1.0),
    ]
    assert rows[0].rule == "any of гол*, серия пенальти, unless чай"
    assert rows[1].rule == r"any of /\d+\s*%/, desk is money"


def _changed(**changes):
    files = dict(model().files())
    about = json.loads(files["model.json"])
    about["rules"][0] |= changes
    files["model.json"] = json.dumps(about).encode()
    return files


@pytest.mark.parametrize(
    "files",
    [
        _changed(category=3),
        _changed(category=-1),
        _changed(precision=1.0),
        _changed(any=[]),
        _changed(any=[{"words": [], "pattern": "(a+)+"}]),
        _changed(unless=["*"]),
        _changed(more=1),
        dict(model().files()) | {"strange.json": b"{}"},
        {name: data for name, data in model().files().items() if not name.startswith("rest/")},
        {name: data for name, data in model().files().items() if name != "arrays.safetensors"},
        model(slope=-1.0).files(),
        model(slope=float("inf")).files(),
    ],
)
def test_tampered_files_are_refused(files):
    with pytest.raises(ArtifactError):
        read_model(files)


def test_a_demand_that_asks_nothing_is_refused():
    with pytest.raises(ValidationError):
        ColumnCondition()
