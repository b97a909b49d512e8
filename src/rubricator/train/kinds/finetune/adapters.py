"""Low-rank adapters through peft (Hu et al., "LoRA", ICLR 2022)."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

from torch import nn

from rubricator.config import Lora
from rubricator.errors import MissingExtraError, TrainingError


def adapted(transformer: nn.Module, layers: nn.ModuleList, low: int, settings: Lora) -> Any:
    """The transformer with adapters in its layers from `low` on; nothing else of it learns.

    `auto` gives one to every linear layer, which is what makes adapters as good as full training
    (Dettmers et al., "QLoRA", NeurIPS 2023).

    Raises:
        MissingExtraError: peft is not installed.
        TrainingError: No layer has a name that was asked for.
    """
    if importlib.util.find_spec("peft") is None:
        raise MissingExtraError("peft", extra="train", purpose="The model `lora`")
    import peft

    inside = {id(part) for layer in list(layers)[low:] for part in layer.modules()}
    linear = [
        name
        for name, part in transformer.named_modules()
        if id(part) in inside and isinstance(part, nn.Linear)
    ]
    targets = settings.targets
    target_modules = [name for name in linear if targets == "auto" or name.rpartition(".")[2] in targets]
    if not target_modules:
        names = sorted({name.rpartition(".")[2] for name in linear})
        raise TrainingError(
            f"No linear layer of the encoder is called {' or '.join(targets)}.",
            fix=f"Choose among {', '.join(names)} in `train.lora.targets`, or `auto`.",
        )
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=target_modules,
    )
    with warnings.catch_warnings():
        # peft asks transformers by a name that is on its way out.
        warnings.simplefilter("ignore", FutureWarning)
        return peft.get_peft_model(transformer, config)
