"""How probable it is that a student decides as its teacher, told from the margin of its decisions."""

from __future__ import annotations

import numpy as np

from rubricator.label_space import LabelSpace
from rubricator.models.two_speed import Alike, margins
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.calibration import fit_platt


def fit_alike(scaled: Floats, decided: Bools, *, threshold: Floats, space: LabelSpace) -> Alike:
    """Fit the curves on texts that the student did not learn from, its log-odds being `scaled`.

    What the other model decided takes the place of a label, so texts without one will do.

    Args:
        scaled: Log-odds of the student, shape [texts, categories].
        decided: What the other model decides, same shape.
        threshold: Smallest probability that assigns each category, shape [categories].
        space: What decisions may look like.
    """
    margin = margins(scaled, threshold, single=space.single)
    own = space.decide(space.probabilities(scaled), threshold)
    sides = [own] if space.single else [~own, own]
    curves = np.array(
        [
            [
                _curve(margin[rows, column], (own == decided)[rows, column])
                for column, rows in enumerate(side.T)
            ]
            for side in sides
        ]
    )
    return Alike(space=space, threshold=threshold, slope=curves[:, :, 0], intercept=curves[:, :, 1])


def _curve(margin: Floats, same: Bools) -> tuple[float, float]:
    return fit_platt(np.abs(margin), same.astype(np.float64), np.ones(len(margin)))
