"""10,000 simulated experiments by kind of metric, each looked at on 28 days: false alarms, power, coverage.

    python benchmarks/experiments.py --json benchmarks/results/experiments.json

The sizes are those that `rubricator ab plan` gives. An experiment without an effect and one with the smallest
change worth having are drawn unit by unit. Three rules look at them: a test at 5 % every day (naive), a test
at 5 % on the last day (fixed), the always-valid interval every day (ours). Estimates come from sums in numpy;
of some experiments they are compared with those of the package. `--draw FILE` draws the curves as PNG.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from machine import arguments, write
from numpy.random import Generator
from scipy.stats import norm

from rubricator.experiment.estimates import Sums
from rubricator.experiment.plan import Plan, make_plan
from rubricator.experiment.report import LEAST_UNITS
from rubricator.experiment.size import planned_size, sized
from rubricator.stats.arrays import Floats
from rubricator.stats.sequential import always_valid_width

DAYS = 28
NAIVE = norm.isf(0.025)
_CHUNK = 250
Draw = Callable[[Generator, tuple[int, ...], float], list[Floats]]
"""Of units, given the change: their value, and what a ratio stands on or the covariate."""


@dataclass(frozen=True)
class Scenario:
    """A kind of metric: its plan, and what its units do."""

    name: str
    goal: dict[str, Any]
    draw: Draw


def clicks(level: float) -> Draw:
    def draw(rng: Generator, shape: tuple[int, ...], change: float) -> list[Floats]:
        return [(rng.random(shape, dtype=np.float32) < level * (1 + change)).astype(np.float64)]

    return draw


def seconds(rng: Generator, shape: tuple[int, ...], change: float) -> list[Floats]:
    """Skewed: the standard deviation is the mean; the plan takes the average over both arms."""
    return [rng.standard_exponential(shape) * 40 * (1 + change)]


def clicks_per_view(rng: Generator, shape: tuple[int, ...], change: float) -> list[Floats]:
    """Readers differ in how much they see and in how readily they click."""
    views = 1.0 + rng.poisson(rng.standard_exponential(shape) * 4)
    return [rng.binomial(views.astype(int), rng.beta(2, 18, shape) * (1 + change)).astype(float), views]


def seconds_with_before(rng: Generator, shape: tuple[int, ...], change: float) -> list[Floats]:
    """Half of the variance is known before the experiment."""
    before = rng.standard_exponential(shape) * 28.28
    return [before + rng.standard_exponential(shape) * 28.28 + 56.57 * change, before]


SCENARIOS = (
    Scenario(
        "proportion 5 %", {"kind": "proportion", "baseline": 0.05, "smallest_change": 0.4}, clicks(0.05)
    ),
    Scenario(
        "mean, skewed",
        {"kind": "mean", "baseline": 40.0, "deviation": 43.1, "smallest_change": 0.15},
        seconds,
    ),
    Scenario(
        "ratio, delta method",
        {"kind": "ratio", "over": "view", "baseline": 0.1, "deviation": 0.167, "smallest_change": 0.2},
        clicks_per_view,
    ),
    Scenario(
        "mean with CUPED",
        {
            "kind": "mean",
            "baseline": 56.57,
            "deviation": 28.28,
            "smallest_change": 0.08,
            "covariate": "before",
        },
        seconds_with_before,
    ),
)


def plan_of(scenario: Scenario) -> Plan:
    """The plan, with the traffic that fills its size in 28 days."""
    goal = {"name": "goal", "event": "event", **scenario.goal}
    plan = make_plan({"name": "simulated", "goal": goal, "traffic": 1000, "window_hours": 1e-6}, where="plan")
    for _ in range(4):
        plan = plan.model_copy(update={"traffic": planned_size(plan).total / DAYS})
    return sized(plan)


def sums_of(values: list[Floats]) -> Floats:
    """Sums and products of the columns after each day: experiments, days, arms, columns + pairs."""
    columns = [*values, *(a * b for at, a in enumerate(values) for b in values[at:])]
    return np.cumsum(np.stack([one.sum(axis=-1) for one in columns], axis=-1), axis=1)


def estimate(plan: Plan, sums: Floats, units: Floats) -> tuple[Floats, Floats]:
    """Difference of the arms and its standard error: experiments, days."""
    width = 1 if sums.shape[-1] == 2 else 2
    mean = sums[..., :width] / units[:, None, None]
    spread = [
        sums[..., width + at] / units[:, None] - mean[..., a] * mean[..., b]
        for at, (a, b) in enumerate([(0, 0)] if width == 1 else [(0, 0), (0, 1), (1, 1)])
    ]
    spread = [one * (units / (units - 1))[:, None] for one in spread]
    if plan.goal.kind == "proportion":
        value, variance = mean[..., 0], mean[..., 0] * (1 - mean[..., 0])
    elif plan.goal.kind == "ratio":
        value = mean[..., 0] / mean[..., 1]
        variance = (spread[0] - 2 * value * spread[1] + value**2 * spread[2]) / mean[..., 1] ** 2
    elif plan.goal.covariate:
        # The slope is that of both arms together (Deng et al., "CUPED", 2013).
        both, count = sums.sum(axis=2), 2 * units
        covariance = both[..., 3] - both[..., 0] * both[..., 1] / count
        slope = (covariance / (both[..., 4] - both[..., 1] ** 2 / count))[..., None]
        value = mean[..., 0] - slope * mean[..., 1]
        variance = spread[0] - 2 * slope * spread[1] + slope**2 * spread[2]
    else:
        value, variance = mean[..., 0], spread[0]
    error = np.sqrt((variance / units[:, None]).sum(axis=-1))
    return value[..., 1] - value[..., 0], error


def simulate(
    scenario: Scenario, plan: Plan, *, change: float, experiments: int, seed: int
) -> tuple[Floats, Floats]:
    """Differences and standard errors of experiments after each day."""
    assert plan.size is not None
    rng, daily = np.random.default_rng(seed), plan.size.control // DAYS
    units = daily * np.arange(1.0, DAYS + 1)
    parts = []
    for start in range(0, experiments, _CHUNK):
        shape = (min(_CHUNK, experiments - start), DAYS, daily)
        arms = [sums_of(scenario.draw(rng, shape, some)) for some in (0.0, change)]
        parts.append(estimate(plan, np.stack(arms, axis=2), units))
    differences, errors = (np.concatenate(one) for one in zip(*parts, strict=True))
    return differences, errors


def agreement(scenario: Scenario, plan: Plan) -> float:
    """How far these estimates are from the package's, in standard errors, in three experiments."""
    assert plan.size is not None
    daily, rng = plan.size.control // DAYS, np.random.default_rng(5)
    worst = 0.0
    for _ in range(3):
        arms = [scenario.draw(rng, (1, DAYS, daily), change) for change in (0.0, 0.1)]
        sums = np.stack([sums_of(one) for one in arms], axis=2)
        difference, error = estimate(plan, sums, daily * np.arange(1.0, DAYS + 1))
        second = "goal/over" if plan.goal.kind == "ratio" else "goal/before"
        days = np.repeat(np.arange(DAYS, dtype=float), daily)
        frame = pl.concat(
            [
                pl.DataFrame({"arm": arm, "complete": days}).with_columns(
                    pl.Series(name, column.ravel())
                    for name, column in zip(("goal", second), some, strict=False)
                )
                for arm, some in zip(("control", "treatment"), arms, strict=True)
            ]
        )
        package = Sums(plan.goal, frame, list(range(DAYS)))
        for day in (0, 9, DAYS - 1):
            effect = package.effect(day)
            assert effect is not None
            apart = abs(effect.difference - difference[0, day]) / error[0, day]
            worst = max(worst, apart, abs(effect.error / error[0, day] - 1))
    return worst


