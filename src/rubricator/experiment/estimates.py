"""The difference between two arms, by metric: proportions, Welch's means, ratios by the delta method, CUPED.

tea-tasting computes them from sums. What is taken from it are the estimates and their standard errors, on the
scale of the metric and of the logarithm of the arms' ratio; `stats.sequential` says how many of them wide an
interval must be that may be looked at every day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from rubricator.errors import MissingExtraError
from rubricator.experiment.plan import ARMS, Arm, Metric
from rubricator.stats.arrays import Floats
from rubricator.stats.bootstrap import Estimate

if TYPE_CHECKING:
    import polars as pl

_LEVEL = 0.5  # of the intervals asked for, only to read the standard error off them


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A metric in both arms.

    Attributes:
        control: The metric there; so is `treatment`.
        error: Standard error of their difference.
        log_error: Of the logarithm of their ratio; None where one of them is not above 0.
        fixed_p: Of one test at this moment, which looking early would spoil.
        deviation: Standard deviation of the metric from unit to unit, after CUPED where there is a covariate.
    """

    control: float
    treatment: float
    error: float
    log_error: float | None
    fixed_p: float
    deviation: float

    @property
    def difference(self) -> float:
        """Treatment less control."""
        return self.treatment - self.control

    @property
    def z(self) -> float:
        """The difference in standard errors."""
        return self.difference / self.error

    def absolute(self, width: float) -> Estimate:
        """The difference, with an interval so many standard errors wide to either side."""
        return Estimate(
            self.difference, self.difference - width * self.error, self.difference + width * self.error
        )

    def relative(self, width: float) -> Estimate:
        """The change relative to control; undefined where a metric is not above 0."""
        if self.log_error is None:
            return Estimate(None)
        ratio = self.treatment / self.control
        reach = math.exp(min(width * self.log_error, 50.0))
        return Estimate(ratio - 1, ratio / reach - 1, ratio * reach - 1)


class Sums:
    """Sums of a metric's columns in both arms, after each of several looks."""

    def __init__(self, metric: Metric, frame: pl.DataFrame, looks: Sequence[float]) -> None:
        """Add up the units whose window was over at each look; `looks` rise."""
        self.metric = metric
        names = [metric.name, f"{metric.name}/over", f"{metric.name}/before"]
        self._columns = [name for name in names if name in frame.columns]
        self._sums = {arm: self._of_arm(frame, arm, np.asarray(looks)) for arm in ARMS}

    def _of_arm(self, frame: pl.DataFrame, arm: str, looks: Floats) -> tuple[Floats, Floats, Floats]:
        import polars as pl

        rows = frame.filter(pl.col("arm") == arm)
        values = rows.select(self._columns).to_numpy().reshape(rows.height, len(self._columns))
        at = np.searchsorted(looks, rows["complete"].to_numpy())
        inside = at < len(looks)
        values, at = values[inside], at[inside]

        def summed(weights: Floats) -> Floats:
            return np.cumsum(np.bincount(at, weights, minlength=len(looks)))

        width = range(values.shape[1])
        sums = np.stack([summed(values[:, a]) for a in width], axis=1)
        products = [np.stack([summed(values[:, a] * values[:, b]) for b in width], axis=1) for a in width]
        return summed(np.ones(len(at))), sums, np.stack(products, axis=2)

    def count(self, arm: Arm, look: int = -1) -> int:
        """Units of an arm at a look."""
        return int(self._sums[arm][0][look])

    def effect(self, look: int = -1) -> Effect | None:
        """The difference at a look; None where it has no standard error yet.

        Raises:
            MissingExtraError: tea-tasting is not installed.
        """
        if min(self.count(arm, look) for arm in ARMS) < 2:
            return None
        with np.errstate(all="ignore"):
            return _effect(self.metric, *(self._aggregates(arm, look) for arm in ARMS))

    def _aggregates(self, arm: Arm, look: int) -> Any:
        from tea_tasting.aggr import Aggregates

        counts, sums, products = (some[look] for some in self._sums[arm])
        mean = sums / counts
        spread = (products / counts - np.outer(mean, mean)) * counts / (counts - 1)
        places = range(len(self._columns))
        return Aggregates(
            count_=int(counts),
            mean_={self._columns[at]: float(mean[at]) for at in places},
            var_={self._columns[at]: max(float(spread[at, at]), 0.0) for at in places},
            cov_={
                (self._columns[a], self._columns[b]): float(spread[a, b])
                for a in places
                for b in places
                if a < b
            },
        )


def sample_ratio_p(control: int, treatment: int, *, share: float) -> float:
    """How often counts at least as far from the planned share come about by chance.

    Raises:
        MissingExtraError: tea-tasting is not installed.
    """
    tt = _tea_tasting()
    if not control + treatment:
        return 1.0
    from tea_tasting.aggr import Aggregates

    counts = {"control": Aggregates(count_=control), "treatment": Aggregates(count_=treatment)}
    check = tt.SampleRatio(share / (1 - share))
    return float(check.analyze(counts, control="control", treatment="treatment").pvalue)


def _effect(metric: Metric, control: Any, treatment: Any) -> Effect | None:
    name = metric.name
    if metric.kind == "ratio" and not (control.mean(f"{name}/over") > 0 < treatment.mean(f"{name}/over")):
        return None
    result = _analysis(metric, f"{name}/before" in control.mean_).analyze_aggregates(control, treatment)
    error = (result.effect_size_ci_upper - result.effect_size) / norm.ppf((1 + _LEVEL) / 2)
    if not (math.isfinite(error) and error > 0):
        return None
    log_error = None
    if result.control > 0 < result.treatment:
        ratio = (1 + result.rel_effect_size_ci_upper) / (1 + result.rel_effect_size)
        log_error = math.log(ratio) / norm.ppf((1 + _LEVEL) / 2)
    units = control.count_, treatment.count_
    return Effect(
        control=float(result.control),
        treatment=float(result.treatment),
        error=float(error),
        log_error=None if log_error is None else float(log_error),
        fixed_p=float(result.pvalue),
        deviation=float(error / math.sqrt(1 / units[0] + 1 / units[1])),
    )


def _analysis(metric: Metric, adjusted: bool) -> Any:
    tt = _tea_tasting()
    before = f"{metric.name}/before" if adjusted else None
    options: dict[str, Any] = {"confidence_level": _LEVEL}
    if metric.kind == "ratio":
        return tt.RatioOfMeans(
            metric.name,
            f"{metric.name}/over",
            numer_covariate=before,
            use_t=False,
            equal_var=False,
            **options,
        )
    if metric.kind == "proportion" and before is None:
        return tt.Proportion(metric.name, method="norm", correction=False, equal_var=False, **options)
    # Welch's variance; of as many units as an experiment takes, Student's t is the normal distribution.
    return tt.Mean(metric.name, before, use_t=False, equal_var=False, **options)


def _tea_tasting() -> Any:
    try:
        import tea_tasting
    except ImportError as error:
        raise MissingExtraError(
            "tea-tasting", extra="experiment", purpose="The analysis of experiments"
        ) from error
    return tea_tasting
