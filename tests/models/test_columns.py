"""Columns of several models side by side are those of each alone, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.anchors import AnchorsModel
from rubricator.models.columns import ColumnsModel
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.heads import HeadsModel
from rubricator.models.registry import read_model

SECOND = "second"


def unit(rng: np.random.Generator, rows: int) -> np.ndarray:
    vectors = rng.normal(size=(rows, 8))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def anchors(categories: int, seed: int) -> AnchorsModel:
    rng = np.random.default_rng(seed)
    return AnchorsModel(
        anchors=unit(rng, 20),
        centre=rng.normal(size=8) / 10,
        counts=rng.uniform(0.2, 1, 20),
        targets=(rng.random((20, categories)) < 0.3).astype(np.float32),
        dual=rng.normal(size=(20, categories)),
        intercept=rng.normal(size=categories),
        gamma=0.7,
        neighbours=5,
        warmth=0.1,
        kernel_share=0.4,
    )


def heads(categories: int, seed: int, encoder: str) -> HeadsModel:
    rng = np.random.default_rng(seed)
    return HeadsModel(rng.normal(size=(categories, 8)), rng.normal(size=categories), encoder)


def mix(categories: int, seed: int, encoders: int) -> EnsembleModel:
    members = [anchors(categories, seed), heads(categories, seed, BASE)]
    members += [heads(categories, seed + 1, SECOND)] * (encoders - 1)
    space = LabelSpace.of_size(categories, single=False)
    return EnsembleModel.mean_of(members, [DecisionRule.identity(space)] * len(members))


def texts(seed: int) -> Inputs:
    rng = np.random.default_rng(seed)
    return Inputs([""] * 6, vectors={BASE: unit(rng, 6), SECOND: unit(rng, 6)})


@given(
    seed=st.integers(0, 10_000),
    old=st.integers(1, 5),
    new=st.integers(1, 3),
    encoders=st.integers(1, 2),
    data=st.data(),
)
def test_what_is_kept_is_the_same_bits_written_and_read(seed, old, new, encoders, data):
    first, more, inputs = mix(old, seed, encoders), mix(new, seed + 7, encoders), texts(seed)
    picked = tuple(data.draw(st.permutations(range(old + new))))[: data.draw(st.integers(1, old + new))]
    model = ColumnsModel.of(first, picked, more)
    alone = np.hstack([first.logits(inputs), more.logits(inputs)])[:, list(picked)]
    assert np.array_equal(model.logits(inputs), alone)
    assert np.array_equal(read_model(model.files()).logits(inputs), alone)
    again = ColumnsModel.of(model, tuple(reversed(range(model.categories))))
    assert np.array_equal(again.logits(inputs), alone[:, ::-1])


def test_a_member_of_which_nothing_is_left_goes():
    first, more = mix(2, 1, 2), heads(1, 3, BASE)
    wide = ColumnsModel.of(first, (0, 1, 2), more)
    assert ColumnsModel.of(wide, (2,)) is more
    assert ColumnsModel.of(wide, (0, 1)) is first


def test_damaged_files_are_refused():
    model = ColumnsModel.of(mix(2, 1, 1), (1, 0, 2), heads(1, 3, BASE))
    whole = dict(model.files())
    about = whole["model.json"].replace(b"\n  2\n", b"\n  9\n")
    assert about != whole["model.json"]
    with pytest.raises(ArtifactError, match="picks columns"):
        read_model(whole | {"model.json": about})
    missing = {name: data for name, data in whole.items() if not name.startswith("1/")}
    with pytest.raises(ArtifactError, match="holds the folders"):
        read_model(missing)
