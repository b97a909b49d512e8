"""How right predictions probably are: before anybody labels them, and when some are reviewed blind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rubricator.label_space import LabelSpace
from rubricator.monitor.sample import Sample
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.bootstrap import Estimate, percentile_interval
from rubricator.stats.counts import f1, mean_defined
from rubricator.stats.label_shift import adjusted_probabilities
from rubricator.stats.prediction_powered import power
from rubricator.stats.significance import resample

DRAWS = 500
ENOUGH = 20
"""Blind reviews from which on they correct what is expected."""
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class F1:
    """Macro-F1 and F1 by category key, each with its interval."""

    macro: Estimate
    categories: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Performance:
    """F1 of a window in several ways.

    Attributes:
        texts: Predictions that it is about.
        expected: By the calibrated probabilities alone.
        shifted: The same after they are adjusted to the window's own mix of categories.
        corrected: The expected figures, corrected by blind reviews; None with too few.
        reviewed: By the blind reviews alone; None without.
        reviews: How many there are.
    """

    texts: int
    expected: F1
    shifted: F1
    corrected: F1 | None
    reviewed: F1 | None
    reviews: int


def measure_performance(
    window: Sample, reference: Sample, space: LabelSpace, truth: Mapping[int, Bools], *, seed: int = 0
) -> Performance:
    """F1 that calibrated probabilities promise, and what blind reviews make of the promise.

    Confidence-based estimation: a decided category is right with its probability, one that was not decided
    on is missed with it. It holds while probabilities are calibrated; a change of what categories mean
    stays hidden from it. Under label shift they are adjusted first (Saerens, Latinne and Decaestecker, 2002).
    Reviews correct both kinds of error by prediction-powered inference (Angelopoulos et al., 2023).

    Args:
        window: What was served.
        space: The decisions that are possible.
        reference: Of the same model, for the mix of categories that its probabilities stand for.
        truth: Categories that people stated blind, of texts drawn by lot: by row of the window, shape [k].
        seed: Of the bootstrap.
    """
    p, decided = window.probabilities, window.decided
    prior = reference.probabilities.mean(axis=0)
    adjusted = adjusted_probabilities(p, prior, single=space.single)
    rows = np.array(sorted(truth), dtype=np.intp)
    known = np.array([truth[int(row)] for row in rows], dtype=bool).reshape(len(rows), len(space))
    random = np.random.default_rng(seed)
    return Performance(
        texts=len(window),
        expected=_expected(p, decided, space, random),
        shifted=_expected(adjusted, decided, space, random),
        corrected=_corrected(p, decided, rows, known, space, random) if len(rows) >= ENOUGH else None,
        reviewed=reviewed_f1(known, decided[rows], space, seed=seed) if len(rows) else None,
        reviews=len(rows),
    )


def reviewed_f1(truth: Bools, decided: Bools, space: LabelSpace, *, seed: int = 0) -> F1:
    """F1 of decisions whose truth people stated, with bootstrap intervals."""
    measured = resample(truth, decided, draws=DRAWS, seed=seed)
    by_category = {key: measured.estimate("f1", column) for column, key in enumerate(space.keys)}
    return F1(measured.estimate("macro_f1"), by_category)


def _expected(p: Floats, decided: Bools, space: LabelSpace, random: np.random.Generator) -> F1:
    counts = _weights(len(p), random) @ _counts(p, decided)
    return _figures(counts, space)


def _corrected(
    p: Floats, decided: Bools, rows: Indices, known: Bools, space: LabelSpace, random: np.random.Generator
) -> F1:
    """Expected counts of all texts plus how far they were off where people looked, both resampled."""
    stated, k = _counts(p, decided), len(space)
    true = _counts(known.astype(np.float64), decided[rows])
    others = np.setdiff1d(np.arange(len(p)), rows)
    use = np.tile(_use(stated, true, rows, others, k), 3)
    weights = _weights(len(rows), random) / len(rows)
    rest = _weights(len(others), random) / max(len(others), 1) if len(others) else None
    counts = weights @ (true - use * stated[rows])
    if rest is not None:
        counts = counts + rest @ (use * stated[others])
    return _figures(np.maximum(counts, 0.0) * len(p), space)


def _use(stated: Floats, true: Floats, rows: Indices, others: Indices, k: int) -> Floats:
    """How far the stated counts of each category are used: what makes the variance of its F1 least."""
    hits, alarms, misses = np.split(true.mean(axis=0), 3)
    score = np.nan_to_num(f1(hits, alarms, misses))
    # F1 is a ratio of means; to first order it moves with this sum (delta method).
    direction = np.concatenate([2 - 2 * score, -score, -score])
    influence_true, influence = true * direction, stated * direction
    sums = [part.reshape(-1, 3, k).sum(axis=1) for part in (influence_true, influence)]
    if not len(others):
        return np.zeros(k)
    return np.array([power(sums[0][:, at], sums[1][rows, at], sums[1][others, at]) for at in range(k)])


def _counts(p: Floats, decided: Bools) -> Floats:
    """Hits, false alarms and misses of each text by category, expected or known, shape [n, 3 k]."""
    on = decided.astype(np.float64)
    return np.hstack([p * on, (1 - p) * on, p * (1 - on)])


def _weights(rows: int, random: np.random.Generator) -> Floats:
    """How often each row counts: once, and in every bootstrap sample, shape [1 + draws, rows]."""
    samples = random.multinomial(rows, np.full(rows, 1 / rows), size=DRAWS) if rows else np.zeros((DRAWS, 0))
    return np.vstack([np.ones((1, rows)), samples]).astype(np.float64)


def _figures(counts: Floats, space: LabelSpace) -> F1:
    by_category = f1(*np.split(counts, 3, axis=1))
    macro = mean_defined(by_category)
    return F1(
        _estimate(macro), {key: _estimate(by_category[:, column]) for column, key in enumerate(space.keys)}
    )


def _estimate(values: Floats) -> Estimate:
    if np.isnan(values[0]):
        return Estimate(None)
    return Estimate(float(values[0]), *percentile_interval(values[1:], confidence=CONFIDENCE))
