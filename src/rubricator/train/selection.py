"""Which model wins, by validation alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from rubricator.config import Metric
from rubricator.errors import TrainingError
from rubricator.label_space import LabelSpace
from rubricator.models.training_result import FIGURES, WORDS, Choice, Score
from rubricator.stats import significance
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.significance import resample

_DRAWS = 500


def metric_of(chosen: Metric | Literal["auto"], space: LabelSpace) -> Metric:
    """The metric that `auto` stands for: accuracy where a text has one category, else macro-F1."""
    if chosen != "auto":
        return chosen
    return "accuracy" if space.single else "macro_f1"


def score(
    decisions: Bools, targets: Floats, weights: Floats, groups: Sequence[str] | None = None, *, seed: int = 0
) -> Score:
    """Measure decisions [n, categories] that a model and a rule made without having seen the text.

    Targets are true from one half upwards; rows of weight 0 say nothing. Whole `groups` are drawn for
    intervals, none without.
    """
    resampled = resample(targets >= 0.5, decisions, groups, weights, draws=_DRAWS if groups else 0, seed=seed)
    estimates = {metric: resampled.estimate(FIGURES[metric]) for metric in WORDS}
    intervals: dict[str, tuple[float, float]] = {
        metric: (estimate.low, estimate.high)
        for metric, estimate in estimates.items()
        if estimate.low is not None and estimate.high is not None
    }
    figures = {metric: estimate.value or 0.0 for metric, estimate in estimates.items()}
    return Score(**figures, texts=int((weights > 0).sum()), intervals=intervals)


def chance_of_gain(
    new: Bools,
    old: Bools,
    targets: Floats,
    weights: Floats,
    groups: Sequence[str],
    *,
    metric: Metric,
    seed: int,
) -> float:
    """Share of the samples of groups, drawn with replacement, in which one model is better than another.

    Both are measured on the same samples (Efron & Tibshirani, "An introduction to the bootstrap", 1993), by
    decisions [n, categories].
    """
    truth = targets >= 0.5
    one, other = (
        resample(truth, decisions, groups, weights, draws=_DRAWS, seed=seed) for decisions in (new, old)
    )
    return significance.chance_of_gain(other, one, FIGURES[metric])


def choose(scores: Mapping[str, Score], *, metric: Metric, unproven: Collection[str] = ()) -> Choice:
    """The best candidate by the metric, then by macro-F1; the first of equals, in order of preference.

    Candidates `unproven` are not taken even if they are ahead, because that may be chance.

    Raises:
        TrainingError: There is no candidate.
    """
    if not scores:
        raise TrainingError("No kind of model was trained.", fix="Name at least one in `train.models`.")
    ranked = sorted(scores.items(), key=lambda item: item[1].merit(metric), reverse=True)
    name, best = next((item for item in ranked if item[0] not in unproven), ranked[0])
    others = [item for item in ranked if item[0] != name]
    reached = f"{WORDS[metric]} {best.merit(metric)[0]:.3f} on {best.texts} validation texts"
    in_order = {name: best} | dict(others)
    if not others:
        return Choice(name, f"{name} was the only candidate; it reached {reached}.", in_order)

    def printed(result: Score) -> str:
        return f"{result.merit(metric)[0]:.3f}"

    def listed(rivals: Sequence[tuple[str, Score]]) -> str:
        return ", ".join(f"{rival} {printed(result)}" for rival, result in rivals)

    reason = f"{name} reached {reached}"
    doubtful = [item for item in others if item[1].merit(metric) > best.merit(metric)]
    if beaten := others[len(doubtful) :]:
        equal = [item for item in beaten if printed(item[1]) == printed(best)]
        if worse := beaten[len(equal) :]:
            reason += f", more than {listed(worse)}"
        reason += f"; {listed(equal)} {'is' if len(equal) == 1 else 'are'} no better" if equal else ""
    if doubtful:
        reason += f"; {listed(doubtful)} {'is' if len(doubtful) == 1 else 'are'} not surely better"
    return Choice(name, f"{reason}.", in_order)
