"""Rare categories and doubtful labels: weights of texts, softer targets, offsets of logits.

Every function takes `targets` as they are in the examples, shape [n, categories], and `weights`,
shape [n], and says what one setting makes of them; a setting that is off returns what came in. How
much a category has is the sum of its soft targets times the weights of their texts. Class weights keep
the total weight, so that regularisation and learning rates mean the same with and without them.

Sources: weights by the inverse share as in King & Zeng, "Logistic regression in rare events data",
2001 (scikit-learn's `balanced`); the effective number of Cui et al., "Class-balanced loss", CVPR 2019;
offsets of Menon et al., "Long-tail learning via logit adjustment", ICLR 2021; smoothing of Szegedy et
al., "Rethinking the Inception architecture", CVPR 2016. Focal loss is in the loss of each kind.
"""

from __future__ import annotations

import numpy as np

from rubricator.config import Imbalance
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Floats


def row_weights(targets: Floats, weights: Floats, settings: Imbalance, *, space: LabelSpace) -> Floats:
    """How much each text counts, shape [n].

    A single-label text counts by its category, and by the probability of its label where `noise` says
    so; a multi-label one is rare in one category and common in another, see `cell_weights`.
    """
    if not space.single:
        return weights
    if settings.noise == "probability":
        weights = weights * targets.max(axis=1, initial=0.0)
    return _reweighted(targets, weights, settings)


def cell_weights(targets: Floats, weights: Floats, settings: Imbalance, *, space: LabelSpace) -> Floats:
    """How much each text counts in each category, shape [n, categories].

    In multi-label positives and negatives of a category are weighted against each other, each category
    by itself; in single-label a text counts the same in every column.
    """
    if space.single:
        rows = row_weights(targets, weights, settings, space=space)
        return np.repeat(rows[:, None], targets.shape[1], axis=1)
    cells = np.empty_like(targets, dtype=np.float64)
    for column, target in enumerate(targets.T):
        sides = np.stack([target, 1 - target], axis=1)
        sure = sides.max(axis=1) if settings.noise == "probability" else 1.0
        cells[:, column] = _reweighted(sides, weights * sure, settings)
    return cells


def draw_weights(targets: Floats, weights: Floats, settings: Imbalance, *, space: LabelSpace) -> Floats:
    """Probability that a text is drawn for a batch, shape [n], summing to 1; none for texts of weight 0.

    `balanced` draws every category equally often, and in multi-label texts without a category as if
    that were one more. The loss still multiplies by `row_weights` or `cell_weights`: these are not
    in it.
    """
    chances = np.asarray(weights > 0, dtype=np.float64)
    if settings.sampling == "balanced":
        columns = targets if space.single else np.hstack([targets, 1 - targets.max(axis=1, keepdims=True)])
        mass = weights @ columns
        chances = chances * (columns @ np.divide(1.0, mass, out=np.zeros_like(mass), where=mass > 0))
    total = chances.sum()
    return chances / total if total > 0 else chances


def smoothed(targets: Floats, settings: Imbalance, *, space: LabelSpace) -> Floats:
    """Targets with a share of certainty spread over all categories, in multi-label over yes and no."""
    share = settings.label_smoothing
    if not share:
        return targets
    return targets * (1 - share) + share / (targets.shape[1] if space.single else 2)


def offsets(targets: Floats, weights: Floats, settings: Imbalance, *, space: LabelSpace) -> Floats:
    """What is added to the logits while training and not at prediction, shape [categories].

    The log-share of each category, in multi-label the log-odds of its share, times `logit_adjustment`;
    shares are smoothed by Laplace's rule.
    """
    mass, total = weights @ targets, weights.sum()
    against = total + len(mass) if space.single else total - mass + 1
    return np.asarray(settings.logit_adjustment * np.log((mass + 1) / against))


def all_at_once(settings: Imbalance) -> Imbalance:
    """The settings for kinds that learn from all texts at once: drawing more often is weighing more."""
    if settings.sampling == "balanced" and settings.weights == "none":
        return settings.model_copy(update={"weights": "balanced"})
    return settings


def _reweighted(sides: Floats, weights: Floats, settings: Imbalance) -> Floats:
    """Weights of rows multiplied by the mean factor of their `sides`, shape [n, sides]; the total stays."""
    if settings.weights == "none":
        return weights
    mass = weights @ sides
    number = mass if settings.weights == "balanced" else _effective(mass, settings.beta)
    factors = np.divide(1.0, number, out=np.zeros_like(mass), where=mass > 0)
    changed = weights * (sides @ factors)
    total = changed.sum()
    return np.asarray(changed * (weights.sum() / total)) if total > 0 else weights


def _effective(mass: Floats, beta: float) -> Floats:
    """The effective number of texts, (1 - β^n) / (1 - β): new ones add less and less."""
    return np.asarray(-np.expm1(mass * np.log(beta)) / (1 - beta))
