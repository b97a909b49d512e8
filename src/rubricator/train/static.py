"""Logistic heads on static vectors that are distilled from the encoder."""

from __future__ import annotations

from rubricator.errors import TrainingError
from rubricator.models.static import StaticModel
from rubricator.train.bench import Bench, Fitted
from rubricator.train.distil import distil
from rubricator.train.examples import Examples
from rubricator.train.heads import fit_centred
from rubricator.train.logistic import Folds


def fit_static(examples: Examples, *, folds: Folds, bench: Bench) -> Fitted:
    """Distil the encoder and train one logistic regression per category on the static vectors.

    Distilling looks at no label, so all folds share one embedding.

    Args:
        examples: Rows of weight 0 are left out.
        folds: Fold of each row, shape [n], grouped; they choose C for each category.
        bench: Settings; the embedding is kept in the cache folder of `bench.encode`.

    Raises:
        EncoderError: There is no such encoder, or it cannot be run.
        MissingExtraError: The encoder takes a package that is not installed.
        TrainingError: No row has weight, or the texts hold nothing that the encoder knows.
    """
    told = bench.settings.static
    seen = examples.subset(examples.weights > 0)
    if not len(seen):
        raise TrainingError(
            "There is not a single labelled text to train on (all weights are 0).",
            fix="Add golden labels, or let agreed labels count: `train.agreed_weight: 1`.",
        )
    embedding = distil(
        seen.contents, bench.encode, pieces=told.pieces, width=told.width, progress=bench.progress
    )
    vectors = embedding.vectors(examples.contents)
    if not vectors[examples.weights > 0].any():
        raise TrainingError(
            f"The encoder knows nothing of the {len(seen)} training texts.",
            fix="Check `data.columns` and `clean`, or choose an encoder of their language.",
        )
    lines = fit_centred(vectors, examples, folds=folds, bench=bench)
    return Fitted(
        model=StaticModel(embedding, lines.coef, lines.intercept),
        held_out=lines.held_out,
        notes=lines.notes,
        facts={
            "c": lines.c.tolist(),
            "pieces": len(embedding.table),
            "width": int(embedding.table.shape[1]),
        },
    )
