"""Everything in which a window may differ from the reference: how far, and how well chance explains it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rubricator.label_space import LabelSpace
from rubricator.monitor.sample import Sample
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.shares import wilson
from rubricator.stats.two_sample import separability

_RARE = 5  # rows below which a value of a mix is told together with other rare ones
_MOST_VALUES = 20
_VECTORS = 250  # of either sample: more take longer and say little more


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One figure of a window beside that of the reference.

    Attributes:
        name: `labels:<key>`, `none`, `confidence`, `length`, `language`, `unknown`, `source`, `vectors`,
            `features:<name>`.
        kind: What `effect` is: `share` (Cohen's h of two shares), `distribution` (the statistic of Kolmogorov
            and Smirnov), `mix` (total variation: half the sum of differences of shares) or `vectors`
            (area under the ROC curve of a classifier that tells the samples apart, less one half).
        effect: How far they lie apart, from 0.
        p_value: How often chance alone brings about as much.
        before: The figure in the reference; a share, a median or a mean.
        now: The same in the window; its interval where there is one.
        values: What changed most in a mix, with both shares.
        q_value: The p-value corrected for the checks beside it (Benjamini and Hochberg, 1995).
        moved: Whether it is beyond both chance and what is too small to matter.
    """

    name: str
    kind: str
    effect: float
    p_value: float
    before: float | None = None
    now: float | None = None
    low: float | None = None
    high: float | None = None
    values: Mapping[str, tuple[float, float]] | None = None
    q_value: float | None = None
    moved: bool = False


def compare(
    reference: Sample, window: Sample, space: LabelSpace, *, seed: int = 0, quick: bool = False
) -> list[Check]:
    """Every check that both samples allow; `quick` leaves out what only people read.

    Two shares are compared by Fisher's exact test, mixes by the chi-squared test of homogeneity, numbers by
    the test of Kolmogorov and Smirnov, vectors by a classifier two-sample test (Lopez-Paz and Oquab, 2017).
    """
    checks = [*_labels(reference, window, space, quick=quick)]
    old, new = (space.confidence(one.probabilities, one.decided) for one in (reference, window))
    checks += _numbers("confidence", old, new)
    checks += _numbers("length", reference.characters, window.characters)
    checks += _numbers("unknown", reference.unknown, window.unknown)
    checks += _mix("language", reference.languages, window.languages)
    checks += _mix("source", reference.sources, window.sources)
    checks += _vectors(reference, window, space, seed)
    for name in sorted(reference.features.keys() & window.features.keys()):
        checks += _feature(name, reference.features[name], window.features[name])
    return checks


def _labels(reference: Sample, window: Sample, space: LabelSpace, *, quick: bool) -> Iterator[Check]:
    from scipy.stats import hypergeom

    def nothing(sample: Sample) -> Bools:
        assigned = sample.decided.copy()
        if space.none is not None:
            assigned[:, space.keys.index(space.none)] = False
        return np.asarray(~assigned.any(axis=1))

    keys = [key for key in space.keys if key != space.none]
    columns = [space.keys.index(key) for key in keys]
    names = [*(f"labels:{key}" for key in keys)]
    marks = [sample.decided[:, columns] for sample in (reference, window)]
    if not space.single or space.none is not None:
        names.append("none")
        marks = [
            np.column_stack([mark, nothing(sample)])
            for mark, sample in zip(marks, (reference, window), strict=True)
        ]
    old, new = (mark.sum(axis=0) for mark in marks)
    n, m = len(reference), len(window)
    # Of all marked rows so many fell into the window: doubled, the exact one-sided p-value.
    lower = hypergeom.cdf(new, n + m, old + new, m)
    upper = hypergeom.sf(new - 1, n + m, old + new, m)
    p_values = np.minimum(1.0, 2 * np.minimum(lower, upper))
    angles = np.abs(2 * np.arcsin(np.sqrt(new / m)) - 2 * np.arcsin(np.sqrt(old / n)))
    for number, name in enumerate(names):
        interval = None if quick else wilson(int(new[number]), m)
        yield Check(
            name=name,
            kind="share",
            effect=float(angles[number]),
            p_value=float(p_values[number]),
            before=float(old[number] / n),
            now=float(new[number] / m),
            low=interval.low if interval else None,
            high=interval.high if interval else None,
        )


