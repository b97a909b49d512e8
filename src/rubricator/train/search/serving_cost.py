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


def cost_of(model: Model, texts: Sequence[Text], encoders: Mapping[str, Encoder]) -> Cost:
    """Measure a model on a few of the texts, after one that is not timed."""
    rows = np.unique(np.linspace(0, len(texts) - 1, num=min(_TEXTS, len(texts))).astype(int))
    sample = [texts[row] for row in rows]
    needed = [encoders[name] for name in model.encoders]
    encode = {name: encoders[name].encode for name in model.encoders}

    def classify(some: Sequence[Text]) -> None:
        contents, features = [text.content for text in some], [text.features for text in some]
        model.logits(Inputs(contents, features, encoders=encode))

    classify(sample[:1])
    started = time.perf_counter()
    classify(sample)
    seconds = max(time.perf_counter() - started, 1e-9)
    size = sum(len(data) for data in model.files().values())
    return Cost(len(sample) / seconds, size + sum(encoder.bytes for encoder in needed))
