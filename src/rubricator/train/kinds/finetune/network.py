"""The network that is trained: an encoder, its unit vectors, and heads on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from rubricator.encode.pooled import Pooled, load_pooled
from rubricator.encode.runtimes import has_bf16
from rubricator.errors import EncoderError, TrainingError
from rubricator.train.kinds.finetune.adapters import adapted
from rubricator.train.kinds.finetune.plan import Plan
from rubricator.train.kinds.finetune.token_batches import Batch

SCALE = 10.0
"""Unit vectors differ by little: so much larger are the weights that are served than those trained."""


class Network(nn.Module):
    """Encoder and heads: batches to vectors, and to logits.

    Raises:
        EncoderError: Transformers cannot load it, or its layers cannot be told.
        TrainingError: The settings do not fit it or the device.
    """

    def __init__(self, plan: Plan, categories: int) -> None:
        super().__init__()
        four_bit = plan.lora is not None and plan.lora.four_bit
        self.pooled = load_pooled(plan.source.folder, plan.source.pooling, four_bit=four_bit)
        self.layers = _layers(self.pooled.transformer, plan.source.name)
        wanted = plan.settings.layers
        self.low = 0 if wanted == "all" else max(0, len(self.layers) - wanted)
        self.heads = nn.Linear(int(self.pooled.transformer.config.hidden_size), categories)
        self._states: Tensor | None = None
        self._as_tuple = False
        for part in self.pooled.modules():
            if isinstance(part, nn.Dropout):
                part.p = plan.settings.dropout
        if plan.lora is None:
            self._free(plan)
        else:
            self.pooled.transformer = adapted(self.pooled.transformer, self.layers, self.low, plan.lora)
        self._low_precision = _low_precision(plan)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.heads.weight.device

    def vectors(self, batch: Batch) -> Tensor:
        """Unit vectors, float32 [texts, width]."""
        self._states = batch.states
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._low_precision):
            pooled = self.pooled(batch.ids, batch.mask)
        return functional.normalize(pooled.float(), dim=1)

    def forward(self, batch: Batch) -> Tensor:
        """Logits, float32 [texts, categories]."""
        return SCALE * functional.linear(self.vectors(batch), self.heads.weight) + self.heads.bias

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that learn, by name."""
        return {name: weight for name, weight in self.named_parameters() if weight.requires_grad}

    def put(self, weights: Mapping[str, Tensor]) -> None:
        """Give the parameters that learn these values."""
        with torch.no_grad():
            for name, weight in self.trained().items():
                weight.copy_(weights[name])

    def groups(self, plan: Plan) -> list[dict[str, object]]:
        """Parameters by learning rate and weight decay, for the optimizer."""
        places = {id(weight): at for at, layer in enumerate(self.layers) for weight in layer.parameters()}
        heads = {id(weight) for weight in self.heads.parameters()}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, weight in self.trained().items():
            # Embeddings lie below the first layer; whatever else has no layer lies above the last.
            place = places.get(id(weight), -1 if "embed" in name else len(self.layers) - 1)
            rate = plan.rate * plan.settings.layer_decay ** (len(self.layers) - 1 - place)
            rate = plan.settings.head_rate if id(weight) in heads else rate
            decay = plan.settings.weight_decay if weight.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(weight)
        return [
            {"params": weights, "lr": rate, "peak": rate, "weight_decay": decay}
            for (rate, decay), weights in groups.items()
        ]

    @contextmanager
    def watching_below(self, outputs: list[Tensor]) -> Iterator[None]:
        """While it lasts, each pass appends to `outputs` what the frozen layers gave."""

        def keep(_module: nn.Module, _inputs: object, output: Tensor | tuple[Tensor, ...]) -> None:
            self._as_tuple = isinstance(output, tuple)
            outputs.append(output[0] if isinstance(output, tuple) else output)

        handle = self.layers[self.low - 1].register_forward_hook(keep)
        try:
            yield
        finally:
            handle.remove()

    def recall_below(self, *, on: bool) -> None:
        """Whether the frozen layers give back the states of the batch instead of running."""
        for layer in list(self.layers)[: self.low]:
            # An attribute of the instance hides the method: whatever loops over the layers goes on working.
            if on:
                layer.forward = self._recall
            else:
                layer.__dict__.pop("forward", None)

    def _recall(self, *_inputs: object, **_options: object) -> Tensor | tuple[Tensor | None]:
        return (self._states,) if self._as_tuple else torch.as_tensor(self._states)

    def _free(self, plan: Plan) -> None:
        transformer = self.pooled.transformer
        table = transformer.get_input_embeddings().weight
        whole = sum(weight.numel() for weight in transformer.parameters())
        choice = plan.settings.embeddings
        frozen = choice == "frozen" or (choice == "auto" and table.numel() * 2 > whole)
        for name, weight in transformer.named_parameters():
            weight.requires_grad_(self.low == 0 and "pooler" not in name)
        for layer in list(self.layers)[self.low :]:
            layer.requires_grad_(requires_grad=True)
        if frozen:
            table.requires_grad_(requires_grad=False)


def _layers(transformer: nn.Module, name: str) -> nn.ModuleList:
    count = getattr(transformer.config, "num_hidden_layers", None)
    for part in transformer.modules():
        if isinstance(part, nn.ModuleList) and len(part) == count:
            return part
    raise EncoderError(
        f"The layers of the encoder '{name}' cannot be told, so it cannot be trained.",
        fix="Choose another encoder, or train `heads`.",
    )


def _low_precision(plan: Plan) -> bool:
    wanted = plan.settings.precision
    cuda = torch.cuda.is_available()
    can = torch.cuda.is_bf16_supported() if cuda else has_bf16()
    if wanted == "bf16" and cuda and not can:
        raise TrainingError(
            "This GPU does not compute in bf16.", fix="Set `train.finetune.precision: auto` or `fp32`."
        )
    return wanted == "bf16" or (wanted == "auto" and can)


def served(network: Network, plan: Plan) -> Pooled:
    """The encoder as it is exported: on the processor, whole, adapters merged into its weights.

    The network is of no use afterwards.
    """
    if plan.lora is not None and plan.lora.four_bit:
        # Adapters go into the weights as published, not into their rounding to 4 bits.
        whole = Network(replace(plan, lora=plan.lora.model_copy(update={"four_bit": False})), 1)
        weights = {name: weight for name, weight in network.trained().items() if name.startswith("pooled")}
        whole.load_state_dict({name: weight.cpu() for name, weight in weights.items()}, strict=False)
        network = whole
    network.recall_below(on=False)
    pooled = network.pooled
    if plan.lora is not None:
        pooled.transformer = pooled.transformer.merge_and_unload()
    return pooled.cpu().float().eval()