def _numbers(name: str, old: Floats, new: Floats) -> Iterator[Check]:
    from scipy.stats import ks_2samp

    old, new = old[np.isfinite(old)], new[np.isfinite(new)]
    if not len(old) or not len(new):
        return
    test = ks_2samp(old, new, method="asymp")
    yield Check(
        name=name,
        kind="distribution",
        effect=float(test.statistic),
        p_value=float(test.pvalue),
        before=float(np.median(old)),
        now=float(np.median(new)),
    )


def _mix(name: str, old: NDArray[np.str_], new: NDArray[np.str_]) -> Iterator[Check]:
    from scipy.stats import chi2_contingency

    # What is not told is no value: a service may not be told sources at all.
    counts = [Counter(values[values != ""].tolist()) for values in (old, new)]
    if not all(counts):
        return
    total = counts[0] + counts[1]
    names = [value for value, count in total.most_common(_MOST_VALUES) if count >= _RARE]
    table = np.array([[count[value] for value in names] for count in counts], dtype=np.int64)
    others = np.array([[count.total()] for count in counts]) - table.sum(axis=1, keepdims=True)
    table = np.hstack([table, others])[:, np.append(np.ones(len(names), dtype=bool), others.sum() > 0)]
    shares = table / table.sum(axis=1, keepdims=True)
    differences = shares[1] - shares[0]
    p_value = float(chi2_contingency(table, correction=False).pvalue) if table.shape[1] > 1 else 1.0
    named = [*names, "others"]
    most = [int(place) for place in np.argsort(-np.abs(differences), kind="stable")[:3]]
    yield Check(
        name=name,
        kind="mix",
        effect=float(np.abs(differences).sum() / 2),
        p_value=p_value,
        values={named[at]: (float(shares[0, at]), float(shares[1, at])) for at in most},
    )


def _vectors(reference: Sample, window: Sample, space: LabelSpace, seed: int) -> Iterator[Check]:
    from scipy.stats import norm

    known = [np.isfinite(sample.vectors).all(axis=1) for sample in (reference, window)]
    if all(mark.any() for mark in known):
        old, new = reference.vectors[known[0]], window.vectors[known[1]]
    else:
        # A model without an encoder: what it says of texts stands for them (Lipton, Wang and Smola, 2018).
        old, new = (space.logits(sample.probabilities) for sample in (reference, window))
    told = separability(old, new, most=_VECTORS, seed=seed)
    if told is None:
        return
    auc, (n, m) = told
    deviation = np.sqrt((n + m + 1) / (12 * n * m))
    yield Check(
        name="vectors",
        kind="vectors",
        effect=max(auc - 0.5, 0.0),
        p_value=float(norm.sf((auc - 0.5) / deviation)),
        before=0.5,
        now=auc,
    )


def _feature(name: str, old: NDArray[np.object_], new: NDArray[np.object_]) -> Iterator[Check]:
    values = [value for value in (*old, *new) if value is not None]
    if not values:
        return
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        numbers = [
            np.array([np.nan if v is None else v for v in side], dtype=np.float64) for side in (old, new)
        ]
        yield from _numbers(f"features:{name}", *numbers)
    else:
        words = [np.array([_word(v) for v in side], dtype=np.str_) for side in (old, new)]
        yield from _mix(f"features:{name}", *words)


def _word(value: object) -> str:
    return "missing" if value is None else str(value) or "empty"


def corrected(checks: Sequence[Check]) -> Floats:
    """P-values corrected for one another: of those below a level so large a share at most is by chance.

    Benjamini and Hochberg, "Controlling the false discovery rate", 1995.
    """
    from scipy.stats import false_discovery_control

    if not checks:
        return np.zeros(0)
    return np.asarray(false_discovery_control([check.p_value for check in checks]))
