"""Students of a model, and which of them may serve."""

from dataclasses import replace

import numpy as np
import pytest
from small_examples import make_examples

from rubricator.config import Encode, Train
from rubricator.dataset.inputs import Inputs
from rubricator.errors import TrainingError
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.stats.bootstrap import Estimate
from rubricator.train.training_context import TrainingContext
from rubricator.train.two_speed import students
from rubricator.train.two_speed.bars import Rates, SpeedPoint
from rubricator.train.two_speed.candidates import Candidate, Material, candidates, quickest

ROWS = 150
NOBODY = np.arange(0)


@pytest.fixture(autouse=True)
def only_linear(monkeypatch):
    """The other student takes an encoder, which `tests/pipeline/test_two_speed.py` has."""
    monkeypatch.setattr(students, "KINDS", ("linear",))


def context_of(folder, *, single):
    space = LabelSpace.of_size(3, single=single)
    return TrainingContext(settings=Train(), encode=Encode(), space=space, seed=0, folder=folder)


def material_of(*, single, learning=None, judging=None):
    examples = make_examples(ROWS, single=single)
    probabilities = np.clip(examples.targets, 0.03, 0.94)
    if single:
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    everything = np.arange(ROWS)
    return Material(
        examples=replace(examples, targets=probabilities),
        decided=examples.targets > 0.5,
        learning=everything if learning is None else learning,
        judging=everything if judging is None else judging,
        labelled=NOBODY,
        truth=np.zeros((0, 3), dtype=bool),
        unseen=np.zeros((0, 3), dtype=bool),
        unseen_probabilities=np.zeros((0, 3)),
    )


def tried(material, folder, *, single, max_drop=0.05):
    context = context_of(folder, single=single)
    return list(
        candidates(
            material,
            HeadsModel(np.ones((3, 8)), np.zeros(3)),
            DecisionRule.identity(context.space),
            folds=np.arange(len(material.learning)) // 3 % 3,
            rate=lambda model: 100.0 if model.encoders else 5000.0,
            metric="accuracy" if single else "macro_f1",
            max_drop=max_drop,
            context=context,
        )
    )


@pytest.mark.parametrize("single", [True, False])
def test_a_student_of_easy_texts_answers_most_of_them(tmp_path, single):
    material = material_of(single=single)
    (one,) = tried(material, tmp_path, single=single)
    assert one.chosen is not None
    assert one.chosen.share > 0.5
    assert one.model.bar == one.chosen.bar
    settled = one.model.settled(Inputs(material.examples.contents))
    assert settled.mean() == pytest.approx(one.chosen.share, abs=0.25)
    logits = one.model.logits(material.examples.inputs())
    own = one.model.alike.space.decide(one.model.alike.space.probabilities(logits))
    assert (own == material.decided)[settled].all(axis=1).mean() > 0.95
    assert quickest([one], metric="accuracy", max_drop=0.05) is one


def test_the_validation_part_judges_where_there_is_one(tmp_path):
    learning, judging = np.arange(110), np.arange(110, ROWS)
    (one,) = tried(material_of(single=True, learning=learning, judging=judging), tmp_path, single=True)
    contents = make_examples(ROWS).contents[110:]
    expected = (
        one.student.model.logits(Inputs(contents)) * one.student.rule.slope + one.student.rule.intercept
    )
    np.testing.assert_array_equal(one.scaled, expected)
    assert len(one.student.oof_logits) == 110


def test_too_few_texts_or_one_category_are_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"There are 60 different texts .*at least 100"):
        tried(material_of(single=True, learning=np.arange(60)), tmp_path, single=True)
    same = material_of(single=True)
    targets = np.tile([0.9, 0.05, 0.05], (ROWS, 1))
    same = replace(same, examples=replace(same.examples, targets=targets), decided=targets > 0.5)
    with pytest.raises(TrainingError, match="the same category"):
        tried(same, tmp_path, single=True)


def candidate(one, *, high, rate, student_rate=5000.0):
    point = SpeedPoint(
        bar=0.9,
        share=0.05,
        flips=0.01,
        fall=Estimate(0.001, 0.0, high),
        measured=Estimate(None),
        texts_per_second=rate,
    )
    chosen = point if high <= 0.005 else None
    return replace(one, points=(point,), chosen=chosen, rates=Rates(student_rate, 100.0))


def test_the_quickest_that_may_is_taken_and_none_is_an_answer(tmp_path):
    (one,) = tried(material_of(single=True), tmp_path, single=True)
    fast, slow, wrong = (
        candidate(one, high=0.004, rate=500.0),
        candidate(one, high=0.001, rate=300.0),
        candidate(one, high=0.02, rate=900.0),
    )
    assert isinstance(fast, Candidate)
    assert quickest([slow, fast, wrong], metric="accuracy", max_drop=0.005) is fast
    with pytest.raises(TrainingError, match=r"the surest 5% of texts may cost 0.020 accuracy, and 0.005 is"):
        quickest([wrong], metric="accuracy", max_drop=0.005)
    lame = candidate(one, high=0.001, rate=90.0, student_rate=80.0)
    with pytest.raises(TrainingError, match="the best answers 80 texts/s, the encoder 100"):
        quickest([lame], metric="accuracy", max_drop=0.005)
