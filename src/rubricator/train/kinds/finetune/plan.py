"""What is trained and how, resolved from the config before torch is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rubricator.config import Finetune, Imbalance, Lora
from rubricator.dataset.examples import Examples
from rubricator.encode.folders import cache_folder
from rubricator.encode.source import EncoderSource, resolve
from rubricator.label_space import LabelSpace
from rubricator.records import content_hash
from rubricator.train.logistic import Folds
from rubricator.train.training_context import TrainingContext

Kind = Literal["finetune", "lora"]

FEW = 20  # texts per category up to which `contrastive: auto` is on


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that could change the outcome, besides the data."""

    kind: Kind  # name of the model, and of the encoder that comes out
    settings: Finetune  # the section `train.finetune`
    lora: Lora | None  # the section `train.lora`; None where the weights themselves are trained
    imbalance: Imbalance
    source: EncoderSource  # the encoder that training starts from
    prefix: str  # put before every text
    max_tokens: int  # where texts are cut off
    contrastive: bool  # whether vectors are pulled together before the heads are trained
    space: LabelSpace
    seed: int  # of everything random
    threads: int  # processor threads; 0 leaves it to torch

    @property
    def rate(self) -> float:
        """Learning rate of the top layer."""
        return self.lora.learning_rate if self.lora else self.settings.learning_rate

    @property
    def portion(self) -> int:
        """Texts that go through memory at once: a batch in so many parts as are accumulated."""
        return -(-self.settings.batch // self.settings.accumulation)

    def key(self, examples: Examples, folds: Folds) -> str:
        """Names everything that could change what comes out; what was kept under another is not used."""
        return content_hash(
            "finetune:3",
            self.kind,
            self.settings.model_dump_json(),
            self.lora.model_dump_json() if self.lora else "",
            self.imbalance.model_dump_json(),
            self.source.digest,
            self.prefix,
            str((self.max_tokens, self.contrastive, self.space.single, self.seed)),
            *examples.contents,
            *(array.tobytes().hex() for array in (examples.targets, examples.weights, folds)),
            *([] if examples.synthetic is None else [examples.synthetic.tobytes().hex()]),
        )


def make_plan(kind: Kind, examples: Examples, context: TrainingContext) -> Plan:
    """Resolve the settings of a kind for these examples.

    Raises:
        EncoderError: There is no such encoder.
        MissingExtraError: The encoder takes a package that is not installed.
    """
    settings, encode = context.settings.finetune, context.encode
    source = resolve(encode.encoder, cache=cache_folder(encode.cache), progress=context.progress)
    few = bool((examples.weights > 0).sum() <= FEW * examples.categories)
    return Plan(
        kind=kind,
        settings=settings,
        lora=context.settings.lora if kind == "lora" else None,
        imbalance=context.settings.imbalance,
        source=source,
        prefix=source.prefix if encode.prefix is None else encode.prefix,
        max_tokens=encode.max_tokens,
        contrastive=few if settings.contrastive == "auto" else settings.contrastive,
        space=context.space,
        seed=context.seed,
        threads=encode.threads,
    )
