"""Which texts of a window show best what changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rubricator.label_space import LabelSpace
from rubricator.monitor.checks import Check
from rubricator.monitor.sample import Sample
from rubricator.stats.arrays import Floats

MOST = 50
"""Texts that an alert asks people to look at."""


def example_ids(check: Check, window: Sample, reference: Sample, space: LabelSpace) -> list[str]:
    """Ids of at most 50 texts, each once, those that show the change of a check best first."""
    order = np.argsort(-_scores(check, window, reference, space), kind="stable")
    return list(dict.fromkeys(window.ids[order].tolist()))[:MOST]


def _scores(check: Check, window: Sample, reference: Sample, space: LabelSpace) -> Floats:
    kind, _, rest = check.name.partition(":")
    rising = (check.now or 0.0) >= (check.before or 0.0)
    sure = space.confidence(window.probabilities, window.decided)
    if kind == "labels":
        p = window.probabilities[:, space.keys.index(rest)]
        return p if rising else -np.abs(p - 0.5)
    if kind in ("none", "confidence", "reviewed"):
        return -sure
    if kind in ("length", "unknown"):
        numbers = window.characters if kind == "length" else np.nan_to_num(window.unknown)
        return numbers if rising else -numbers
    if kind in ("language", "source") and check.values:
        return _grown(check, window.languages if kind == "language" else window.sources) - sure / 10
    if kind == "vectors" and np.isfinite(window.vectors).all(axis=1).any():
        direction = np.nanmean(window.vectors, axis=0) - np.nanmean(reference.vectors, axis=0)
        return np.asarray(np.nan_to_num(window.vectors @ np.nan_to_num(direction), nan=-np.inf))
    return -sure


def _grown(check: Check, values: NDArray[np.str_]) -> Floats:
    """1 where a row has the value whose share grew most."""
    assert check.values is not None
    most = max(check.values, key=lambda name: check.values[name][1] - check.values[name][0])  # type: ignore[index]
    return np.asarray(values == most, dtype=np.float64)
