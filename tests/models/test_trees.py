from __future__ import annotations

import numpy as np
import pytest

from rubricator.errors import ArtifactError
from rubricator.models.trees import Trees


def chain(levels: int) -> dict[str, np.ndarray]:
    """One tree whose every node has a leaf on its right and the next node on its left."""
    nodes = 2 * levels + 1
    own = np.arange(nodes)
    inner = (own % 2 == 0) & (own < nodes - 1)
    return {
        "base": np.zeros(1),
        "root": np.zeros(1, dtype=np.int64),
        "category": np.zeros(1, dtype=np.int64),
        "feature": np.zeros(nodes, dtype=np.int64),
        "threshold": np.zeros(nodes),
        "missing_left": np.zeros(nodes, dtype=np.int8),
        "left": np.where(inner, own + 2, own),
        "right": np.where(inner, own + 1, own),
        "value": np.zeros(nodes),
    }


def test_every_level_costs_a_step() -> None:
    assert Trees.of_arrays(chain(30), width=1).steps == 30


def test_trees_too_deep_to_walk_are_refused() -> None:
    with pytest.raises(ArtifactError, match="5,000 nodes deep"):
        Trees.of_arrays(chain(5000), width=1)
