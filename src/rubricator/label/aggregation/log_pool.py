"""The weighted mean of the teachers' log-odds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import logit

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Floats

_SURE = 1e-6


def log_opinion_pool(
    opinions: Sequence[TeacherProbabilities], space: LabelSpace, *, weights: Mapping[str, Floats]
) -> TeacherProbabilities:
    """One opinion from several: the weighted mean of their log-odds, abstentions left out.

    This is the logarithmic opinion pool (Genest and Zidek, "Combining probability distributions",
    1986): unlike a sum of log-odds it does not become surer because teachers repeat one another.
    Multi-label, a cell about which every teacher abstains gets the category's mean probability.
    Single-label, a text about which every teacher abstains stays NaN. Weights are those of `weigh`.
    """
    stacked = np.stack([np.clip(opinion.probabilities, _SURE, 1 - _SURE) for opinion in opinions])
    stated = np.isfinite(stacked)
    weight = np.where(stated, np.stack([weights[opinion.teacher] for opinion in opinions])[:, None, :], 0.0)
    evidence = np.log(stacked) if space.single else logit(stacked)
    total = weight.sum(axis=0)
    mean = (np.where(stated, evidence, 0.0) * weight).sum(axis=0) / np.where(total > 0, total, np.nan)
    answered = np.any([opinion.answered for opinion in opinions], axis=0)
    probabilities = space.probabilities(mean)
    if not space.single:
        silent = answered[:, None] & ~np.isfinite(probabilities)
        rate = np.nansum(probabilities, axis=0) / max(answered.sum(), 1)
        probabilities = np.where(silent, rate, probabilities)
    return TeacherProbabilities("agreement", probabilities, answered)
