"""What goals come to on texts labelled by people, and what mistakes cost there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.config.decision import Cost
from rubricator.config.goals import Goal
from rubricator.dataset.goals import CategoryCost, GoalStanding, MistakeCosts
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import LabelSpace
from rubricator.records import Origin
from rubricator.stats.arrays import Floats
from rubricator.stats.bootstrap import Estimate, percentile_interval, resample_groups
from rubricator.stats.counts import GroupedCounts
from rubricator.stats.significance import Resampled, resample

FIGURES = {
    "precision": "micro_precision",
    "recall": "micro_recall",
    "f1": "macro_f1",
    "accuracy": "subset_accuracy",
    "override_rate": "subset_accuracy",  # its complement
}
"""Which figure of `GroupedCounts` a goal's offline figure is."""


def goal_standings(
    scored: ScoredPredictions,
    goals: Sequence[Goal],
    space: LabelSpace,
    *,
    bootstrap: int,
    confidence: float,
    seed: int,
) -> tuple[GoalStanding, ...]:
    """Every goal's offline figure over its categories, with bootstrap intervals over groups."""
    unchecked = sum(origin == Origin.AGREEMENT for origin in scored.origins)
    return tuple(
        GoalStanding(
            name=goal.name,
            about=goal.about,
            offline=goal.offline,
            categories=goal.categories,
            figure=offline_figure(
                resample_goal(
                    scored, goal.categories, space, draws=bootstrap, confidence=confidence, seed=seed
                ),
                goal.offline,
            ),
            target=goal.offline_target,
            texts=len(scored),
            unchecked=unchecked,
        )
        for goal in goals
    )


def resample_goal(
    scored: ScoredPredictions,
    categories: Sequence[str],
    space: LabelSpace,
    *,
    draws: int,
    confidence: float,
    seed: int,
) -> Resampled:
    """Figures over some categories (none means all), on the texts as they are and on samples of groups."""
    columns = [space.keys.index(key) for key in categories or space.keys]
    truth, decisions = scored.truth[:, columns], scored.decisions[:, columns]
    return resample(truth, decisions, scored.groups, draws=draws, confidence=confidence, seed=seed)


def offline_figure(resampled: Resampled, offline: str) -> Estimate:
    """A goal's figure; an override rate is the share of texts that are not all right."""
    figure = resampled.estimate(FIGURES[offline])
    if offline != "override_rate" or figure.value is None:
        return figure
    ends = (None, None) if figure.low is None or figure.high is None else (1 - figure.high, 1 - figure.low)
    return Estimate(1 - figure.value, *ends)


def mistake_costs(
    scored: ScoredPredictions,
    cost: Cost,
    space: LabelSpace,
    *,
    bootstrap: int,
    confidence: float,
    seed: int,
) -> MistakeCosts:
    """What the decisions cost on 1,000 texts like these, beside the cheapest answer that needs no model."""
    wrong_cost, missed_cost = np.array([cost.of(key) for key in space.keys]).T
    wrong, missed = scored.decisions & ~scored.truth, scored.truth & ~scored.decisions
    by_category = 1000 * (wrong.mean(axis=0) * wrong_cost + missed.mean(axis=0) * missed_cost)
    per_text = wrong @ wrong_cost + missed @ missed_cost
    counts = GroupedCounts(scored.truth, scored.decisions, scored.groups)
    sums = counts.sums(np.column_stack([per_text, np.ones(len(scored))]))
    samples = np.concatenate(
        [
            1000 * (drawn := sample @ sums)[:, 0] / drawn[:, 1]
            for sample in resample_groups(counts.groups, draws=bootstrap, seed=seed)
        ]
    )
    low, high = percentile_interval(samples, confidence=confidence) if counts.groups > 1 else (None, None)
    return MistakeCosts(
        currency=cost.currency,
        per_thousand=Estimate(float(by_category.sum()), low, high),
        without_model=_fixed_answer(scored, wrong_cost, missed_cost, space),
        texts=len(scored),
        categories=tuple(
            CategoryCost(key=key, wrong=int(w), missed=int(m), per_thousand=float(c))
            for key, w, m, c in zip(
                space.keys, wrong.sum(axis=0), missed.sum(axis=0), by_category, strict=True
            )
        ),
    )


def _fixed_answer(scored: ScoredPredictions, wrong: Floats, missed: Floats, space: LabelSpace) -> float:
    has = scored.truth.mean(axis=0)
    if space.single:
        return float(1000 * ((1 - has) * wrong + has @ missed - has * missed).min())
    return float(1000 * np.minimum((1 - has) * wrong, has * missed).sum())
