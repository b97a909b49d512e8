"""The threshold of each category: where F1 on validation is largest, steadied where positives are few."""

from __future__ import annotations

import numpy as np

from rubricator.stats.arrays import Floats

# As many positives as the calibrated probabilities are worth beside the observed labels. On three
# data sets, with 60 to 400 validation texts, F1 on other texts rose up to here and was flat beyond.
_PRIOR_POSITIVES = 100.0


def fit_thresholds(probabilities: Floats, targets: Floats, weights: Floats) -> Floats:
    """Smallest probability that assigns each category, chosen for the largest F1; 0.5 without a positive.

    A handful of positives says little about where F1 peaks. So the truth that F1 is computed
    against is a blend of the observed target and the calibrated probability itself (whose best
    threshold is the one of expected F1: Lipton, Elkan & Narayanaswamy, "Optimal thresholding of
    classifiers to maximize F1 measure", 2014); the observed part grows with the positives.
    Probabilities are calibrated, of texts not trained on.
    """
    columns = zip(probabilities.T, targets.T, strict=True)
    return np.array([_threshold(p, target, weights) for p, target in columns])


def scarce(targets: Floats, weights: Floats, *, fitted: bool) -> dict[int, str]:
    """What is to be known about categories that validation knows little of, by index of the category.

    `fitted` says whether thresholds were fitted to these texts.
    """
    none, few = "so its threshold stays at 0.5", "so its threshold is uncertain"
    if not fitted:
        none, few = "so how well it is recognised is unknown", "so how well it is recognised is uncertain"
    notes = {}
    for category, target in enumerate(targets.T):
        positives = round(float(weights @ target), 1)
        if positives == 0:
            notes[category] = f"has no positive validation text, {none}"
        elif positives < 10:
            notes[category] = f"has only {positives:g} positive validation texts, {few}"
    return notes


def _threshold(p: Floats, target: Floats, weights: Floats) -> float:
    positives = float(weights @ target)
    if positives == 0:
        return 0.5
    share = positives / (positives + _PRIOR_POSITIVES)
    truth = weights * (share * target + (1 - share) * p)
    order = np.argsort(-p, kind="stable")
    ranked = p[order]
    f1 = 2 * np.cumsum(truth[order]) / (truth.sum() + np.cumsum(weights[order]))
    # Only between two different probabilities can a threshold stand.
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0
    best = int(f1.argmax())
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)
