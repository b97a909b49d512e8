"""Vectors laid out on a plane."""

import importlib.util

import numpy as np
import pytest

from rubricator.errors import MissingExtraError
from rubricator.explore.map import projection as module
from rubricator.explore.map.projection import project

HEAPS = np.repeat(np.arange(3), 40)


def vectors(seed=0):
    rng = np.random.default_rng(seed)
    rows = np.eye(3, 12)[HEAPS] + rng.normal(scale=0.1, size=(len(HEAPS), 12))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def keeps_heaps_apart(positions):
    middles = np.stack([positions[heap == HEAPS].mean(axis=0) for heap in range(3)])
    nearest = np.linalg.norm(positions[:, None] - middles, axis=2).argmin(axis=1)
    agree = np.equal(nearest, HEAPS).mean()
    return agree > 0.98


def test_where_nothing_is_installed_it_is_principal_components(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    found = project(vectors())
    assert found.method == "PCA"
    assert found.positions.shape == (len(HEAPS), 2)
    assert keeps_heaps_apart(found.positions)
    with pytest.raises(MissingExtraError, match="explore"):
        project(vectors(), method="umap")


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (2, 5), (20, 1), (20, 3)])
def test_hardly_any_text_and_narrow_vectors_are_no_error(shape):
    found = project(np.ones(shape, dtype=np.float32), method="pca")
    assert found.positions.shape == (shape[0], 2)
    assert np.isfinite(found.positions).all()


def test_the_rest_is_put_among_its_neighbours(monkeypatch):
    """Without a layout of its own: the places of those drawn are given here."""
    monkeypatch.setattr(module, "_LAID_OUT", 60)
    monkeypatch.setattr(module, "_method", lambda asked: "umap")
    monkeypatch.setattr(module, "_umap", lambda rows, seed: rows[:, :2])
    found = project(vectors())
    assert keeps_heaps_apart(found.positions)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("umap") is None, reason="the extra explore is not installed")
def test_umap_keeps_heaps_apart_and_is_the_same_for_a_seed():
    first, again = (project(vectors(), method="umap", seed=5) for _ in range(2))
    assert first.method == "UMAP"
    assert keeps_heaps_apart(first.positions)
    np.testing.assert_array_equal(first.positions, again.positions)
