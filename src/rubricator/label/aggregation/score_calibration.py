"""From raw scores to probabilities, without golden texts and corrected by them.

Scores, guesses and truth have the shape [texts, categories]; NaN stands where a teacher abstained. A guess
is a log-odds in multi-label work and a log-probability in single-label work. Scores of likeness are all
finite, in single-label work each row of guesses is finite or all NaN.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_softmax, logit, softmax

from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.calibration import fit_line, fit_temperature

# What is believed before any golden text is seen.
_RULE_PRECISION = 0.9
_BELIEVED = 0.95
_MEAN_CONFIDENCE = 0.7  # single-label: how often the best category is the right one
_SEPARATION = 2.5  # multi-label: between texts in and out of a category, in standard deviations
_SHARE = 1 / 6  # multi-label: of the texts that are in a category …
_SHARE_WEIGHT = 0.3  # … believed as if so many times the corpus had been counted
_NARROWEST = 0.1
# How far golden texts may move a slope and an intercept: standard deviations of Gaussian priors.
_SPREAD_SHARED = np.array([0.5, 1.0])
_SPREAD_CATEGORY = np.array([0.3, 1.0])
_SPREAD_SINGLE_SLOPE, _SPREAD_SINGLE_BIAS = 0.5, 1.0
_FARTHEST = 7.0  # log-odds: no teacher is surer than 999 to 1


def guess_multi_likeness(scores: Floats) -> Floats:
    """Log-odds from scores of likeness, each category on its own, without any label.

    Two bell curves per category, the texts in it and the others. All categories share the curves'
    width and distance, so a rare category without a hump of its own is still cut at a sensible
    place; its middle and its share of texts are its own, the share drawn to 1/6 (expectation
    maximisation: Dempster, Laird and Rubin 1977).
    """
    texts, categories = scores.shape
    width = float(scores.std())
    if width < 1e-9:
        return np.full(scores.shape, float(logit(_SHARE)))
    narrowest = _NARROWEST * width  # a few equal scores must not draw a curve into a needle
    posterior = _SHARE_WEIGHT * texts
    middle, share = np.median(scores, axis=0), np.full(categories, _SHARE)
    for _ in range(200):
        inside = expit(_log_odds(scores, middle, width, share))
        share = (inside.sum(axis=0) + _SHARE * posterior) / (texts + posterior)
        middle = (scores - inside * _SEPARATION * width).mean(axis=0)
        apart = scores - middle - inside * _SEPARATION * width
        spread = apart**2 + inside * (1 - inside) * (_SEPARATION * width) ** 2
        before, width = width, max(float(np.sqrt(spread.mean())), narrowest)
        if abs(width - before) < 1e-6 * width:
            break
    return _log_odds(scores, middle, width, share)


def _log_odds(scores: Floats, middle: Floats, width: float, share: Floats) -> Floats:
    halfway = middle + _SEPARATION * width / 2
    return np.asarray(_SEPARATION * (scores - halfway) / width + logit(share))


def guess_single_likeness(scores: Floats) -> Floats:
    """Log-probabilities from scores of likeness, without any label.

    A softmax whose temperature makes the mean probability of the best category 0.7.
    """
    from scipy.optimize import brentq  # a third of a second to import

    def surplus(log_slope: float) -> float:
        return float(softmax(scores * np.exp(log_slope), axis=1).max(axis=1).mean()) - _MEAN_CONFIDENCE

    lowest, highest = -10.0, 15.0
    # Texts that are equally like every category never become surer: no temperature helps them.
    log_slope = brentq(surplus, lowest, highest, xtol=1e-3) if surplus(highest) > 0 > surplus(lowest) else 0.0
    return np.asarray(log_softmax(scores * np.exp(log_slope), axis=1))


def guess_multi_hits(hits: Floats) -> Floats:
    """Log-odds from numbers of rule hits: one is right nine times of ten, n are wrong 1 / 10n."""
    return np.asarray(logit(1 - (1 - _RULE_PRECISION) / hits))


def guess_single_hits(hits: Floats) -> Floats:
    """Log-probabilities from numbers of rule hits.

    One hit in one category gives it 0.9, the others sharing the rest; each further hit, in whatever
    category, speaks as loudly. Rows without a hit are all NaN.
    """
    counted = np.nan_to_num(hits)
    strength = np.log(_RULE_PRECISION / (1 - _RULE_PRECISION) * (hits.shape[1] - 1))
    guessed = np.asarray(log_softmax(np.log2(1 + counted) * strength, axis=1))
    guessed[counted.sum(axis=1) == 0] = np.nan
    return guessed


def guess_multi_probability(scores: Floats) -> Floats:
    """Log-odds from probabilities that a teacher names itself.

    Nobody is believed beyond 19 to 1 before golden texts were seen: language models are surer than
    they are right, and a bare yes or no is a probability of 1 or 0.
    """
    return np.asarray(logit(np.clip(scores, 1 - _BELIEVED, _BELIEVED)))


def guess_single_probability(scores: Floats) -> Floats:
    """Log-probabilities from a distribution that a teacher names itself, not believed beyond 0.95.

    Rows of scores are in proportion to probabilities; one with no positive number counts as all NaN.
    """
    stated = np.nan_to_num(scores)
    total = stated.sum(axis=1, keepdims=True)
    shares = np.divide(stated, total, out=np.full(stated.shape, np.nan), where=total > 0)
    even = 1 / scores.shape[1]
    # Mixed with the even distribution: a certain answer keeps 0.95, and no category is ruled out.
    weight = (_BELIEVED - even) / (1 - even)
    return np.asarray(np.log(weight * shares + (1 - weight) * even))


def correct_multi(guessed: Floats, truth: Bools) -> Floats:
    """Slopes and intercepts, shape [2, categories], that correct guessed log-odds (Platt 1999).

    First one slope and intercept for all categories, drawn to "leave as it is"; then each
    category's own, drawn to the shared ones. So few golden texts correct little, and a category
    without any follows the others.
    """
    stated = np.isfinite(guessed)
    shared = fit_line(guessed[stated], truth[stated], np.array([1.0, 0.0]), _SPREAD_SHARED)
    own = [
        fit_line(guessed[rows, j], truth[rows, j], shared, _SPREAD_CATEGORY)
        for j, rows in enumerate(stated.T)
    ]
    return np.stack(own, axis=1)


def correct_single(guessed: Floats, truth: Bools | Floats) -> Floats:
    """Slopes (all the same) and an intercept per category, shape [2, categories], for log-probabilities.

    The truth has one true cell a row, or a distribution.
    """
    stated = np.isfinite(guessed).all(axis=1)
    x, y = guessed[stated], truth[stated].astype(np.float64)
    slope, bias = fit_temperature(x, y, log_slope=_SPREAD_SINGLE_SLOPE, intercept=_SPREAD_SINGLE_BIAS)
    return np.stack([np.full(guessed.shape[1], slope), bias])


def to_probabilities(guessed: Floats, line: Floats, *, single: bool) -> Floats:
    """Probabilities from guessed log-odds or log-probabilities and their correction; NaN stays NaN."""
    scaled = guessed * line[0] + line[1]
    return np.asarray(softmax(scaled, axis=1) if single else expit(np.clip(scaled, -_FARTHEST, _FARTHEST)))
