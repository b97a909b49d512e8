"""The artifact is not the training object; both must say the same."""

from __future__ import annotations

import numpy as np
import pytest
from small_artifacts import TEXTS, HashEncoder

from rubricator.artifact import read_artifact
from rubricator.config import Encode, Train
from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import BASE, Inputs
from rubricator.label_space import LabelSpace
from rubricator.train.kinds.heads import fit_heads
from rubricator.train.kinds.linear.fit import fit_linear
from rubricator.train.training_context import TrainingContext

CONTENTS = [text for texts in TEXTS.values() for text in texts]
UNSEEN = ["Вратарь поймал шайбу", "Дивиденды банка", "Ёлки, ЦЕНЫ и театр: 5-7!", "а", "?"]


def examples_of(contents):
    rows = len(contents)
    targets = np.resize(np.repeat(np.eye(3), 6, axis=0), (rows, 3))
    return Examples(
        contents=contents,
        vectors=HashEncoder().encode(contents),
        targets=targets,
        weights=np.ones(rows),
        groups=[str(i) for i in range(rows)],
    )


@pytest.mark.parametrize(("kind", "fit"), [("linear", fit_linear), ("heads", fit_heads)])
def test_an_artifact_gives_the_logits_and_decisions_of_training(tmp_path, make_artifact, kind, fit):
    context = TrainingContext(
        settings=Train(), encode=Encode(), space=LabelSpace.of_size(3, single=False), seed=0, folder=tmp_path
    )
    trained = fit(examples_of(CONTENTS), folds=np.arange(18) % 3, context=context).model
    artifact = read_artifact(make_artifact(tmp_path / "a", kind, model=trained))
    logits = artifact.model.logits(Inputs(UNSEEN, encoders={BASE: HashEncoder().encode}))
    expected = trained.logits(examples_of(UNSEEN).inputs())
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-9)
    rule = artifact.rule
    assert (rule.decide(rule.probabilities(logits)) == rule.decide(rule.probabilities(expected))).all()
