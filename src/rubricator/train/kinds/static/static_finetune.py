"""Static vectors trained together with their heads, as model2vec's StaticModelForClassification does.

One linear layer is on top: vectors that are trained themselves leave hidden layers nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import Inputs
from rubricator.models.static import StaticEmbedding, StaticModel
from rubricator.stats.arrays import Floats, Indices
from rubricator.train.kinds.finetune.loss import aims
from rubricator.train.logistic import Folds
from rubricator.train.torch_state import own_torch_state
from rubricator.train.training_context import TrainingContext

_EPOCHS = 6
_BATCH = 64
_VECTOR_RATE = 1e-3
_HEAD_RATE = 1e-2
# Unit vectors are made so long for the heads, which learn at the pace of the vectors then.
_SCALE = 16.0

Loss = Callable[[Tensor, Tensor], Tensor]


def fit_tuned(
    embedding: StaticEmbedding, examples: Examples, *, folds: Folds, context: TrainingContext
) -> tuple[StaticModel, Floats]:
    """Train vectors and heads; pieces that no training text has keep their distilled vectors.

    Returns:
        The model, and the logits of every row by a model that did not see its fold.
    """

    def tuned(weights: Floats) -> StaticModel:
        loss = aims(examples.targets, weights, context.settings.imbalance, space=context.space).loss
        return _tune(embedding, examples, np.flatnonzero(weights > 0), loss, seed=context.seed)

    oof_logits = np.empty(examples.targets.shape)
    parts = np.unique(folds)
    with own_torch_state(), context.progress("Tuning static vectors", total=len(parts) + 1) as step:
        for fold in parts:
            held_out = np.flatnonzero(folds == fold)
            model = tuned(np.where(folds == fold, 0.0, examples.weights))
            oof_logits[held_out] = model.logits(Inputs([examples.contents[row] for row in held_out.tolist()]))
            step(1)
        model = tuned(examples.weights)
        step(1)
    return model, oof_logits


def _tune(
    embedding: StaticEmbedding, examples: Examples, rows: Indices, loss: Loss, *, seed: int
) -> StaticModel:
    pieces_of_texts = list(embedding.pieces([examples.contents[row] for row in rows.tolist()]))
    rows = rows[[bool(pieces) for pieces in pieces_of_texts]]
    bags = [np.array(pieces) for pieces in pieces_of_texts if pieces]
    trained, places = np.unique(np.concatenate(bags), return_inverse=True)
    bags = np.split(places, np.cumsum([len(bag) for bag in bags])[:-1])
    start = torch.from_numpy(embedding.table[trained].astype(np.float32))
    vectors = nn.EmbeddingBag.from_pretrained(start, mode="mean", freeze=False)
    heads = nn.Linear(start.shape[1], examples.categories)
    for part in heads.parameters():
        nn.init.zeros_(part)
    optimizer = torch.optim.Adam(
        [
            {"params": vectors.parameters(), "lr": _VECTOR_RATE},
            {"params": heads.parameters(), "lr": _HEAD_RATE},
        ]
    )
    batches = list(_batches(len(rows), np.random.default_rng(seed)))
    decay = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: 1 - done / len(batches))
    for batch in batches:
        sizes = [len(bags[at]) for at in batch]
        pieces = torch.from_numpy(np.concatenate([bags[at] for at in batch]))
        means = vectors(pieces, torch.from_numpy(np.cumsum([0, *sizes[:-1]])))
        logits = heads(functional.normalize(means) * _SCALE)
        optimizer.zero_grad()
        loss(logits, torch.from_numpy(rows[batch])).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        decay.step()
    table = embedding.table.copy()
    table[trained] = vectors.weight.detach().numpy().astype(np.float16)
    coef, intercept = (part.detach().numpy().astype(np.float64) for part in (heads.weight, heads.bias))
    tuned = StaticEmbedding(embedding.tokenizer, embedding.unknown, table)
    return StaticModel(tuned, coef * _SCALE, intercept)


def _batches(rows: int, rng: np.random.Generator) -> Iterator[Indices]:
    for _ in range(_EPOCHS):
        order = rng.permutation(rows)
        yield from (order[at : at + _BATCH] for at in range(0, rows, _BATCH))
