"""A student of a model, and whether it may serve."""

from dataclasses import replace

import numpy as np
import pytest
from small_examples import make_examples

from rubricator.config import Encode, Train
from rubricator.dataset.inputs import Inputs
from rubricator.errors import TrainingError
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.train.training_context import TrainingContext
from rubricator.train.two_speed.distillation import Material, distillation

ROWS = 150
NOBODY = np.arange(0)


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


def distilled(material, folder, *, single, max_drop=0.05, student_rate=5000.0):
    context = context_of(folder, single=single)
    return distillation(
        material,
        HeadsModel(np.ones((3, 8)), np.zeros(3)),
        DecisionRule.identity(context.space),
        folds=np.arange(len(material.learning)) // 3 % 3,
        rate=lambda model: 100.0 if model.encoders else student_rate,
        metric="accuracy" if single else "macro_f1",
        max_drop=max_drop,
        context=context,
    )


@pytest.mark.parametrize("single", [True, False])
def test_a_student_of_easy_texts_answers_most_of_them(tmp_path, single):
    material = material_of(single=single)
    done = distilled(material, tmp_path, single=single)
    assert done.chosen in done.points
    assert done.chosen.share > 0.5
    assert done.model.bar == done.chosen.bar
    assert done.times == pytest.approx(1 / (100 / 5000 + 1 - done.chosen.share))
    inputs = material.examples.inputs()
    settled, space = done.model.settled(inputs), done.model.alike.space
    own = space.decide(space.probabilities(done.model.logits(inputs)))
    assert (own == material.decided)[settled].all(axis=1).mean() > 0.95


def test_the_validation_part_judges_where_there_is_one(tmp_path):
    learning, judging = np.arange(110), np.arange(110, ROWS)
    done = distilled(material_of(single=True, learning=learning, judging=judging), tmp_path, single=True)
    logits = done.model.student.logits(Inputs(make_examples(ROWS).contents[110:]))
    np.testing.assert_array_equal(done.scaled, logits * done.model.slope[0] + done.model.intercept[0])


def test_too_few_texts_or_one_category_are_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"There are 60 different texts .*at least 100"):
        distilled(material_of(single=True, learning=np.arange(60)), tmp_path, single=True)
    same = material_of(single=True)
    targets = np.tile([0.9, 0.05, 0.05], (ROWS, 1))
    same = replace(same, examples=replace(same.examples, targets=targets), decided=targets > 0.5)
    with pytest.raises(TrainingError, match="the same category"):
        distilled(same, tmp_path, single=True)


def test_where_a_student_may_answer_nothing_or_gains_nothing_it_says_so(tmp_path):
    material = material_of(single=True)
    shuffled = material.decided[np.random.default_rng(0).permutation(ROWS)]
    noise = replace(
        material, decided=shuffled, examples=replace(material.examples, targets=shuffled.astype(float))
    )
    with pytest.raises(
        TrainingError, match=r"even the surest 5% of texts may cost 0\.\d+ accuracy, and 0 is"
    ):
        distilled(noise, tmp_path, single=True, max_drop=0.0)
    with pytest.raises(TrainingError, match="it answers 80 texts/s, the encoder 100"):
        distilled(material, tmp_path, single=True, student_rate=80.0)
