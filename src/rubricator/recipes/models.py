"""Trained models as they are served: the training object's arrays, and nothing else of it."""

from __future__ import annotations

from rubricator.artifact import HeadsModel, LinearModel, Ngrams
from rubricator.decision import Floats
from rubricator.errors import TrainingError
from rubricator.train.examples import Examples
from rubricator.train.heads import Heads
from rubricator.train.linear import LinearModel as TrainedLinear
from rubricator.train.model import FittedModel

ServedModel = HeadsModel | LinearModel


def as_served(model: FittedModel) -> ServedModel:
    """The arrays of a trained model in the form that the artifact keeps and the predictor runs.

    Raises:
        TrainingError: The artifact knows no such kind of model.
    """
    if isinstance(model, Heads):
        return HeadsModel(model.coef, model.intercept)
    if isinstance(model, TrainedLinear):
        blocks = tuple(
            Ngrams(block.analyzer, block.shortest, block.longest, block.terms, block.idf)
            for block in model.ngrams
        )
        return LinearModel(blocks, model.coef, model.intercept)
    raise TrainingError(f"A model of the kind '{model.name}' cannot be served.", fix="Train another kind.")


def logits_of(model: ServedModel, examples: Examples) -> Floats:
    """Logits, shape [texts, categories], from what the kind of model looks at."""
    if isinstance(model, HeadsModel):
        assert examples.vectors is not None, "heads look at vectors"
        return model.logits(examples.vectors)
    return model.logits(examples.contents)
