"""How synthetic texts are made for rare categories: by which models, how many, and who judges them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rubricator.config.augment_pays import Cheap, Pays
from rubricator.config.label import (
    GgufEngineConfig,
    OpenAIEngineConfig,
    TransformersEngineConfig,
)
from rubricator.config.section import Section
from rubricator.patterns import LANGUAGE, NAME

PAYS_BELOW = 50
"""Real training texts of a category above which synthetic ones of a language model rarely pay."""
FORCED_ABOVE = 75
"""Above so many they are made only where that is forced (Cegin et al., NAACL 2025: 5 to 20 seeds pay)."""


def _as_kind(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


AskedEngineConfig = Annotated[
    OpenAIEngineConfig | GgufEngineConfig | TransformersEngineConfig, Field(discriminator="kind")
]


class AugmentModel(Section):
    """A language model that writes or judges: an engine as in `label.teachers`, and how freely it speaks.

    `temperature` holds for what it writes; the judge has one of its own.
    """

    name: str = Field(default="llm", pattern=NAME, max_length=100)
    engine: Annotated[AskedEngineConfig, BeforeValidator(_as_kind)]
    temperature: float = Field(default=0.9, ge=0, le=2)


class Judge(Section):
    """What a synthetic text must pass.

    A language model is asked `questions` times, at a temperature above zero and with the answers in another
    order each time; all must agree. `model` names one of `augment.models`, by default the first. Texts are
    near-copies that share `similarity` of their runs of three words. `likeness` is the probability that the
    current model must give the category; by default it must decide so. Lengths may go beyond those of real
    texts by `length` times.
    """

    model: str | None = None
    questions: int = Field(default=2, ge=2, le=5)
    temperature: float = Field(default=0.7, gt=0, le=2)
    similarity: float = Field(default=0.5, gt=0, le=1)
    likeness: float | None = Field(default=None, ge=0, le=1)
    length: float = Field(default=2.0, ge=1)


class Augment(Section):
    """Synthetic training texts for rare categories; without this section none are made.

    `models` write in turn; without any only the cheap changes of rules are tried.

    `way: write` makes texts in three stages: generate from seeds, `diversify`, `restyle`; `graft` changes a
    real unlabelled near-miss just enough to belong. `how_many` says up to where: `count` real and synthetic
    texts together, `ratio` of the most frequent category, or `rank` (the rarest category has ten times as
    many as before, the next nine times, down to twice); never more than `max_ratio` synthetic to a real one.
    Categories of `below` real training texts and more are left out, unless named in `categories`; above 75
    they need `force`. `language` is that of the prompts, `texts_in` that of the texts; by default theirs who
    are real. The limits hold for one run: the next goes on where the last one stopped.
    """

    models: tuple[AugmentModel, ...] = ()
    way: Literal["write", "graft"] = "write"
    diversify: bool = True
    restyle: bool = True
    language: Literal["ru", "en"] = "ru"
    texts_in: str | None = Field(default=None, pattern=LANGUAGE)
    how_many: Literal["count", "ratio", "rank"] = "count"
    count: int = Field(default=PAYS_BELOW, ge=1)
    ratio: float = Field(default=0.5, gt=0, le=1)
    max_ratio: float = Field(default=10.0, gt=0, le=100)
    below: int = Field(default=PAYS_BELOW, ge=1)
    categories: tuple[str, ...] = ()
    force: bool = False
    seeds: int = Field(default=5, ge=1, le=20)
    attempts: int = Field(default=3, ge=1, le=20)
    max_text_tokens: int = Field(default=256, ge=16, le=4096)
    judge: Judge = Judge()
    cheap: Cheap = Cheap()
    pays: Pays = Pays()
    max_cost: float | None = Field(default=None, ge=0)
    max_minutes: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _models_are_told_apart(self) -> Self:
        names = [model.name for model in self.models]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"models share the name {', '.join(sorted(twice))}")
        if self.judge.model is not None and self.judge.model not in names:
            raise ValueError(f"judge.model is {self.judge.model!r}, and the models are {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _many_real_texts_are_forced(self) -> Self:
        if self.below > FORCED_ABOVE and not self.force:
            raise ValueError(
                f"below is {self.below}: where a category has more than {FORCED_ABOVE} real texts, those of "
                "a language model rarely pay (Cegin et al., NAACL 2025); `force: true` makes them still"
            )
        return self
