"""The section `goals`: what the business wants, and the figures that stand for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from rubricator.config.section import Section
from rubricator.errors import nearest
from rubricator.patterns import NAME, SHORT_NAME

Offline = Literal["precision", "recall", "f1", "accuracy", "override_rate"]
MetricKind = Literal["proportion", "mean", "ratio"]
Direction = Literal["up", "down"]
Outcome = Annotated[str, StringConstraints(pattern=SHORT_NAME)]

TEMPLATES: Mapping[str, Mapping[str, Any]] = {
    "targeting": {
        "about": "advertising stands beside texts on its subject",
        "offline": "precision",
        "metric": "block_ctr",
        "kind": "proportion",
        "smallest_change": 0.1,
        "unit": "impression",
        "guardrails": [{"metric": "bounce", "direction": "down", "worst": 0.02}],
    },
    "feeds": {
        "about": "personal feeds hold what the reader cares for",
        "offline": "recall",
        "metric": "read_to_end",
        "kind": "proportion",
        "smallest_change": 0.02,
        "unit": "user",
        "guardrails": [{"metric": "front_page_ctr", "direction": "up", "worst": 0.02}],
    },
    "editors": {
        "about": "editors spend less time on the categories of an article",
        "offline": "override_rate",
        "metric": "seconds",
        "kind": "mean",
        "direction": "down",
        "baseline": 19.0,
        "target": 5.0,
        "smallest_change": 0.25,
        "unit": "article",
        "guardrails": [{"metric": "wrong", "direction": "down", "worst": 0.05}],
    },
}
"""What a goal is filled in with that names a template; docs/goals.md says how far to trust the figures."""


class Guardrail(Section):
    """A metric that must not become worse by more than `worst`, a share of what it is."""

    metric: Outcome
    kind: MetricKind = "proportion"
    over: Outcome | None = None
    direction: Direction = "up"
    worst: float = Field(gt=0, lt=1)


class Goal(Section):
    """What the business wants, the figure of the model that stands for it, and the metric that shows it.

    `template` (`targeting`, `feeds`, `editors`) fills in what is not written. `offline` is measured by the
    report on texts labelled by people, over `categories` (by default all), and should reach
    `offline_target`: `precision` where a wrong category costs, `recall` where a missed one does, `f1`,
    `accuracy` (all categories of a text right), or `override_rate`, the share of texts at which an editor
    would change something.

    `metric` is the column of outcomes that an experiment looks at: a `proportion` (0 or 1), a `mean` with its
    standard `deviation`, or a `ratio` of its sum to that of `over`. It is at `baseline` today, shall come to
    `target`, and `smallest_change` is the least change worth having, a share of the baseline. It is counted
    by `unit`, of which there are `per_day`.
    """

    name: str = Field(pattern=NAME, max_length=60)
    template: str | None = None
    about: str = ""
    offline: Offline = "f1"
    categories: tuple[str, ...] = ()
    offline_target: float | None = Field(default=None, ge=0, le=1)
    metric: Outcome
    kind: MetricKind = "proportion"
    over: Outcome | None = None
    direction: Direction = "up"
    baseline: float | None = Field(default=None, gt=0)
    target: float | None = Field(default=None, ge=0)
    deviation: float | None = Field(default=None, gt=0)
    smallest_change: float = Field(default=0.1, gt=0, lt=10)
    unit: str = Field(default="user", min_length=1)
    per_day: float | None = Field(default=None, gt=0)
    guardrails: tuple[Guardrail, ...] = ()
    assumed: tuple[str, ...] = Field(default=(), exclude=True, repr=False)  # what the template filled in

    @property
    def smallest_difference(self) -> float | None:
        """The least difference worth having, signed and in the metric's unit; None without a baseline."""
        sign = 1 if self.direction == "up" else -1
        return None if self.baseline is None else sign * self.smallest_change * self.baseline

    @model_validator(mode="before")
    @classmethod
    def _from_template(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("template") is None:
            return value
        name = value["template"]
        if name not in TEMPLATES:
            raise ValueError(
                f"there is no template {name!r}{nearest(str(name), TEMPLATES)}: "
                f"choose among {', '.join(TEMPLATES)}"
            )
        filled = {key: default for key, default in TEMPLATES[name].items() if key not in value}
        return {**filled, **value, "assumed": tuple(filled)}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("baseline", "target"):
            figure = getattr(self, name)
            if self.kind == "proportion" and figure is not None and not 0 < figure < 1:
                raise ValueError(f"`{name}` of a proportion lies between 0 and 1, as 0.12 for 12 %")
        if self.baseline is not None and self.target is not None:
            better = self.target > self.baseline if self.direction == "up" else self.target < self.baseline
            if not better:
                raise ValueError(
                    f"`target` is no better than `baseline` where `direction` is {self.direction}"
                )
        if self.kind == "proportion" and (difference := self.smallest_difference) is not None:
            assert self.baseline is not None
            if not 0 < self.baseline + difference < 1:
                raise ValueError("`smallest_change`, a share of the baseline as 0.1, leads outside 0 to 1")
        return self
