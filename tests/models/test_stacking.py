import json
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.models.features import Column, FeatureTable
from rubricator.models.heads import HeadsModel
from rubricator.models.linear import LinearModel, Ngrams
from rubricator.models.registry import read_model
from rubricator.models.serialization import ABOUT, ARRAYS
from rubricator.models.stacking import StackingModel
from rubricator.models.trees import Trees

WIDTH = 3
NUMBERS = 2 * 2 + 1 + 1  # two opinions of two categories, one axis, one feature


def make_trees():
    """First category: 1 if the feature is small or missing, else 2; second: 4 or 8 by the axis."""
    return Trees.of_arrays(
        {
            "base": np.array([0.5, -0.5]),
            "root": np.array([0, 3]),
            "category": np.array([0, 1]),
            "feature": np.array([5, 0, 0, 4, 0, 0]),
            "threshold": np.array([np.log1p(60), 0, 0, 0, 0, 0]),
            "missing_left": np.array([1, 0, 0, 0, 0, 0], dtype=np.int8),
            "left": np.array([1, 1, 2, 4, 4, 5]),
            "right": np.array([2, 1, 2, 5, 4, 5]),
            "value": np.array([0, 1.0, 2.0, 0, 4.0, 8.0]),
        },
        width=NUMBERS,
    )


def make_stacking():
    rng = np.random.default_rng(0)
    words = Ngrams("word", 1, 1, ("дождь", "кот"), np.ones(2))
    return StackingModel(
        members=(
            HeadsModel(rng.normal(size=(2, WIDTH)), np.zeros(2)),
            LinearModel((words,), rng.normal(size=(2, 2)), np.zeros(2)),
        ),
        axes=np.array([[1.0, 0.0, 0.0]]),
        table=FeatureTable((Column(name="length", kind="duration"),)),
        trees=make_trees(),
        text=rng.normal(size=(2, WIDTH)),
        text_bias=np.array([0.25, -0.25]),
    )


def make_inputs(lengths, first=1.0):
    vectors = np.tile(np.array([[first, 0.5, -0.5]], dtype=np.float32), (len(lengths), 1))
    return Inputs(
        ["кот и дождь"] * len(lengths), [{"length": one} for one in lengths], vectors={BASE: vectors}
    )


def test_trees_go_by_thresholds_and_by_what_is_missing():
    rows = np.zeros((3, NUMBERS))
    rows[:, 5] = [np.log1p(60), np.log1p(61), np.nan]
    rows[:, 4] = [-1, 1, np.nan]
    assert make_trees().logits(rows).tolist() == [[1.5, 3.5], [2.5, 7.5], [1.5, 7.5]]


def test_says_what_it_needs():
    model = make_stacking()
    assert model.encoders == {BASE: WIDTH}
    assert model.columns == ("length",)
    assert model.categories == 2


def test_trees_see_features_and_axes():
    model = make_stacking()
    assert model.logits(make_inputs(["1:00", "2:00"])).tolist() == [[1.5, 7.5], [2.5, 7.5]]
    assert model.logits(make_inputs(["1:00"], first=-1.0)).tolist() == [[1.5, 3.5]]


def test_a_text_without_features_is_answered_from_its_vector(caplog):
    model, inputs = make_stacking(), make_inputs(["1:00", None])
    with caplog.at_level(logging.WARNING):
        logits = model.logits(inputs)
    assert logits[0].tolist() == [1.5, 7.5]
    assert logits[1] == pytest.approx(model.text @ inputs.vectors(BASE)[1].astype(float) + model.text_bias)
    assert "falls back to their text alone" in caplog.text


def test_files_bring_the_same_model_back():
    model, inputs = make_stacking(), make_inputs(["1:00", "0:30", None])
    again = read_model(model.files())
    assert (again.logits(inputs) == model.logits(inputs)).all()
    assert again.files() == model.files()


@pytest.mark.slow
@given(st.lists(st.sampled_from(["0:10", "5:00", None, "x"]), min_size=1, max_size=600))
def test_a_text_does_not_depend_on_the_others(lengths):
    model, inputs = make_stacking(), make_inputs(lengths)
    last = np.array([len(lengths) - 1])
    assert (model.logits(inputs.subset(last)) == model.logits(inputs)[last]).all()


def test_an_empty_batch():
    model = make_stacking()
    empty = Inputs([], [], vectors={BASE: np.zeros((0, WIDTH), np.float32)})
    assert model.logits(empty).shape == (0, 2)


def changed(name, place, value):
    files = make_stacking().files()
    arrays = {key: np.array(array) for key, array in load(files[ARRAYS]).items()}
    arrays[name][place] = value
    return {**files, ARRAYS: save(arrays)}


def cut(name):
    files = make_stacking().files()
    arrays = {key: np.array(array) for key, array in load(files[ARRAYS]).items()}
    arrays[name] = arrays[name][1:].copy()
    return {**files, ARRAYS: save(arrays)}


def about(**changes):
    files = make_stacking().files()
    return {**files, ABOUT: json.dumps(json.loads(files[ABOUT]) | changes).encode()}


@pytest.mark.parametrize(
    "files",
    [
        changed("left", 0, 0),  # round in a circle
        changed("right", 3, 0),  # back to an earlier node
        changed("left", 0, 6),
        changed("left", 0, -1),
        changed("right", 1, 2),  # half a leaf
        changed("feature", 0, NUMBERS),
        changed("feature", 0, -1),
        changed("root", 1, 6),
        changed("category", 1, 2),
        changed("missing_left", 0, 2),
        changed("threshold", 0, np.inf),
        changed("value", 1, np.nan),
        *(cut(name) for name in ("base", "root", "category", "value", "left", "axes", "text", "text_bias")),
        about(members=["heads"]),
        about(members=["heads", "heads"]),
        about(members=["linear", "heads"]) | {"heads/extra": b""},
        about(columns=[]),
        about(columns=[{"name": "length", "kind": "duration", "levels": []}] * 2),
        {name: data for name, data in make_stacking().files().items() if not name.startswith("linear/")},
    ],
)
def test_tampered_files_are_refused(files):
    with pytest.raises(ArtifactError):
        read_model(files)


def test_text_models_are_not_asked_again_when_only_features_change(monkeypatch):
    model, asked = make_stacking(), []
    plain = LinearModel.logits
    monkeypatch.setattr(LinearModel, "logits", lambda self, inputs: asked.append(1) or plain(self, inputs))
    inputs = make_inputs([30, 90])
    first = model.logits(inputs)
    swapped = model.logits(inputs.with_features([{"length": 90}, {"length": 30}]))
    assert len(asked) == 1
    assert swapped.tolist() == model.logits(make_inputs([90, 30])).tolist()
    assert swapped.tolist() != first.tolist()
    model.logits(inputs.subset(np.array([1])))
    assert len(asked) == 3, "other texts are other opinions"
