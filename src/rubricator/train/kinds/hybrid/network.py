"""The network way of `hybrid`: a hidden layer over vector and features, trained in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rubricator.label_space import LabelSpace
from rubricator.models.network import NetworkModel, joined, standardised
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.train.imbalance import cell_weights, draw_weights, offsets, row_weights, smoothed
from rubricator.train.kinds.hybrid.task import HybridTask
from rubricator.train.torch_state import own_torch_state
from rubricator.train.training_context import FitResult

if TYPE_CHECKING:
    import torch

_UNITS = 96
_NETWORKS = 4
_EPOCHS = 30
_BATCH = 64
_RATE = 1e-3
_DECAY = 0.05
_DROPOUT = (0.3, 0.5)  # of inputs, of hidden units


class _Weights(NamedTuple):
    """Networks side by side: hidden [m, units, inputs] and its bias [m, units], heads alike."""

    hidden: torch.Tensor
    hidden_bias: torch.Tensor
    heads: torch.Tensor
    heads_bias: torch.Tensor


def fit_network(task: HybridTask, text: FitResult) -> FitResult:
    """Train networks of one hidden layer; how many epochs, the held-out loss of the folds says.

    `text` are heads on the same vectors: they answer for texts without features.

    Raises:
        MissingExtraError: torch is not installed.
    """
    raw = joined(task.vectors.astype(np.float64), task.numbers, task.missing)
    centre, scale = _spread(raw, width=task.vectors.shape[1], used=task.used)
    inputs = standardised(raw, centre, scale)
    folds = np.unique(task.folds)
    logits = np.zeros((_EPOCHS, *task.examples.targets.shape))
    purpose, steps = "`train.hybrid.way: network`", len(folds) + 1
    with (
        own_torch_state(seed=task.context.seed, purpose=purpose),
        task.context.progress("Training networks", total=steps) as advance,
    ):
        for number, fold in enumerate(folds):
            held_out = task.folds == fold

            def watch(epoch: int, weights: _Weights, held_out: Bools = held_out) -> None:
                logits[epoch, held_out] = _answers(weights, inputs[held_out])

            _train(task, inputs, np.flatnonzero(~held_out & task.used), epochs=_EPOCHS, watch=watch)
            advance(1)
            task.check_early_stop(logits[_EPOCHS // 2], folds[: number + 1])
        epochs = 1 + int(np.argmin([task.loss(some) for some in logits]))
        weights = _train(task, inputs, np.flatnonzero(task.used), epochs=epochs)
        advance(1)
    oof_logits = logits[epochs - 1]
    coef, intercept, oof_logits = task.text_fallback(text, oof_logits)
    hidden, hidden_bias, heads, heads_bias = (part.detach().double().numpy() for part in weights)
    units = hidden.shape[1]
    model = NetworkModel(
        table=task.table,
        centre=centre,
        scale=scale,
        hidden=hidden.reshape(-1, hidden.shape[2]),
        hidden_bias=hidden_bias.reshape(-1),
        heads=np.hstack([*(heads[:, :, :units] / len(heads)), heads[:, :, units:].mean(axis=0)]),
        heads_bias=heads_bias.mean(axis=0),
        text=coef,
        text_bias=intercept,
    )
    facts = {"epochs": epochs, "networks": _NETWORKS}
    return FitResult(model=model, oof_logits=oof_logits, facts=facts)


def _spread(inputs: Floats, *, width: int, used: Bools) -> tuple[Floats, Floats]:
    """Centre and factor of every input: one factor for the vector, one for each other number."""
    counts = np.maximum(np.isfinite(inputs[used]).sum(axis=0), 1)
    centre = np.nansum(inputs[used], axis=0) / counts
    spread = np.sqrt(np.nansum((inputs[used] - centre) ** 2, axis=0) / counts)
    spread[:width] = np.sqrt((spread[:width] ** 2).mean())
    return centre, np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-9)


def _train(
    task: HybridTask,
    inputs: Floats,
    rows: Indices,
    *,
    epochs: int,
    watch: Callable[[int, _Weights], None] = lambda _epoch, _weights: None,
) -> _Weights:
    """Networks trained on these rows for so many epochs; `watch` sees them after each."""
    import torch

    settings, space = task.context.settings.imbalance, task.context.space
    targets, counts = task.examples.targets[rows], task.examples.weights[rows]
    chances = draw_weights(targets, counts, settings, space=space)
    share = offsets(targets, counts, settings, space=space)
    worth = (row_weights if space.single else cell_weights)(targets, counts, settings, space=space)
    x, y, w, add = (
        torch.tensor(part, dtype=torch.float32)
        for part in (inputs[rows], smoothed(targets, settings, space=space), worth / worth.mean(), share)
    )
    gamma = settings.gamma if settings.loss == "focal" else 0.0
    weights = _start(x.shape[1], y.shape[1])
    optimiser = torch.optim.AdamW(list(weights), lr=_RATE, weight_decay=_DECAY)
    random = np.random.default_rng(task.context.seed)
    uniform = settings.sampling == "none"
    for epoch in range(epochs):
        order = random.permutation(len(rows)) if uniform else random.choice(len(rows), len(rows), p=chances)
        for batch in np.array_split(order, max(1, len(order) // _BATCH)):
            z = _forward(weights, x[batch], dropout=_DROPOUT) + add
            loss = _loss(z, y[batch], w[batch], gamma, space)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        watch(epoch, weights)
    return weights


def _start(inputs: int, categories: int) -> _Weights:
    import torch

    hidden = torch.randn(_NETWORKS, _UNITS, inputs) * np.sqrt(2 / inputs)
    heads = torch.zeros(_NETWORKS, categories, _UNITS + inputs)
    heads[:, :, :_UNITS] = torch.randn(_NETWORKS, categories, _UNITS) / np.sqrt(_UNITS)
    weights = _Weights(hidden, torch.zeros(_NETWORKS, _UNITS), heads, torch.zeros(_NETWORKS, categories))
    for part in weights:
        part.requires_grad_()
    return weights


def _forward(weights: _Weights, x: torch.Tensor, *, dropout: tuple[float, float]) -> torch.Tensor:
    """Logits of every network, shape [m, rows, categories]."""
    import torch
    from torch.nn.functional import dropout as drop

    inputs = drop(x.expand(len(weights.hidden), -1, -1), dropout[0])
    units = torch.relu(inputs @ weights.hidden.mT + weights.hidden_bias[:, None])
    both = torch.cat([drop(units, dropout[1]), inputs], dim=2)
    return both @ weights.heads.mT + weights.heads_bias[:, None]


def _loss(z: torch.Tensor, y: torch.Tensor, w: torch.Tensor, gamma: float, space: LabelSpace) -> torch.Tensor:
    """Mean weighted cross-entropy, or focal loss, summed over the networks."""
    import torch
    from torch.nn.functional import logsigmoid

    if space.single:
        logs = torch.log_softmax(z, dim=2)
        losses = -(y * logs * (1 - logs.exp()) ** gamma).sum(dim=2) if gamma else -(y * logs).sum(dim=2)
        return (w * losses).mean(dim=1).sum()
    yes, no = logsigmoid(z), logsigmoid(-z)
    if gamma:
        yes, no = yes * no.exp() ** gamma, no * yes.exp() ** gamma
    return -(w * (y * yes + (1 - y) * no)).sum(dim=2).mean(dim=1).sum()


def _answers(weights: _Weights, inputs: Floats) -> Floats:
    """Mean logits of the networks, shape [n, categories]."""
    import torch

    with torch.no_grad():
        z = _forward(weights, torch.tensor(inputs, dtype=torch.float32), dropout=(0.0, 0.0))
    return np.asarray(z.double().mean(dim=0).numpy())
