"""A small two-speed model and the texts on which half go either way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from small_artifacts import TEXTS, HashEncoder, train_linear

from rubricator.dataset.inputs import Inputs
from rubricator.label_space import LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.models.two_speed import Alike, TwoSpeedModel

CONTENTS = [text for texts in TEXTS.values() for text in texts] + ["Вратарь и дивиденды", "а", "?"]
LINEAR = train_linear()
THRESHOLD = np.array([0.4, 0.5, 0.45])


def two_speed(*, single: bool, bar: float | None = None) -> TwoSpeedModel:
    """Half of the texts go either way, unless there is a bar."""
    rng = np.random.default_rng(4)
    sides = 1 if single else 2
    model = TwoSpeedModel(
        student=LINEAR,
        rest=HeadsModel(rng.normal(size=(3, HashEncoder.width)) * 3, rng.normal(size=3)),
        slope=np.array([[1.2, 0.9, 1.1], [1.5, 1.25, 1.0]]),
        intercept=np.array([[0.1, 0.2, -0.1], [0.25, 0.0, -0.25]]),
        alike=Alike(
            space=LabelSpace.of_size(3, single=single),
            threshold=THRESHOLD,
            slope=np.full((sides, 3), 1.5),
            intercept=np.full((sides, 3), -0.2),
        ),
        bar=bar or 0.0,
    )
    return replace(model, bar=float(np.median(alike_of(model)))) if bar is None else model


def alike_of(model: TwoSpeedModel) -> np.ndarray:
    return model.alike.probabilities(LINEAR.logits(Inputs(CONTENTS)) * model.slope[0] + model.intercept[0])
