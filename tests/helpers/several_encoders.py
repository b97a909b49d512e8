"""Two tiny encoders, and a kind of model that looks through them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_encoder import write_encoder

from rubricator.label_space import DecisionRule
from rubricator.models.ensemble import EnsembleModel
from rubricator.train import trainers
from rubricator.train.kinds.heads import fit_lines
from rubricator.train.training_context import FitResult

WIDTHS = {"base": 32, "second": 16}


def write_two(folder: Path) -> None:
    """Write the encoders `broad` and `narrow`, of these widths."""
    write_encoder(folder / "broad", width=WIDTHS["base"])
    write_encoder(folder / "narrow", kind="distil", width=WIDTHS["second"])


def look_through(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """`heads` becomes the mean of heads on the vectors of these encoders, as far as there are any."""

    def fit(examples, *, folds, context) -> FitResult:
        vectors = {"base": examples.vectors, **examples.more_vectors}
        assert {name: found.shape[1] for name, found in vectors.items()}.items() <= WIDTHS.items()
        each = [
            fit_lines(examples, folds=folds, context=context, encoder=name)
            for name in names
            if name in vectors
        ]
        rule = DecisionRule(context.space, *np.array([[1.0] * 3, [0.0] * 3, [0.5] * 3]))
        heads = [fitted.model for fitted in each]
        mean = np.mean([fitted.oof_logits for fitted in each], axis=0)
        return FitResult(
            model=EnsembleModel.mean_of(heads, [rule] * len(heads)), oof_logits=mean, facts={"c": []}
        )

    monkeypatch.setattr(trainers, "TRAINERS", {**trainers.TRAINERS, "heads": fit})
