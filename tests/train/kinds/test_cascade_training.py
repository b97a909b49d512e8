from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from small_examples import make_examples, make_folds

from rubricator.config import Cascade, Encode, Train
from rubricator.dataset.inputs import Inputs
from rubricator.errors import TrainingError
from rubricator.label_space import LabelSpace
from rubricator.models.registry import read_model
from rubricator.text_rules.rules import Condition, Matcher, Rule
from rubricator.train.kinds.cascade.candidates import minable
from rubricator.train.kinds.cascade.precision_posterior import PrecisionPosterior, texts_needed
from rubricator.train.kinds.cascade.rule_assembly import without_implied
from rubricator.train.kinds.cascade.words import occurrences
from rubricator.train.trainers import fit
from rubricator.train.training_context import TrainingContext

TEXTS = (
    "Выборы в парламент прошли тихо",
    "Депутаты парламента ждут выборов",
    "Парламенту не хватило голосов",
    "Тренер сборной: гол решил матч",
    "Главный тренер сборной доволен",
)


def context(tmp_path, *, single=True, keywords=(), rules=None, **told):
    return TrainingContext(
        settings=Train(cascade=Cascade(**told)),
        encode=Encode(),
        space=LabelSpace.of_size(3, single=single),
        seed=0,
        folder=tmp_path,
        keywords=keywords,
        rules=rules,
    )


def train(examples, context, folds=4):
    return fit("cascade", examples, folds=make_folds(len(examples), folds), context=context)


