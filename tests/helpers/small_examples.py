"""Small invented examples: vectors in clusters, short texts, folds."""

import numpy as np

from rubricator.dataset.examples import Examples

WORDS = (
    ("выборы", "парламент", "закон", "министр"),
    ("банк", "цены", "рубль", "биржа"),
    ("матч", "тренер", "гол", "стадион"),
)


def make_examples(rows=60, *, width=8, seed=0, single=True):
    """Three categories a model can learn; multi-label texts have one or two of them."""
    rng = np.random.default_rng(seed)
    targets = np.zeros((rows, 3))
    targets[np.arange(rows), np.arange(rows) % 3] = 1
    if not single:
        targets[::5, 0] = 1
    centres = np.random.default_rng(99).normal(size=(3, width))
    vectors = targets @ centres + rng.normal(scale=0.6, size=(rows, width))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    contents = [
        " ".join(rng.choice(WORDS[category]) for category in np.flatnonzero(target) for _ in range(3))
        for target in targets
    ]
    return Examples(
        contents=contents,
        vectors=vectors.astype(np.float32),
        targets=targets,
        weights=np.ones(rows),
        groups=[str(row) for row in range(rows)],
    )


def make_folds(rows, folds=4):
    """Round about, in blocks of three so that every fold has every category."""
    return np.arange(rows) // 3 % folds
