"""What every epoch reached, and the table of it that outlives the run."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.special import log_softmax

from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Floats
from rubricator.stats.counts import GroupedCounts
from rubricator.whole_files import whole_file

Metric = Literal["weighted_f1", "macro_f1", "accuracy", "loss"]


@dataclass(frozen=True, slots=True)
class Scores:
    """How good logits are: mean loss, F1 by support and by category, share of texts all right."""

    validation_loss: float
    weighted_f1: float
    macro_f1: float
    accuracy: float

    def merit(self, metric: Metric) -> tuple[float, float]:
        """Larger is better; equals are told apart by the loss."""
        loss = -self.validation_loss
        return (loss if metric == "loss" else float(getattr(self, metric)), loss)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of the table."""

    fold: str
    epoch: int
    train_loss: float
    validation_loss: float
    weighted_f1: float
    macro_f1: float
    accuracy: float
    learning_rate: float
    seconds: float

    @property
    def scores(self) -> Scores:
        """Of the texts held out."""
        return Scores(self.validation_loss, self.weighted_f1, self.macro_f1, self.accuracy)

    def note(self) -> str:
        """The line in short, for a progress display."""
        return (
            f"fold {self.fold}, epoch {self.epoch}: train loss {self.train_loss:.3f}, "
            f"validation loss {self.validation_loss:.3f}, weighted F1 {self.weighted_f1:.3f}"
        )


def measured(logits: Floats, targets: Floats, weights: Floats, *, space: LabelSpace) -> Scores:
    """Score logits [n, categories] held out, decided by the largest or, in multi-label, by the sign."""
    if space.single:
        losses = -(targets * log_softmax(logits, axis=1)).sum(axis=1)
        decisions = np.eye(logits.shape[1], dtype=bool)[logits.argmax(axis=1)]
        truth = np.eye(logits.shape[1], dtype=bool)[targets.argmax(axis=1)]
    else:
        losses = (np.logaddexp(0, logits) - targets * logits).sum(axis=1)
        decisions, truth = logits > 0, targets >= 0.5
    figures = GroupedCounts(truth, decisions, weights=weights).figures()
    weighted, macro, right = (
        float(np.nan_to_num(figures[name][0])) for name in ("weighted_f1", "macro_f1", "subset_accuracy")
    )
    return Scores(float(weights @ losses / weights.sum()), weighted, macro, right)


def write_table(path: Path, epochs: Iterable[Epoch]) -> None:
    """Write the table anew, whole or not at all."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Epoch)])
        for epoch in epochs:
            writer.writerow(
                [f"{value:.6g}" if isinstance(value, float) else value for value in astuple(epoch)]
            )
