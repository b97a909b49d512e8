"""Small invented examples with feature columns of every kind, which say what the text does not."""

from dataclasses import replace

import numpy as np
from small_examples import make_examples

from rubricator.config import Encode, Hybrid, Imbalance, Train
from rubricator.label_space import LabelSpace
from rubricator.train.training_context import TrainingContext

SETTINGS = ("evening", "morning", "night")


def make_hybrid(rows=60, *, seed=0, single=True, **keep):
    """Examples whose vectors are blurred and whose features tell the categories apart."""
    examples = make_examples(rows, seed=seed, single=single, **keep)
    rng = np.random.default_rng(seed + 7)
    noise = rng.normal(scale=1.0, size=examples.vectors.shape)
    vectors = examples.vectors + noise.astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return replace(examples, vectors=vectors, features=[_row(t, rng) for t in examples.targets])


def _row(target, rng):
    category = int(target.argmax())
    row = {
        "length": f"PT{1 + 4 * category}M{rng.integers(60)}S",
        "views": str(int(10 ** rng.uniform(1, 5))),
        "slot": SETTINGS[category] if rng.random() < 0.8 else "noon",
        "live": "true" if category == 2 else "false",
        "shown": f"2025-{1 + 3 * category:02d}-{rng.integers(1, 28):02d}T12:00:00",
    }
    if rng.random() < 0.2:
        row[str(rng.choice(list(row)))] = None
    return row


def make_bench(folder, *, single=True, imbalance=None, **hybrid):
    settings = Train(hybrid=Hybrid(**hybrid), imbalance=imbalance or Imbalance())
    return TrainingContext(
        settings=settings, encode=Encode(), space=LabelSpace.of_size(3, single=single), seed=0, folder=folder
    )
