"""One window of one model, judged against its reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from rubricator.config.monitor import Monitor
from rubricator.monitor.checks import Check, compare, corrected
from rubricator.monitor.performance import Performance, measure_performance
from rubricator.monitor.reference import Reference
from rubricator.monitor.sample import Sample
from rubricator.monitor.threshold import Threshold, window_size
from rubricator.stats.arrays import Bools

FALSE_DISCOVERIES = 0.05
"""Share of the checks named in an alert that may be there by chance."""
_OF_REVIEWS = 0.1  # of the false alarms allowed, where there are reviews
FEWEST_REVIEWS = 10

Thresholds = Callable[[Reference, int, float], Threshold]
"""The threshold of a reference for windows of a size and a rate of alarms, made when first asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of the predictions of one model in one window.

    Attributes:
        state: `quiet`, `alarm`, `few` (too few rows), or `unknown` (a model without a reference).
        rows: Predictions that it holds; of more than 10,000 so many were looked at.
        rate: Share of undisturbed windows that alarm at most.
        threshold: P-value from which on a check alarms; None where nothing is judged.
        cause: One source or language without which nothing alarms, as `source:…`; empty where there is none.
        examples: Ids of texts that show the change best.
        note: What is to be known of it, as a sentence.
        seconds: From request to answer, `p50` and `p95`.
    """

    model: str
    start: datetime
    end: datetime
    rows: int
    state: str
    taxonomy_version: str = ""
    rate: float = 0.0
    threshold: float | None = None
    checks: tuple[Check, ...] = ()
    cause: str = ""
    examples: tuple[str, ...] = ()
    performance: Performance | None = None
    note: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def moved(self) -> tuple[Check, ...]:
        """Checks that are beyond chance and matter, the most certain first."""
        return tuple(sorted((one for one in self.checks if one.moved), key=lambda one: one.p_value))


def judge(
    sample: Sample,
    reference: Reference,
    settings: Monitor,
    thresholds: Thresholds,
    truth: Mapping[int, Bools],
    *,
    models: int = 1,
) -> tuple[tuple[Check, ...], float, float, Performance]:
    """Checks (those that moved are marked), the rate they keep, the threshold, and the performance.

    The false alarms allowed are shared by the `models` that are judged in the same window, and where people
    reviewed, a tenth of them is for the reviews. `truth` is that of `measure_performance`.
    """
    rate = settings.false_alarms / models
    reviewed = _reviewed(sample, reference, truth)
    of_checks = rate if reviewed is None else rate * (1 - _OF_REVIEWS)
    size = window_size(len(sample), len(reference.sample))
    threshold = thresholds(reference, size, of_checks).at(of_checks)
    checks = mark(compare(reference.sample, sample, reference.space), settings, threshold)
    if reviewed is not None:
        alarms = reviewed.p_value <= rate * _OF_REVIEWS
        checks = (*checks, replace(reviewed, moved=alarms, q_value=reviewed.p_value))
    performance = measure_performance(sample, reference.sample, reference.space, truth)
    return checks, rate, threshold, performance


def mark(checks: list[Check], settings: Monitor, threshold: float) -> tuple[Check, ...]:
    """The checks with corrected p-values; where one alarms, those beyond chance and too large are marked."""
    large = [check.effect >= smallest(check, settings) for check in checks]
    alarms = any(big and check.p_value <= threshold for big, check in zip(large, checks, strict=True))
    q_values = corrected(checks)
    return tuple(
        replace(
            check,
            q_value=float(q_value),
            moved=bool(alarms and big and (check.p_value <= threshold or q_value <= FALSE_DISCOVERIES)),
        )
        for check, q_value, big in zip(checks, q_values, large, strict=True)
    )


def smallest(check: Check, settings: Monitor) -> float:
    """The effect below which a check does not matter."""
    return float(getattr(settings, f"smallest_{check.kind}"))


def find_cause(sample: Sample, reference: Reference, settings: Monitor, threshold: float) -> str:
    """A source or a language that came to more than it was, and without which nothing alarms."""
    for kind, values, before in (
        ("source", sample.sources, reference.sample.sources),
        ("language", sample.languages, reference.sample.languages),
    ):
        for value in _grown(values, before):
            rest = sample.take(values != value)
            if len(rest) < settings.min_rows:
                continue
            known = reference.sample.take(before != value) if value in before else reference.sample
            if not any(one.moved for one in mark(compare(known, rest, reference.space), settings, threshold)):
                return f"{kind}:{value}"
    return ""


def _grown(now: np.ndarray, before: np.ndarray) -> list[str]:
    """The three values whose share grew most, by a twentieth at least."""
    known = now[now != ""]
    if not len(known):
        return []
    names, counts = np.unique(known, return_counts=True)
    old = before[before != ""]
    growth = counts / len(known) - np.array([np.mean(old == name) if len(old) else 0.0 for name in names])
    return [str(names[at]) for at in np.argsort(-growth)[:3] if growth[at] >= 0.05]


def _reviewed(sample: Sample, reference: Reference, truth: Mapping[int, Bools]) -> Check | None:
    """Whether predictions are less often right, where people looked, than they were on the reference."""
    from scipy.stats import fisher_exact

    known = reference.labelled
    if len(truth) < FEWEST_REVIEWS or known.sum() < FEWEST_REVIEWS:
        return None
    now = [bool((sample.decided[row] == true).all()) for row, true in truth.items()]
    before = (reference.sample.decided[known] == reference.truth[known]).all(axis=1)
    table = [[sum(now), len(now) - sum(now)], [int(before.sum()), int((~before).sum())]]
    shares = float(np.mean(now)), float(before.mean())
    angles = [2 * np.arcsin(np.sqrt(share)) for share in shares]
    return Check(
        name="reviewed",
        kind="share",
        effect=float(max(angles[1] - angles[0], 0.0)),
        p_value=float(fisher_exact(table, alternative="less").pvalue),
        before=shares[1],
        now=shares[0],
    )
