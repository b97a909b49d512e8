"""What editors' decisions tell: how often they overrule the model, agree, and what suggestions save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from rubricator.dataset.reviews import Shown
from rubricator.review.feedback import Decision
from rubricator.stats.agreement import numbered, weighted_kappas
from rubricator.stats.bootstrap import Estimate, percentile_interval, resample_groups
from rubricator.stats.shares import wilson

ENOUGH = 20
"""Decisions (of either arm, or of two editors on the same texts) that a figure is told from."""
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Overrides:
    """How often editors decided otherwise than the model, for one category, source or editor."""

    name: str
    shown: Shown
    overridden: int
    decisions: int
    rate: Estimate


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa of two editors on the texts that both judged blind; `said` is a sentence about it."""

    one: str
    other: str
    texts: int
    kappa: Estimate
    said: str


@dataclass(frozen=True, slots=True)
class TimeSaved:
    """Median seconds of blind decisions less those of suggested ones; `said` is a sentence about it."""

    blind: int
    suggested: int
    saved: Estimate
    said: str


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """What the decisions in a store tell; those given blind measure, suggested ones flatter the model."""

    decisions: int
    overall: list[Overrides]
    categories: list[Overrides]
    sources: list[Overrides]
    editors: list[Overrides]
    agreement: list[Agreement]
    time: TimeSaved


def report_feedback(decisions: Sequence[Decision], *, seed: int = 0) -> FeedbackReport:
    """Override rates with Wilson intervals, kappa and time with bootstrap intervals, all at 95%.

    A category counts in the decisions where the model or the editor chose it.
    """
    return FeedbackReport(
        decisions=len(decisions),
        overall=_rates(decisions, lambda _: ["all"]),
        categories=_rates(decisions, lambda one: {*one.categories, *(one.predicted or ())}, by_category=True),
        sources=_rates(decisions, lambda one: [one.source or "unknown"]),
        editors=_rates(decisions, lambda one: [one.editor]),
        agreement=_agreements(decisions, seed),
        time=_time_saved(decisions, seed),
    )


def _rates(
    decisions: Sequence[Decision], names: Callable[[Decision], Iterable[str]], *, by_category: bool = False
) -> list[Overrides]:
    counts: dict[tuple[str, Shown], list[bool]] = defaultdict(list)
    for one in decisions:
        if one.predicted is None:
            continue
        for name in names(one):
            differs = (name in one.predicted) != (name in one.categories) if by_category else one.changed
            counts[name, one.shown].append(bool(differs))
    return [
        Overrides(name, shown, sum(found), len(found), wilson(sum(found), len(found)))
        for (name, shown), found in sorted(counts.items())
    ]


def _agreements(decisions: Sequence[Decision], seed: int) -> list[Agreement]:
    latest: dict[str, dict[str, Decision]] = defaultdict(dict)  # by editor and content
    for one in decisions:
        if one.shown == "blind":
            latest[one.editor][one.content] = one
    found = []
    for name, second in combinations(sorted(latest), 2):
        shared = sorted(latest[name].keys() & latest[second].keys())
        if shared:
            pairs = [(latest[name][content], latest[second][content]) for content in shared]
            kappa = _kappa(pairs, seed) if len(pairs) >= ENOUGH else Estimate(None)
            found.append(
                Agreement(name, second, len(pairs), kappa, _agreement_said(name, second, pairs, kappa))
            )
    return found


def _agreement_said(one: str, other: str, pairs: Sequence[tuple[Decision, Decision]], kappa: Estimate) -> str:
    both = f"{one} and {other} judged {len(pairs)} texts blind"
    if len(pairs) < ENOUGH:
        return f"{both}: too few to tell how far they agree ({ENOUGH} are needed)."
    if kappa.value is None or kappa.low is None or kappa.high is None:
        return f"{both}, and one of them always said the same: kappa is undefined."
    return f"{both}: kappa {kappa.value:.2f} (95% interval {kappa.low:.2f} to {kappa.high:.2f})."


def _kappa(pairs: Sequence[tuple[Decision, Decision]], seed: int) -> Estimate:
    """Cohen's kappa (1960); where texts may have several categories, its mean over the defined ones."""
    weights = np.concatenate(list(resample_groups(len(pairs), draws=_DRAWS, seed=seed)))
    weights = np.concatenate([np.ones((1, len(pairs))), weights])
    said = [[one.categories for one in of_one] for of_one in zip(*pairs, strict=True)]
    if all(one.single and other.single for one, other in pairs):
        both = numbered([*said[0], *said[1]]).reshape(2, -1)
        questions = [(both[0], both[1])]
    else:
        keys = sorted({key for of_one in said for categories in of_one for key in categories})
        marks = np.array([[[key in one for one in of_one] for of_one in said] for key in keys])
        questions = [(of_one, of_other) for of_one, of_other in marks]
    kappas = np.array([weighted_kappas(*question, weights) for question in questions])
    defined = np.isfinite(kappas)
    means = np.where(defined, kappas, 0).sum(axis=0) / np.where(
        defined.any(axis=0), defined.sum(axis=0), np.nan
    )
    if not np.isfinite(means[0]):
        return Estimate(None)
    samples = means[1:][np.isfinite(means[1:])]
    return Estimate(float(means[0]), *percentile_interval(samples, confidence=0.95))


def _time_saved(decisions: Sequence[Decision], seed: int) -> TimeSaved:
    """By comparing the two arms: how often a suggestion is accepted says nothing of time."""
    blind, suggested = (
        np.array([one.seconds for one in decisions if one.shown == arm and one.seconds is not None])
        for arm in ("blind", "suggested")
    )
    counts = f"{len(blind)} blind decisions and {len(suggested)} suggested ones were timed"
    if min(len(blind), len(suggested)) < ENOUGH:
        said = f"{counts}: too few to tell whether suggestions save time ({ENOUGH} of each are needed)."
        return TimeSaved(len(blind), len(suggested), Estimate(None), said)
    random = np.random.default_rng(seed)
    medians = [
        np.median(random.choice(arm, size=(_DRAWS, len(arm))), axis=1).astype(np.float64)
        for arm in (blind, suggested)
    ]
    low, high = percentile_interval(medians[0] - medians[1], confidence=0.95)
    saved = Estimate(float(np.median(blind) - np.median(suggested)), low, high)
    assert low is not None
    assert high is not None
    verdict = (
        "suggestions save time"
        if low > 0
        else "suggestions cost time"
        if high < 0
        else "it cannot be told whether suggestions save time"
    )
    figure = f"{saved.value:.1f} s a text at the median (95% interval {low:.1f} to {high:.1f})"
    said = f"{counts}: {verdict}; {figure}."
    return TimeSaved(len(blind), len(suggested), saved, said)
