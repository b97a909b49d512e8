"""Static vectors distilled from the encoder, and the better of two classifiers on them."""

from __future__ import annotations

from dataclasses import replace

from rubricator.dataset.examples import Examples
from rubricator.errors import MissingExtraError, TrainingError
from rubricator.models.static import StaticEmbedding, StaticModel
from rubricator.train.calibration.rule import cross_decide
from rubricator.train.kinds.heads import fit_centred
from rubricator.train.kinds.static.distil import distil
from rubricator.train.logistic import Folds, require_labelled
from rubricator.train.training_context import FitResult, TrainingContext


def fit_static(examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    """Distil the encoder and train a classifier on the static vectors.

    Distilling looks at no label, so all folds share one embedding, which is kept in the cache folder. The
    classifier is one logistic regression per category, which leaves the vectors as they are, or a network
    that trains them as well; where the settings leave the choice, the smaller held-out log-loss takes it.

    Raises:
        EncoderError: There is no such encoder, or it cannot be run.
        MissingExtraError: The encoder takes a package that is not installed.
        TrainingError: No row has weight, or the texts hold nothing that the encoder knows.
    """
    settings, targets, weights = context.settings.static, examples.targets, examples.weights
    judging = examples.judging
    require_labelled(weights > 0)
    labelled = examples.subset(weights > 0)
    embedding = distil(
        labelled.contents,
        context.encode,
        pieces=settings.pieces,
        width=settings.width,
        progress=context.progress,
    )
    vectors = embedding.vectors(examples.contents)
    if not vectors[weights > 0].any():
        raise TrainingError(
            f"The encoder knows nothing of the {len(labelled)} training texts.",
            fix="Check `data.columns` and `clean`, or choose an encoder of their language.",
        )
    candidates = {}
    if settings.classifier != "network":
        lines = fit_centred(vectors, examples, folds=folds, context=context)
        candidates["lines"] = FitResult(
            model=StaticModel(embedding, lines.coef, lines.intercept),
            oof_logits=lines.oof_logits,
            notes=lines.notes,
            facts={"c": lines.c.tolist()},
        )
    if settings.classifier != "lines":
        candidates["network"] = _network(embedding, examples, folds, context)
    losses = {}
    for name, candidate in candidates.items():
        probabilities, _ = cross_decide(candidate.oof_logits, targets, judging, folds, space=context.space)
        losses[name] = float(judging @ context.space.losses(probabilities, targets) / judging.sum())
    best = min(losses, key=losses.__getitem__)
    facts = {
        "classifier": best,
        "held_out_log_loss": losses,
        "pieces": len(embedding.table),
        "width": int(embedding.table.shape[1]),
    }
    return replace(candidates[best], facts={**facts, **candidates[best].facts})


def _network(
    embedding: StaticEmbedding, examples: Examples, folds: Folds, context: TrainingContext
) -> FitResult:
    try:
        from rubricator.train.kinds.static.static_finetune import fit_tuned
    except ImportError as error:
        raise MissingExtraError(
            error.name or "torch", extra="train", purpose="The network of `static`"
        ) from error
    model, oof_logits = fit_tuned(embedding, examples, folds=folds, context=context)
    return FitResult(model=model, oof_logits=oof_logits)