def measured(scenario: Scenario, experiments: int) -> dict[str, Any]:
    """False alarms, power, days and coverage of one kind of metric."""
    plan = plan_of(scenario)
    size, planned = plan.size, planned_size(plan)
    assert size is not None
    daily = size.control // DAYS
    share = np.arange(1, DAYS + 1) / DAYS
    width = always_valid_width(share * daily * DAYS * 2, planned=size.control + size.treatment)
    width[daily * np.arange(1, DAYS + 1) < LEAST_UNITS] = np.inf  # the report gives no interval yet
    change = plan.goal.smallest_change
    null, null_error = simulate(scenario, plan, change=0.0, experiments=experiments, seed=1)
    some, some_error = simulate(scenario, plan, change=change, experiments=experiments, seed=2)
    outside = np.abs(some / some_error) > width
    found = outside.any(axis=1)
    stops = np.where(found, outside.argmax(axis=1) + 1, DAYS) / DAYS
    truth = plan.goal.difference
    # The size of a fixed test with the planned power: its last day, and the interval tuned to it.
    fixed_day = round(DAYS / planned.factor)
    short = always_valid_width(share[:fixed_day], planned=share[fixed_day - 1])
    return {
        "units_per_arm": size.control,
        "fixed_units_per_arm": planned.fixed,
        "false_positives": {
            "naive": float((np.abs(null / null_error) > NAIVE).any(axis=1).mean()),
            "fixed": float((np.abs(null / null_error)[:, -1] > NAIVE).mean()),
            "ours": float((np.abs(null / null_error) > width).any(axis=1).mean()),
        },
        "power": {
            "fixed_at_its_size": float((np.abs(some / some_error)[:, fixed_day - 1] > NAIVE).mean()),
            "ours": float(found.mean()),
            "fixed_at_our_size": float((np.abs(some / some_error)[:, -1] > NAIVE).mean()),
            "ours_at_the_fixed_size": float(
                (np.abs(some / some_error)[:, :fixed_day] > short).any(axis=1).mean()
            ),
        },
        "stops_after": float(stops.mean()),
        "stops_after_of_fixed": float(stops.mean() * planned.factor),
        "coverage_at_all_looks": {
            "no effect": float((np.abs(null) <= width * null_error).all(axis=1).mean()),
            "planned effect": float((np.abs(some - truth) <= width * some_error).all(axis=1).mean()),
            "planned effect, naive": float((np.abs(some - truth) <= NAIVE * some_error).all(axis=1).mean()),
        },
        "agrees_with_package_to": agreement(scenario, plan),
        "days_found": np.bincount(outside.argmax(axis=1)[found], minlength=DAYS).tolist(),
        "naive_by_day": _so_far(np.abs(null / null_error) > NAIVE),
        "ours_by_day": _so_far(np.abs(null / null_error) > width),
    }


