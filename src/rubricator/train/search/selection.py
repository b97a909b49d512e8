"""Which model wins, by validation alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Metric
from rubricator.errors import TrainingError
from rubricator.models.training_result import WORDS, Choice, Score
from rubricator.stats.arrays import Bools, Floats

_DRAWS = 500


def metric_of(chosen: Metric | Literal["auto"], *, single: bool) -> Metric:
    """The metric that `auto` stands for: accuracy where a text has one category, else macro-F1."""
    if chosen != "auto":
        return chosen
    return "accuracy" if single else "macro_f1"


def score(
    decisions: Bools, targets: Floats, weights: Floats, groups: Sequence[str] | None = None, *, seed: int = 0
) -> Score:
    """Measure decisions about validation texts.

    Args:
        decisions: Made by a model and a rule that did not see the text, shape [n, categories].
        targets: In [0, 1], same shape; true from one half upwards.
        weights: Shape [n]; rows of weight 0 say nothing.
        groups: Group of each text; whole groups are drawn for intervals (none are drawn without).
        seed: Of the draws.
    """
    columns, exact = _tallied(decisions, targets)
    figures = _figures(np.tensordot(weights, columns, axes=1), float(weights @ exact), float(weights.sum()))
    intervals: dict[str, tuple[float, float]] = {}
    if groups is not None and (weights > 0).any():
        drawn = np.array([_drawn(columns, exact, times) for times in _draws(weights, groups, seed)])
        low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
        intervals = {name: (float(a), float(b)) for name, a, b in zip(figures, low, high, strict=True)}
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

    Both are measured on the same samples (Efron & Tibshirani, "An introduction to the bootstrap", 1993).

    Args:
        new: Decisions of the one, shape [n, categories].
        old: Decisions of the other.
        targets: In [0, 1], same shape; true from one half upwards.
        weights: Shape [n]; some above 0.
        groups: Group of each text.
        metric: What they are compared by.
        seed: Of the draws.
    """
    place = list(WORDS).index(metric)
    one, other = _tallied(new, targets), _tallied(old, targets)
    draws = _draws(weights, groups, seed)
    return float(np.mean([_drawn(*one, times)[place] > _drawn(*other, times)[place] for times in draws]))


def choose(scores: Mapping[str, Score], *, metric: Metric, unproven: Collection[str] = ()) -> Choice:
    """The best candidate by the metric, then by macro-F1; the first of equals.

    Args:
        scores: Score of each candidate, in order of preference.
        metric: What they are compared by.
        unproven: Candidates that are not taken even if they are ahead, because that may be chance.

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

    def told(rivals: Sequence[tuple[str, Score]]) -> str:
        return ", ".join(f"{rival} {result.merit(metric)[0]:.3f}" for rival, result in rivals)

    reason = f"{name} reached {reached}"
    doubtful = [item for item in others if item[1].merit(metric) > best.merit(metric)]
    if beaten := others[len(doubtful) :]:
        equal = [item for item in beaten if item[1].merit(metric) == best.merit(metric)]
        if worse := beaten[len(equal) :]:
            reason += f", more than {told(worse)}"
        reason += f"; {told(equal)} {'is' if len(equal) == 1 else 'are'} no better" if equal else ""
    if doubtful:
        reason += f"; {told(doubtful)} {'is' if len(doubtful) == 1 else 'are'} not surely better"
    return Choice(name, f"{reason}.", in_order)


def _figures(counts: Floats, exact: float, total: float) -> dict[str, float]:
    """Figures from hits, claims and truths per category, shape [3, categories]."""
    hits, claimed, real = counts
    present = real > 0
    f1 = 2 * hits[present] / (claimed + real)[present]
    everything = claimed.sum() + real.sum()
    return {
        "macro_f1": float(f1.mean()) if len(f1) else 0.0,
        "weighted_f1": float(f1 @ real[present] / real.sum()) if len(f1) else 0.0,
        "micro_f1": float(2 * hits.sum() / everything) if everything else 0.0,
        "accuracy": exact / total if total else 0.0,
    }


def _tallied(decisions: Bools, targets: Floats) -> tuple[Floats, Bools]:
    """Hits, claims and truths, shape [n, 3, categories], and which texts are all right."""
    truth = targets >= 0.5
    columns = np.stack([decisions & truth, decisions, truth], axis=1).astype(np.float64)
    return columns, (decisions == truth).all(axis=1)


def _drawn(columns: Floats, exact: Bools, times: Floats) -> list[float]:
    counts = np.tensordot(times, columns, axes=1)
    return list(_figures(counts, float(times @ exact), float(times.sum())).values())


def _draws(weights: Floats, groups: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Weights of each text in each sample of groups drawn with replacement, shape [draws, n]."""
    _, number = np.unique(np.array(groups), return_inverse=True)
    count = int(number.max()) + 1
    random = np.random.default_rng(seed)
    drawn = random.multinomial(count, np.full(count, 1 / count), size=_DRAWS)
    times = drawn[:, number] * weights
    # A sample in which no text has weight says nothing.
    return np.asarray(times[times.sum(axis=1) > 0], dtype=np.float64)
