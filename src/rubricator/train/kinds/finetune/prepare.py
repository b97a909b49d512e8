"""What is done once for all folds: the network, the tokens, and what the frozen layers make of them."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from rubricator.dataset.examples import Examples
from rubricator.encode.export import card_of
from rubricator.progress import Advance, Progress
from rubricator.train.kinds.finetune.fold_trainer import FoldInputs
from rubricator.train.kinds.finetune.network import Network
from rubricator.train.kinds.finetune.oom import BatchPortions
from rubricator.train.kinds.finetune.plan import Plan
from rubricator.train.kinds.finetune.token_batches import Rows, Texts

_ROOM = 2 << 30  # bytes that the states of the frozen layers may take
_PORTION = 32


def prepared(plan: Plan, examples: Examples, digest: str, progress: Progress) -> FoldInputs:
    """Load the encoder and run it once over all texts; `digest` is that of the encoder that will come out.

    Raises:
        EncoderError: The encoder cannot be loaded.
        TrainingError: The settings do not fit it, or memory does not suffice.
    """
    torch.manual_seed(plan.seed)
    network = Network(plan, examples.categories)
    if torch.cuda.is_available():
        network.cuda()
    source = replace(plan.source, name=f"{plan.source.name} ({plan.kind})", digest=digest, prefix=plan.prefix)
    card = card_of(source, network.pooled)
    card = replace(card, max_tokens=min(plan.max_tokens, card.positions))
    texts = Texts(examples.contents, card, plan.source.folder)
    with progress("Encoding texts for training", total=len(examples)) as advance:
        vectors, states = _passed(network, texts, advance)
    if states:
        texts.states = states
        network.recall_below(on=True)
    return FoldInputs(
        plan=plan,
        card=card,
        network=network,
        start={name: weight.detach().clone() for name, weight in network.trained().items()},
        texts=texts,
        vectors=vectors,
        targets=examples.targets,
        weights=examples.weights,
    )


def _passed(network: Network, texts: Texts, advance: Advance) -> tuple[Tensor, list[Tensor]]:
    """Vectors of all texts, and the states of the frozen layers if there are some and they fit."""
    width = network.heads.in_features
    vectors = torch.empty(len(texts.ids), width)
    states = [torch.empty(0)] * len(texts.ids)
    fits = network.low > 0 and int(texts.lengths.sum()) * width * 2 <= _ROOM
    outputs: list[Tensor] = []
    network.eval()

    def run(rows: Rows) -> None:
        outputs.clear()
        with torch.no_grad():
            vectors[torch.from_numpy(rows)] = network.vectors(texts.batch(rows, network.device)).cpu()
        for number, row in enumerate(rows if fits else ()):
            states[row] = _halved(outputs[0][number, : texts.lengths[row]])

    portions = BatchPortions(_PORTION)
    with network.watching_below(outputs) if fits else nullcontext():
        for rows in texts.sorted(np.arange(len(texts.ids)), _PORTION):
            portions.go(rows, run, outputs.clear)
            advance(len(rows))
    return vectors, states if fits else []


def _halved(states: Tensor) -> Tensor:
    """In half precision, which outdoes bf16 unless a number is too large for it."""
    half = states.half()
    return (half if half.isfinite().all() else states.float()).cpu().clone()
