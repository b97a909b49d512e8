"""What is decided before an experiment starts: written down, hashed, and never changed after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from rubricator.config.section import Section
from rubricator.errors import DataError
from rubricator.patterns import SHORT_NAME
from rubricator.records import content_hash
from rubricator.settings_files import SettingsFileError, parse_yaml, read_text
from rubricator.validation_errors import listed
from rubricator.whole_files import requested_file

Kind = Literal["proportion", "mean", "ratio"]
Direction = Literal["up", "down"]
Arm = Literal["control", "treatment"]
ARMS: tuple[Arm, Arm] = ("control", "treatment")
Name = Annotated[str, StringConstraints(pattern=SHORT_NAME)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Metric(Section):
    """Something that is measured of every unit.

    Attributes:
        event: Name of the outcomes that count.
        kind: `proportion`: the share of units with such an outcome of a value above 0; `mean`: the sum of
            their values per unit; `ratio`: their sum over the sum of `over`, each of all units together.
        over: Name of the outcomes below the line of a ratio.
        direction: Which way is good.
        baseline: What the metric is today.
        deviation: Standard deviation of it from unit to unit; of a proportion it follows from the baseline.
        covariate: Column of the table of units with the same metric before the experiment (CUPED).
    """

    name: Name
    event: Name
    kind: Kind = "proportion"
    over: Name | None = None
    direction: Direction = "up"
    baseline: Finite | None = None
    deviation: Positive | None = None
    covariate: str | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.kind == "ratio" and self.over is None:
            raise ValueError("`over` is missing: which outcomes stand below the line of the ratio")
        if self.kind != "ratio" and self.over is not None:
            raise ValueError(f"`over` names what is below the line of a ratio, and this is a {self.kind}")
        if self.kind == "proportion" and self.baseline is not None and not 0 < self.baseline < 1:
            raise ValueError(f"the baseline of a proportion must lie between 0 and 1, not {self.baseline:g}")
        return self


class Goal(Metric):
    """The metric that decides.

    Attributes:
        smallest_change: Smallest relative change worth having, 0.1 for a tenth, in the good direction.
    """

    baseline: Finite
    smallest_change: Positive

    @model_validator(mode="after")
    def _can_be_sized(self) -> Self:
        if not self.baseline:
            raise ValueError("of a baseline of 0 no relative change can be planned")
        if self.kind != "proportion" and self.deviation is None:
            raise ValueError(f"a {self.kind} needs `deviation`, its standard deviation from unit to unit")
        if self.kind == "proportion" and not 0 < self.target < 1:
            raise ValueError(
                f"a change of {self.smallest_change:.0%} makes the share {self.target:g}, which none can be"
            )
        return self

    @property
    def difference(self) -> float:
        """The smallest change as an absolute difference, with its sign."""
        return self.baseline * self.smallest_change * (1 if self.direction == "up" else -1)

    @property
    def target(self) -> float:
        """What the metric is after the smallest change."""
        return self.baseline + self.difference


class Guardrail(Metric):
    """A metric that must not get worse.

    Attributes:
        worst: Largest relative worsening that would be put up with.
    """

    worst: Positive


class ArmOf(Section):
    """What answers one arm.

    Attributes:
        artifact: Folder of the artifact, relative to the plan's; None where the service is told.
    """

    artifact: str | None = None


class Size(Section):
    """What the plan takes, as `rubricator ab plan` worked it out.

    Attributes:
        control: Units in that arm; so is `treatment`.
        days: Until all of them came and their outcomes are in.
    """

    control: int
    treatment: int
    days: int


class Plan(Section):
    """An experiment of two arms.

    Attributes:
        name: Salt of the assignment as well: another name divides the units anew.
        hypothesis: Why the change should help, in words.
        goal: The one metric that decides.
        metrics: What else is looked at; corrected for one another.
        guardrails: What must not get worse.
        mode: `aa` gives both arms the same model, to try the whole way from exposure to report.
        arms: What answers each arm.
        unit: What is divided between the arms.
        traffic: New units a day that come to the service.
        share: Of the treatment among the units of the experiment.
        layer: Experiments of one layer never share a unit.
        layer_share: Share of all units that the experiment takes.
        window_hours: After its first exposure, in which outcomes of a unit count.
        confidence: Of the intervals.
        power: How often the smallest change shall be found.
        segments: Columns of the table of units, by which the goal is broken down.
    """

    name: Name
    hypothesis: str = ""
    goal: Goal
    metrics: tuple[Metric, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    mode: Literal["ab", "aa"] = "ab"
    arms: dict[str, ArmOf] = Field(default_factory=lambda: {str(arm): ArmOf() for arm in ARMS})
    unit: Literal["user", "article", "editor", "impression"] = "user"
    traffic: Positive
    share: float = Field(default=0.5, gt=0, lt=1)
    layer: Name = "default"
    layer_share: float = Field(default=1.0, ge=0.0001, le=1)
    window_hours: Positive = 24.0
    confidence: float = Field(default=0.95, ge=0.5, le=0.999)
    power: float = Field(default=0.9, ge=0.5, le=0.99)
    segments: tuple[str, ...] = ()
    size: Size | None = None

    @field_validator("arms")
    @classmethod
    def _two(cls, arms: dict[str, ArmOf]) -> dict[str, ArmOf]:
        if set(arms) != set(ARMS):
            raise ValueError(
                f"an experiment has two arms, `control` and `treatment`, not {', '.join(arms) or 'none'}"
            )
        return arms

    @model_validator(mode="after")
    def _arms_are_told_apart(self) -> Self:
        folders = {arm: self.arms[arm].artifact for arm in ARMS}
        for arm, other in (ARMS, ARMS[::-1]):
            name = Path(folders[arm] or "").name
            if name.casefold() == other:
                raise ValueError(
                    f"the artifact of {arm} is called '{name}', so nobody would know which is meant by it: "
                    "rename the folder, or exchange the two"
                )
        if self.mode == "ab" and folders["control"] and folders["control"] == folders["treatment"]:
            raise ValueError(
                f"both arms name the artifact '{folders['control']}': that compares nothing; a test of the "
                "set-up is `mode: aa`"
            )
        return self

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [metric.name for metric in self.all_metrics]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"several metrics are named {', '.join(repeated)}")
        return self

    @property
    def all_metrics(self) -> tuple[Metric, ...]:
        """The goal, the others, the guardrails."""
        return (self.goal, *self.metrics, *self.guardrails)

    @property
    def events(self) -> frozenset[str]:
        """Names of the outcomes that its metrics read."""
        read = {name for metric in self.all_metrics for name in (metric.event, metric.over) if name}
        return frozenset(read)

    @property
    def digest(self) -> str:
        """Of all that was decided: another digest, another plan."""
        return content_hash("experiment:1", json.dumps(self.model_dump(mode="json"), sort_keys=True))

    def differences(self, other: Plan) -> list[str]:
        """What another plan says otherwise, as `goal.baseline: 0.003 → 0.004`."""
        mine, its = dict(_flat(self.model_dump(mode="json"))), dict(_flat(other.model_dump(mode="json")))
        return [
            f"{key}: {mine.get(key, 'nothing')} → {its.get(key, 'nothing')}"
            for key in dict.fromkeys([*mine, *its])
            if mine.get(key) != its.get(key)
        ]


def make_plan(content: Mapping[str, Any], *, where: str) -> Plan:
    """A plan of plain data; `where` names what holds them, for errors.

    Raises:
        DataError: It is no plan; every fault is named.
    """
    try:
        return Plan.model_validate(content)
    except ValidationError as error:
        raise DataError(listed(where, error, Plan, data=content), fix="Correct it.") from error


def read_plan(path: Path) -> Plan:
    """Read what `write_plan`, or a person, wrote.

    Raises:
        DataError: There is no such file, or it is no plan; every fault is named.
    """
    try:
        content = parse_yaml(read_text(path))
    except FileNotFoundError as error:
        raise DataError(
            f"There is no plan {path}.", fix="Make one first: `rubricator ab plan FILE --help` says how."
        ) from error
    except SettingsFileError as error:
        raise DataError(f"{path} cannot be read as YAML: {error}.", fix="Correct the file.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no plan (a mapping was expected).", fix="See docs/experiments.md.")
    return make_plan(content, where=str(path))


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan as YAML, without what is left at its default.

    Raises:
        DataError: The file cannot be written.
    """
    content = plan.model_dump(mode="json", exclude_defaults=True)
    with requested_file(path, called="The plan") as part:
        part.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar with its place, `goal.baseline`."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(inner, f"{place}.{key}" if place else str(key))
    else:
        yield place, value
