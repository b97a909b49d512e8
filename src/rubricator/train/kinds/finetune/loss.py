"""The loss of a text: cross-entropy or focal loss on soft targets, over one softmax or many sigmoids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rubricator.config import Imbalance
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Floats
from rubricator.train.imbalance import cell_weights, draw_weights, offsets, row_weights, smoothed


@dataclass(frozen=True, slots=True)
class Aims:
    """What the texts of one training are to teach; all rows of the data, of which it uses its own."""

    targets: Tensor  # as the loss sees them, float32 [n, categories]
    weights: Tensor  # of rows or, in multi-label, of cells; 1 on average; float32 [n, 1 or categories]
    offset: Tensor  # added to the logits while training, float32 [categories]
    chances: Floats | None  # of each row to be drawn, [n]; None where every row comes once per epoch
    gamma: float | None  # of the focal loss; None for cross-entropy
    space: LabelSpace

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """Loss of each text, shape [texts]."""
        device = logits.device
        targets, weights = self.targets[rows].to(device), self.weights[rows].to(device)
        logits = logits + self.offset.to(device)
        if self.space.single:
            logs = functional.log_softmax(logits, dim=1)
            return torch.as_tensor(-(weights * targets * self._focus(logs) * logs).sum(1))
        yes, no = functional.logsigmoid(logits), functional.logsigmoid(-logits)
        losses = targets * self._focus(yes) * yes + (1 - targets) * self._focus(no) * no
        return torch.as_tensor(-(weights * losses).sum(1))

    def _focus(self, logs: Tensor) -> Tensor | float:
        # Lin et al., "Focal loss for dense object detection", ICCV 2017.
        return 1.0 if self.gamma is None else (1 - logs.exp()).clamp(min=1e-6) ** self.gamma


def aims(targets: Floats, weights: Floats, settings: Imbalance, *, space: LabelSpace) -> Aims:
    """What rows with weight teach, by the section `train.imbalance`; the others are not of this training."""
    if space.single:
        counts = row_weights(targets, weights, settings, space=space)[:, None]
    else:
        counts = cell_weights(targets, weights, settings, space=space)
    used = weights > 0
    balanced = settings.sampling == "balanced"
    return Aims(
        targets=_tensor(smoothed(targets, settings, space=space)),
        weights=_tensor(counts / counts[used].mean()),
        offset=_tensor(offsets(targets, weights, settings, space=space)),
        chances=draw_weights(targets, weights, settings, space=space) if balanced else None,
        gamma=settings.gamma if settings.loss == "focal" else None,
        space=space,
    )


def _tensor(values: Floats) -> Tensor:
    return torch.as_tensor(np.asarray(values, dtype=np.float32))
