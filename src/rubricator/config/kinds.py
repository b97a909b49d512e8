"""What each kind of model is told: the sections inside `train`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rubricator.config.section import Section

ColumnKind = Literal["numeric", "duration", "date", "boolean", "categorical"]
"""What the cells of a feature column hold."""


class Imbalance(Section):
    """How rare categories and doubtful labels are treated, for every kind of model that is trained.

    `weights` makes texts of rare categories count more: `balanced` by the inverse of their number,
    `effective` by the inverse of the effective number, in which further texts add less the smaller
    `beta`. `loss: focal` makes texts that are already right count less, the more so the larger `gamma`.
    `logit_adjustment` adds so much of the log-share of a category to its logits while training, which
    they then lack at prediction. `sampling: balanced` draws rare categories more often (kinds
    that learn in batches; elsewhere it is the same as weights). `label_smoothing` takes that share
    of certainty from every label. `noise: probability` weights every label by its probability, so that
    labels on which teachers disagreed count less.
    """

    weights: Literal["none", "balanced", "effective"] = "none"
    beta: float = Field(default=0.999, gt=0, lt=1)
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    gamma: float = Field(default=2.0, ge=0, le=10)
    logit_adjustment: float = Field(default=0.0, ge=0, le=3)
    sampling: Literal["none", "balanced"] = "none"
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    noise: Literal["none", "probability"] = "none"


class Heads(Section):
    """Classifiers on the vectors of frozen encoders.

    With `mix`, a kernel machine and the nearest labelled texts have a say beside the lines, and every encoder
    that is named has, as much as the folds say; without it there is a line per category and nothing else.
    With `co_training`, encoders of a mix teach one another on texts without a label that counts, if the
    folds say that this helps.
    """

    mix: bool = True
    co_training: bool = False


class Static(Section):
    """A vector per word piece distilled from the encoder, averaged over a text, and heads on top.

    `width` is the length of a vector, at most the encoder's own. `pieces` is how many word pieces have
    one: the most frequent in the scripts of the training texts, and those of the texts themselves on top.
    `classifier: lines` trains a logistic regression per category and leaves the vectors alone;
    `network` trains the vectors as well, which takes more texts; `auto` keeps what is better on folds.
    """

    width: int = Field(default=384, ge=16, le=4096)
    pieces: int = Field(default=32_000, ge=0, le=1_000_000)
    classifier: Literal["auto", "lines", "network"] = "auto"


class Finetune(Section):
    """How the encoder itself is trained, together with one head per category.

    `layers` trains so many of the topmost layers, or `all`; what lies below runs once per text. The
    word `embeddings` are frozen where their table is most of the encoder (`auto`). `learning_rate` is that
    of the top layer: each layer below learns at `layer_decay` of the one above it, the heads at
    `head_rate`. The rates rise over the first share `warmup` of all steps and then fall to zero.
    A step looks at `batch` texts, in `accumulation` parts where memory is short. Training goes through the
    texts at most `epochs` times and stops once `metric` (or the loss, which falls) of texts held
    out has not improved for `patience` epochs. `contrastive` first pulls together the vectors of texts
    that share categories; `auto` does so where a category has only a few. `precision: auto` is bf16
    where the hardware computes in it.
    """

    epochs: int = Field(default=6, ge=1, le=1000)
    learning_rate: float = Field(default=2e-4, gt=0, le=0.1)
    head_rate: float = Field(default=1e-3, gt=0, le=1)
    layer_decay: float = Field(default=0.9, gt=0, le=1)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    batch: int = Field(default=16, ge=1, le=4096)
    accumulation: int = Field(default=1, ge=1, le=4096)
    layers: Annotated[int, Field(ge=1, le=1000)] | Literal["all"] = 4
    embeddings: Literal["auto", "frozen", "trained"] = "auto"
    metric: Literal["weighted_f1", "macro_f1", "accuracy", "loss"] = "weighted_f1"
    patience: int = Field(default=3, ge=1, le=1000)
    contrastive: bool | Literal["auto"] = "auto"
    precision: Literal["auto", "bf16", "fp32"] = "auto"

    @model_validator(mode="after")
    def _embeddings_below(self) -> Self:
        if self.embeddings == "trained" and self.layers != "all":
            raise ValueError("`embeddings: trained` needs `layers: all`: they lie below every layer")
        return self


class Lora(Section):
    """How low-rank adapters of the encoder are trained; what is not said here is as in `finetune`.

    Adapters of rank `rank` count `alpha / rank` times. `targets` names the linear layers that get one;
    `auto` is every one of the layers that are trained. `four_bit` keeps the encoder itself in
    4 bits while training (a GPU and the package bitsandbytes).
    """

    rank: int = Field(default=16, ge=1, le=512)
    alpha: int = Field(default=32, ge=1, le=4096)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    learning_rate: float = Field(default=1e-3, gt=0, le=0.1)
    targets: tuple[str, ...] | Literal["auto"] = "auto"
    four_bit: bool = False


class Hybrid(Section):
    """Text together with the feature columns of `data.columns.features`.

    `way: network` joins the encoder's vector with the features in a small neural network; `stacking`
    gives gradient boosting the features, the opinions of text models and the main axes of the
    vectors; `auto` fits both and keeps the better one, or the mean of both. `columns` prescribes the
    kind of a column that would be told wrongly from its cells (a number that is a code is
    `categorical`). Levels of a categorical column that fewer than `rare_level_count` texts have count as
    one. Texts with more than `max_missing` empty features (a whole number of them, or their share) are
    left out of training.
    """

    way: Literal["auto", "network", "stacking"] = "auto"
    columns: dict[str, ColumnKind] = Field(default={})
    rare_level_count: int = Field(default=5, ge=1)
    max_missing: Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, le=1)] | None = None


class Cascade(Section):
    """Rules first, a model for what no rule takes.

    A rule is kept if its precision is at least `precision` with the probability `confidence`, told from
    labelled texts that it was not mined from; `auto` asks for no fixed precision, but that the rule is
    more often right than the model where the two disagree. `rest` is the kind of model for what no rule
    takes. A mined word, phrase, pattern or value occurs in `at_least` texts of its category. `rules`
    names a file of rules, such as the edited `rules.yaml` of an earlier run: those are taken, all of
    them, and none is mined.
    """

    precision: Annotated[float, Field(gt=0.5, lt=1)] | Literal["auto"] = 0.97
    confidence: float = Field(default=0.9, ge=0.5, lt=1)
    rest: Literal["linear", "static", "heads", "hybrid", "finetune", "lora"] = "heads"
    at_least: int = Field(default=3, ge=2, le=1000)
    rules: str | None = None