def noisy(rows, *, seed=3, shy=0.4):
    """Vectors tell little; three words each tell their category, and many texts hold none of them."""
    examples = make_examples(rows, seed=seed)
    rng = np.random.default_rng(seed)
    sure = ("печь", "парус", "седло")
    words = [sure[c] if rng.random() > shy else "мимо" for c in examples.targets.argmax(axis=1)]
    vectors = rng.normal(size=(rows, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    contents = [f"{word} и {rng.choice(['вечер', 'утро', 'полдень'])}" for word in words]
    return replace(examples, contents=contents, vectors=vectors.astype(np.float32))


def test_words_beginnings_and_phrases():
    words, found = occurrences(TEXTS, np.ones(5, dtype=bool), at_least=2)
    columns = dict(zip(words, found.toarray().T.tolist(), strict=True))
    assert columns["парламент*"] == [1, 1, 1, 0, 0]
    assert columns["выбор*"] == [1, 1, 0, 0, 0]
    assert (
        columns["тренер сборной"] == [0, 0, 0, 1, 1] if "тренер сборной" in columns else "сборно*" in columns
    )
    assert len({tuple(column) for column in columns.values()}) == len(columns)


def test_only_texts_with_weight_say_how_common_a_word_is():
    used = np.array([True, False, False, True, True])
    assert "парламент*" not in occurrences(TEXTS, used, at_least=2)[0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("аб ё-1.", max_size=30), min_size=1, max_size=8))
def test_columns_say_what_served_rules_say(contents):
    words, found = occurrences(contents, np.ones(len(contents), dtype=bool), at_least=1)
    matcher = Matcher([Condition(words=(word,)) for word in words])
    held = [matcher.holds(content, {}) for content in contents]
    assert [np.flatnonzero(row).tolist() for row in found.toarray()] == held


def test_feature_values_ranges_and_words_beside_them():
    features = [{"kind": "short" if row % 2 else "long", "views": float(row)} for row in range(20)]
    examples = replace(make_examples(20), features=features, contents=["море и волна"] * 10 + ["море"] * 10)
    found = minable(examples, at_least=3)
    said = [str(condition) for condition in found.conditions]
    assert {"kind is long", "kind is short", "views < 8", "views ≥ 8", "море and kind is long"} <= set(said)
    held = found.holds[:, [said.index("views < 8")]].toarray().ravel()
    assert held.tolist() == [1] * 8 + [0] * 12


def test_an_implied_condition_is_left_out():
    words = ["парламент*", "парламентский", "в парламенте", "парла*", "закон", "закон принят", "законный"]
    kept = without_implied([Condition(words=(word,)) for word in words])
    assert [str(condition) for condition in kept] == ["парла*", "закон", "законный"]


def test_many_rules_prove_more_than_one():
    alone = PrecisionPosterior(np.array([20.0]), np.array([20.0]))
    among = PrecisionPosterior(np.full(30, 20.0), np.full(30, 20.0))
    beside_bad = PrecisionPosterior(np.array([20.0] + [14.0] * 29), np.full(30, 20.0))
    assert among.bound(0.9)[0] > alone.bound(0.9)[0] > beside_bad.bound(0.9)[0]
    assert among.chance(0.97)[0] > alone.chance(0.97)[0]


@given(st.integers(0, 60), st.integers(0, 10), st.floats(0.5, 0.95))
@settings(max_examples=40, deadline=None)
def test_the_bound_is_reached_with_the_probability_that_was_asked_for(right, wrong, confidence):
    posterior = PrecisionPosterior(np.array([float(right)]), np.array([float(right + wrong)]))
    bound = float(posterior.bound(confidence)[0])
    assert posterior.chance(bound)[0] == pytest.approx(confidence, abs=1e-3)
    assert 0 < posterior.mean()[0] < 1


def test_texts_that_prove_a_bar():
    assert texts_needed(0.97, 0.95) == 99
    assert texts_needed(0.9, 0.9) == 22


def test_rules_are_found_and_take_texts_that_the_model_cannot_tell(tmp_path):
    examples = noisy(300)
    heads = fit("heads", examples, folds=make_folds(300), context=context(tmp_path))
    cascade = train(examples, context(tmp_path))
    truth = examples.targets.argmax(axis=1)
    before, after = ((some.oof_logits.argmax(axis=1) == truth).mean() for some in (heads, cascade))
    assert after > before + 0.3
    assert {(rule.category, str(rule)) for rule in cascade.model.rules} == {
        (0, "печь"),
        (1, "пару*"),
        (2, "седл*"),
    }
    assert cascade.facts["given_right"] == cascade.facts["given"] == cascade.facts["texts_taken"] > 150
    for row in cascade.facts["rules"]:
        assert row["taken"] == row["right"] > 40
        assert row["at_least"] >= 0.97
    assert (cascade.model.logits(examples.inputs()).argmax(axis=1) == truth).mean() > 0.6


def test_multi_label_rules_give_each_category_by_itself(tmp_path):
    cascade = train(make_examples(300, single=False), context(tmp_path, single=False))
    assert {rule.category for rule in cascade.model.rules} == {0, 1, 2}
    # The model is sure of nothing about a text without a direction.
    nothing = Inputs(["закон, банк и вечер"], vectors={"base": np.zeros((1, 8), np.float32)})
    up = cascade.model.logits(nothing) - cascade.model.rest.logits(nothing)
    assert (up > 0).tolist() == [[True, True, False]]


def test_few_texts_prove_nothing_and_the_model_is_left_alone(tmp_path):
    examples = noisy(45)
    heads = fit("heads", examples, folds=make_folds(45), context=context(tmp_path))
    cascade = train(examples, context(tmp_path))
    assert cascade.model.rules == ()
    assert (cascade.oof_logits == heads.oof_logits).all()
    inputs = examples.inputs()
    assert (cascade.model.logits(inputs) == heads.model.logits(inputs)).all()
    assert cascade.facts["texts_that_prove"] == 76


def test_words_without_meaning_make_no_rule(tmp_path):
    examples = noisy(300)
    shuffled = replace(examples, contents=np.random.default_rng(0).permutation(examples.contents).tolist())
    for told in ({}, {"precision": 0.8}, {"precision": "auto"}):
        assert train(shuffled, context(tmp_path, **told)).model.rules == ()


def test_auto_takes_rules_that_beat_the_model_however_precise(tmp_path):
    examples = noisy(300)
    wrong = np.random.default_rng(5).random(300) < 0.2
    targets = np.where(wrong[:, None], np.roll(examples.targets, 1, axis=1), examples.targets)
    examples = replace(examples, targets=targets)
    keywords = [Rule(category=c, any=(word,)) for c, word in enumerate(("печь", "парус*", "седло"))]
    assert train(examples, context(tmp_path, keywords=keywords)).model.rules == ()
    cascade = train(examples, context(tmp_path, keywords=keywords, precision="auto"))
    assert {str(rule) for rule in cascade.model.rules} >= {"печь", "парус*", "седло"}
    assert all(0.6 < rule.precision < 0.9 for rule in cascade.model.rules)


def test_a_keyword_keeps_what_silences_it(tmp_path):
    examples = noisy(300)
    keywords = [Rule(category=1, any=("парус", "мачта"), unless=("утро",))]
    rules = train(examples, context(tmp_path, keywords=keywords, precision=0.9)).model.rules
    (proposed,) = [rule for rule in rules if rule.unless]
    assert (proposed.category, proposed.unless) == (1, ("утро",))
    assert str(proposed.any[0]) == "парус"


def test_a_feature_value_makes_a_rule(tmp_path):
    examples = noisy(300, shy=1.0)
    category = examples.targets.argmax(axis=1)
    features = [
        {"desk": ("news", "money", None)[c], "hours": float(10 * c + row % 7)}
        for row, c in enumerate(category)
    ]
    cascade = train(replace(examples, features=features), context(tmp_path))
    assert (cascade.oof_logits.argmax(axis=1) == category).mean() > 0.98
    assert set(cascade.model.columns) == {"desk", "hours"}


def test_rules_of_a_person_are_taken_as_they_are_and_measured(tmp_path):
    examples = noisy(120)
    rules = [
        Rule(category=0, any=("печь",)),
        Rule(category=1, any=("седло",)),
        Rule(category=2, any=("никогда",)),
    ]
    cascade = train(examples, context(tmp_path, rules=rules))
    assert [rule.any for rule in cascade.model.rules] == [rule.any for rule in rules]
    good, bad, idle = cascade.facts["rules"]
    assert good["taken"] == good["right"] > 20
    assert bad["taken"] > 20
    assert bad["right"] == 0
    assert idle["taken"] == 0
    taken = cascade.model.takes(examples.inputs())
    said = softmax(cascade.oof_logits * cascade.model.slope + cascade.model.intercept, axis=1)
    assert (said[taken[:, 0], 0] > 0.8).all()
    assert (said[taken[:, 1], 1] >= 0.5 - 1e-9).all()  # a person wanted it so


def test_held_out_logits_know_nothing_of_their_fold(tmp_path):
    examples, folds = noisy(240), make_folds(240)
    changed = np.where((folds == 0)[:, None], np.roll(examples.targets, 1, axis=1), examples.targets)
    given_ = [
        fit("cascade", replace(examples, targets=targets), folds=folds, context=context(tmp_path))
        for targets in (examples.targets, changed)
    ]
    first, second = (some.oof_logits[folds == 0].argmax(axis=1) for some in given_)
    taken = np.array([not content.startswith("мимо") for content in examples.contents])[folds == 0]
    assert (first[taken] == second[taken]).all()
    assert (first[taken] == examples.targets[folds == 0][taken].argmax(axis=1)).all()


def test_near_duplicates_count_as_one_text(tmp_path):
    few = noisy(24)
    many = few.subset(np.repeat(np.arange(24), 12))
    cascade = fit("cascade", many, folds=np.repeat(make_folds(24), 12), context=context(tmp_path))
    assert cascade.model.rules == ()


def test_texts_of_weight_0_are_predicted_and_not_learnt_from(tmp_path):
    examples = noisy(300)
    weights = np.where(np.arange(300) < 240, 1.0, 0.0)
    targets = np.where(weights[:, None] > 0, examples.targets, np.roll(examples.targets, 1, axis=1))
    cascade = train(replace(examples, weights=weights, targets=targets), context(tmp_path))
    taken = cascade.model.takes(examples.inputs())[240:].any(axis=1)
    assert taken.any()
    right = cascade.oof_logits[240:].argmax(axis=1) == examples.targets[240:].argmax(axis=1)
    assert right[taken].all()


@pytest.mark.slow
@pytest.mark.parametrize("single", [True, False])
def test_training_twice_gives_the_same_files_and_they_come_back(tmp_path, single):
    examples = make_examples(150, single=single)
    first, second = (train(examples, context(tmp_path, single=single, precision=0.8)) for _ in range(2))
    assert first.model.rules
    assert first.model.files() == second.model.files()
    assert (first.oof_logits == second.oof_logits).all()
    again = read_model(first.model.files())
    assert (again.logits(examples.inputs()) == first.model.logits(examples.inputs())).all()


def test_without_any_weight_there_is_nothing_to_learn(tmp_path):
    with pytest.raises(TrainingError):
        train(replace(make_examples(12), weights=np.zeros(12)), context(tmp_path))


def test_texts_without_words_leave_the_model_alone(tmp_path):
    examples = replace(make_examples(30), contents=["…"] * 30)
    assert train(examples, context(tmp_path)).model.rules == ()
