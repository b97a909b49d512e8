"""Invented parts for tests of figures and of what is made from them."""

from __future__ import annotations

import numpy as np

from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import DecisionRule, LabelSpace

TITLES = {"sport": "Спорт", "money": "Деньги и цены", "space": "Космос"}
KEYS = tuple(TITLES)


def scored(
    truth,
    probabilities,
    *,
    rule=None,
    groups=None,
    part="test",
    contents=None,
    origins=None,
    about="Invented.",
):
    truth, probabilities = np.asarray(truth, dtype=bool), np.asarray(probabilities, dtype=float)
    rule = rule or DecisionRule.identity(LabelSpace.of_size(truth.shape[1], single=False))
    n = len(truth)
    return ScoredPredictions(
        part=part,
        about=about,
        ids=[f"t{row}" for row in range(n)],
        contents=contents or [f"Текст {row}" for row in range(n)],
        groups=groups or [f"g{row}" for row in range(n)],
        truth=truth,
        probabilities=probabilities,
        decisions=rule.decide(probabilities),
        origins=origins or ["golden"] * n,
    )


def random_part(n=120, *, single=False, seed=1, shares=(0.4, 0.3, 0.2), **options):
    random = np.random.default_rng(seed)
    k = len(shares)
    if single:
        truth = np.eye(k, dtype=bool)[random.choice(k, size=n, p=np.array(shares) / sum(shares))]
    else:
        truth = random.random((n, k)) < np.array(shares)
    logits = random.normal(-1, 1.2, (n, k)) + 2.5 * truth
    rule = DecisionRule.identity(LabelSpace.of_size(k, single=single))
    return scored(truth, rule.probabilities(logits), rule=rule, **options), rule
