"""Trained models as they are served: the training object's arrays, and nothing else of it."""

from __future__ import annotations

from rubricator.artifact import HeadsModel, LinearModel, Ngrams
from rubricator.decision import Floats
from rubricator.train import Examples, FittedModel, Heads

ServedModel = HeadsModel | LinearModel


def as_served(model: FittedModel) -> ServedModel:
    """The arrays of a trained model in the form that the artifact keeps and the predictor runs."""
    if isinstance(model, Heads):
        return HeadsModel(model.coef, model.intercept)
    return LinearModel(tuple(Ngrams.of(v) for v in model.vectorizers), model.coef, model.intercept)


def logits_of(model: ServedModel, examples: Examples) -> Floats:
    """Logits, shape [texts, categories], from what the kind of model looks at."""
    if isinstance(model, HeadsModel):
        assert examples.vectors is not None, "heads look at vectors"
        return model.logits(examples.vectors)
    return model.logits(examples.contents)
