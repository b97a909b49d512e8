"""Several models as one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.heads import HeadsModel
from rubricator.models.registry import KINDS, read_model

WIDTH = 5


def heads(seed: int, categories: int = 3, encoder: str = BASE) -> HeadsModel:
    rng = np.random.default_rng(seed)
    return HeadsModel(rng.normal(size=(categories, WIDTH)), rng.normal(size=categories), encoder)


def ensemble(*members) -> EnsembleModel:
    shape = (len(members), 3)
    weight = np.full(len(members), 1 / len(members))
    return EnsembleModel(members, weight, np.full(shape, 2.0), np.full(shape, 0.5))


def inputs(rows: int = 4) -> Inputs:
    vectors = np.random.default_rng(0).normal(size=(rows, WIDTH)).astype(np.float32)
    return Inputs(["a"] * rows, vectors={BASE: vectors, "tuned": vectors[::-1]})


@given(scale=st.floats(0.1, 3), shift=st.floats(-2, 2))
def test_of_one_member_it_is_that_member_on_its_scale(scale, shift):
    alone = EnsembleModel((heads(1),), np.ones(1), np.full((1, 3), scale), np.full((1, 3), shift))
    np.testing.assert_allclose(alone.logits(inputs()), heads(1).logits(inputs()) * scale + shift)


def test_members_look_through_their_own_encoders():
    both = ensemble(heads(1), heads(2, encoder="tuned"))
    assert both.encoders == {BASE: WIDTH, "tuned": WIDTH}
    expected = (heads(1).logits(inputs()) + heads(2, encoder="tuned").logits(inputs())) + 0.5
    np.testing.assert_allclose(both.logits(inputs()), expected)


def test_each_encoder_runs_once_whoever_asks():
    calls = []

    def encode(contents):
        calls.append(len(contents))
        return np.ones((len(contents), WIDTH), dtype=np.float32)

    ensemble(heads(1), heads(2)).logits(Inputs(["a", "b"], encoders={BASE: encode}))
    assert calls == [2]


def test_it_survives_its_files_with_members_within_members(linear_model):
    nest = ensemble(heads(1), ensemble(heads(2), linear_model))
    again = read_model(nest.files())
    contents = Inputs(["Матч окончен", "Цены выросли"], vectors={BASE: np.eye(2, WIDTH, dtype=np.float32)})
    np.testing.assert_array_equal(again.logits(contents), nest.logits(contents))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.pop("1/model.json"), "no model.json that names its kind"),
        (lambda f: f.update({"2/model.json": f["0/model.json"]}), "of 2 members holds the folders 0, 1, 2"),
        (lambda f: f.update({"model.json": b'{"kind": "ensemble", "members": 0}'}), "members"),
        (lambda f: f.update({"model.json": b'{"kind": "pickle"}'}), "kind of model 'pickle' is unknown"),
        (lambda f: f.update({"0/" + n: d for n, d in heads(1, categories=2).files().items()}), "different"),
    ],
)
def test_members_that_do_not_fit_are_refused(change, said):
    files = dict(ensemble(heads(1), heads(2)).files())
    change(files)
    with pytest.raises(ArtifactError, match=said):
        read_model(files)


def test_every_kind_is_known_by_its_own_name():
    assert all(kind.kind == name for name, kind in KINDS.items())
