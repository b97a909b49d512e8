"""Vectors stand in for a model: the nearest category, and nothing that is far from all of them."""

import numpy as np
from small_augmentation import DISHES, NOTHING, SHOES, TEXTS, material

from rubricator.augment.membership import NearestCentre

CLUSTERS = {"d": [1.0, 0.1, 0.0], "s": [0.0, 1.0, 0.1], "n": [0.1, 0.0, 1.0]}


def embed(contents):
    kinds = {**dict.fromkeys(DISHES, "d"), **dict.fromkeys(SHOES, "s"), **dict.fromkeys(NOTHING, "n")}
    rows = []
    for place, content in enumerate(contents):
        base = np.array(CLUSTERS[kinds.get(content, content[0])])
        rows.append(base + np.random.default_rng(place).normal(scale=0.05, size=3))
    vectors = np.array(rows, dtype=np.float32).reshape(len(contents), 3)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_text_is_of_the_category_whose_texts_it_is_nearest_to():
    centres = NearestCentre(embed, material())
    likeness = centres.likeness(["dddd", "ssss"])
    assert likeness[:, :2].argmax(axis=1).tolist() == [0, 1]
    assert centres.decides(likeness).sum(axis=1).max() == 1


def test_a_text_between_all_categories_is_of_none():
    centres = NearestCentre(embed, material())
    far = np.array([[0.05, 0.0, -0.02]])
    assert not centres.decides(far).any()


def test_a_category_without_a_text_is_never_the_nearest():
    centres = NearestCentre(embed, material(categories=["dishes"] * 6 + [""] * 5 + ["none"] * 3))
    likeness = centres.likeness(list(TEXTS))
    assert (likeness[:, 1] == -1).all()
    assert centres.likeness([]).shape == (0, 3)
