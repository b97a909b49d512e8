"""The section `train`: which models are tried, in how much time, and what each kind is told."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rubricator.config.kinds import Cascade, Finetune, Heads, Hybrid, Imbalance, Lora, Static
from rubricator.config.section import Section
from rubricator.errors import nearest

Kind = Literal["linear", "static", "heads", "finetune", "lora", "hybrid", "cascade"]
"""Every kind of model, cheapest first."""

KINDS: tuple[Kind, ...] = ("linear", "heads", "cascade", "static", "hybrid", "finetune", "lora")
"""Every kind, the quickest to train first as measured: see benchmarks/results/models.json."""
Metric = Literal["macro_f1", "weighted_f1", "micro_f1", "accuracy"]


_AUTO_MINUTES = 30.0


def _as_kinds(value: Any) -> Any:
    named = (value,) if isinstance(value, str) and value != "auto" else value
    for name in named if isinstance(named, (list, tuple)) else ():
        if name not in KINDS:
            raise ValueError(
                f"there is no kind of model {name!r}{nearest(str(name), KINDS)}: choose among "
                f"{', '.join(KINDS)}, or `auto`"
            )
    return named


class Train(Section):
    """Which models are tried, and how much labels that no person checked count.

    `models` is a list of kinds, or `auto`: every kind that fits the data, cheapest first. `minutes` bound
    encoding and training, those of `auto` to 30 unless said otherwise; only the first kind takes what it
    takes. The best on validation by `metric` wins (`auto`: accuracy where a text has one category, else
    macro-F1); with `ensemble` the best and whichever it gains most from are a candidate together, and `tune`
    looks for better settings of the winner for so many trials. `sample` trains on a stratified share, for a
    quick look.

    `learning_curve` tells what more labels of people should bring. With `refit: all` the winner is
    trained once more for serving, on every labelled text of whatever part; the figures stay those of the
    model before.

    `weak_label_weight` multiplies the weight of labels agreed between teachers (golden ones count 1);
    `auto` picks 0, 0.1, 0.3 or 1 by cross-validation on golden texts where they train, else 1.
    `self_training` averages agreed labels with the opinion of a first model before the final one.
    `pseudo_labels` lets texts without a label join training where the model is at least so sure of
    them, and keeps them only if validation improves.
    """

    models: Annotated[tuple[Kind, ...] | Literal["auto"], BeforeValidator(_as_kinds)] = ("heads", "linear")
    minutes: float | None = Field(default=None, gt=0)
    metric: Metric | Literal["auto"] = "auto"
    ensemble: bool = True
    tune: int = Field(default=0, ge=0, le=1000)
    sample: float = Field(default=1.0, gt=0, le=1)
    weak_label_weight: Annotated[float, Field(ge=0, le=1)] | Literal["auto"] = "auto"
    self_training: bool = False
    learning_curve: bool = True
    refit: Literal["none", "all"] = "none"
    pseudo_labels: Annotated[float, Field(gt=0.5, lt=1)] | None = None
    imbalance: Imbalance = Imbalance()
    heads: Heads = Heads()
    static: Static = Static()
    finetune: Finetune = Finetune()
    lora: Lora = Lora()
    hybrid: Hybrid = Hybrid()
    cascade: Cascade = Cascade()

    @property
    def time_limit(self) -> float | None:
        """Minutes that training may take, None for as long as it takes."""
        return _AUTO_MINUTES if self.minutes is None and self.models == "auto" else self.minutes

    @model_validator(mode="after")
    def _some_models(self) -> Self:
        if not self.models:
            raise ValueError("name at least one kind of model, or `auto`")
        if len(set(self.models)) != len(self.models) and self.models != "auto":
            raise ValueError("a kind of model is named twice")
        return self
