"""Texts to predictions with an artifact: one by one, in streams, in files of any length. Needs no torch."""

from rubricator.predict.predictor import Predictor

__all__ = ["Predictor"]
