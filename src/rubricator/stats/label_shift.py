"""Probabilities for another mix of categories than they were calibrated for."""

from __future__ import annotations

import numpy as np

from rubricator.stats.arrays import Floats

_ROUNDS = 100
_ENOUGH = 1e-6
_LEAST = 1e-4


def adjusted_probabilities(probabilities: Floats, prior: Floats, *, single: bool) -> Floats:
    """Probabilities adjusted to the mix of categories that makes these texts likeliest.

    EM of Saerens, Latinne and Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities", 2002: right if only the mix changed, and not what texts of a category are like. With
    several categories a text each is adjusted by itself, as present against absent.

    Args:
        probabilities: Calibrated ones, shape [n, k].
        prior: Share of each category where they were calibrated, shape [k].
        single: Whether a text has exactly one category.

    Returns:
        Of the same shape.
    """
    if not len(probabilities):
        return probabilities
    if single:
        return _adjusted(probabilities[:, :, None], prior[:, None])[:, :, 0]
    stated = np.stack([probabilities, 1 - probabilities], axis=1)
    return _adjusted(stated, np.stack([prior, 1 - prior]))[:, 0]


def _adjusted(stated: Floats, prior: Floats) -> Floats:
    """EM over the outcomes of axis 1, for every problem of axis 2; `prior` has the shape of the last two."""
    prior = np.clip(prior, _LEAST, 1 - _LEAST)
    mix, adjusted = prior.copy(), stated
    for _ in range(_ROUNDS):
        weighted = stated * (mix / prior)
        adjusted = weighted / np.maximum(weighted.sum(axis=1, keepdims=True), 1e-300)
        before, mix = mix, adjusted.mean(axis=0)
        if np.abs(mix - before).max() < _ENOUGH:
            break
    return np.asarray(adjusted)
