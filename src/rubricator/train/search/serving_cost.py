"""What a model costs to serve: how many texts a second, how many bytes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from rubricator.dataset.inputs import Inputs
from rubricator.encode import Encoder
from rubricator.models.base import Model
from rubricator.models.training_result import Cost
from rubricator.records import Text

_TEXTS = 64
_BATCH = 16
_PATIENCE = 1.0  # seconds


def cost_of(model: Model, texts: Sequence[Text], encoders: Mapping[str, Encoder]) -> Cost:
    """Measure a model for about a second on a few of the texts, after one that is not timed."""
    size = sum(len(data) for data in model.files().values())
    needed = [encoders[name] for name in model.encoders]
    return Cost(rate_of(model, texts, encoders), size + sum(encoder.bytes for encoder in needed))


def rate_of(
    model: Model,
    texts: Sequence[Text],
    encoders: Mapping[str, Encoder],
    *,
    most: int = _TEXTS,
    batch: int = _BATCH,
    patience: float = _PATIENCE,
) -> float:
    """Texts a second from cleaned text to logits: `most` texts in batches, for about `patience` seconds."""
    rows = np.unique(np.linspace(0, len(texts) - 1, num=min(most, len(texts))).astype(int))
    # Drawn in random order: a sample cut short still has long and short texts in their true mix.
    sample = [texts[row] for row in np.random.default_rng(0).permutation(rows)]
    encode = {name: encoders[name].encode for name in model.encoders}

    def classify(some: Sequence[Text]) -> None:
        contents, features = [text.content for text in some], [text.features for text in some]
        model.logits(Inputs(contents, features, encoders=encode))

    classify(sample[:1])
    done, started, seconds = 0, time.perf_counter(), 0.0
    while done < len(sample) and seconds < patience:
        classify(sample[done : done + batch])
        done = min(done + batch, len(sample))
        seconds = time.perf_counter() - started
    return done / max(seconds, 1e-9)