def _so_far(hits: Any) -> list[float]:
    return [float(share) for share in np.logical_or.accumulate(hits, axis=1).mean(axis=0)]


def draw(path: Path, results: dict[str, dict[str, Any]]) -> None:
    """False positives by day without an effect, and when the planned effect is found."""
    from rubricator.evaluate.plots import style

    first = next(iter(results.values()))
    days = np.arange(1, DAYS + 1)
    with style.styled():
        figure, axes = style.new_figure(6.9, 2.8)
        axes.plot(days, first["naive_by_day"], color=style.HAS_NOT, label="no effect, test at 5 % every day")
        axes.plot(days, first["ours_by_day"], color=style.HAS, label="no effect, always-valid interval")
        power = np.cumsum(first["days_found"]) / np.sum(first["days_found"]) * first["power"]["ours"]
        axes.plot(days, power, color=style.HAS, linestyle=(0, (4, 2)), label="planned effect, always-valid")
        axes.axhline(0.05, color=style.MARK, linewidth=0.8, linestyle=(0, (1, 2)))
        style.percent_axis(axes, "experiments that found a difference")
        axes.set_xlabel("days looked at")
        axes.set_ylim(0, 1)
        axes.legend(loc="upper left")
        style.save(figure, path)


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--experiments", type=int, default=10_000)
    parser.add_argument("--draw", type=Path, metavar="FILE", help="the curves as PNG")
    options = parser.parse_args()
    results = {}
    print(f"{'':22}{'false positives':^26}{'power':^26}{'stops':>8}{'covers':>9}")
    print(f"{'':22}{'naive':>9}{'fixed':>8}{'ours':>9}{'fixed':>9}{'ours':>8}{'at fixed n':>11}{'after':>8}")
    for scenario in SCENARIOS:
        row = results[scenario.name] = measured(scenario, options.experiments)
        false, power = row["false_positives"], row["power"]
        print(
            f"{scenario.name:22}{false['naive']:9.1%}{false['fixed']:8.1%}{false['ours']:9.1%}"
            f"{power['fixed_at_its_size']:9.1%}{power['ours']:8.1%}{power['ours_at_the_fixed_size']:11.1%}"
            f"{row['stops_after']:8.1%}{row['coverage_at_all_looks']['planned effect']:9.1%}",
            flush=True,
        )
        write(options.json, {"experiments": options.experiments, "days": DAYS, "results": results})
    if options.draw is not None:
        draw(options.draw, results)


if __name__ == "__main__":
    main()
