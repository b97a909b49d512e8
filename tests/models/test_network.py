import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.models.features import Column, FeatureTable
from rubricator.models.network import NetworkModel
from rubricator.models.registry import read_model
from rubricator.models.serialization import ABOUT, ARRAYS

COLUMNS = (
    Column(name="length", kind="duration"),
    Column(name="slot", kind="categorical", levels=["evening", "morning"]),
)
WIDTH, UNITS, CATEGORIES = 4, 3, 2
INPUTS = WIDTH + 4 + 2


def make_network(seed=0):
    rng = np.random.default_rng(seed)
    return NetworkModel(
        table=FeatureTable(COLUMNS),
        centre=rng.normal(size=INPUTS),
        scale=rng.uniform(0.5, 2, size=INPUTS),
        hidden=rng.normal(size=(UNITS, INPUTS)),
        hidden_bias=rng.normal(size=UNITS),
        heads=rng.normal(size=(CATEGORIES, UNITS + INPUTS)),
        heads_bias=rng.normal(size=CATEGORIES),
        text=rng.normal(size=(CATEGORIES, WIDTH)),
        text_bias=rng.normal(size=CATEGORIES),
    )


def make_inputs(rows=5, features=None, seed=1):
    rng = np.random.default_rng(seed)
    full = [{"length": f"0:{10 + i}", "slot": ("evening", "noon")[i % 2]} for i in range(rows)]
    vectors = rng.normal(size=(rows, WIDTH)).astype(np.float32)
    return Inputs(
        [f"text {i}" for i in range(rows)], full if features is None else features, vectors={BASE: vectors}
    )


def test_says_what_it_needs():
    network = make_network()
    assert network.encoders == {BASE: WIDTH}
    assert network.columns == ("length", "slot")
    assert network.categories == CATEGORIES


def test_the_arithmetic_is_that_of_the_layers():
    network, inputs = make_network(), make_inputs(1)
    numbers, missing = network.table.transform(inputs.features)
    seen = np.concatenate([inputs.vectors(BASE)[0], numbers[0], missing[0]])
    seen = np.clip((seen - network.centre) * network.scale, -10, 10)
    units = np.maximum(network.hidden @ seen + network.hidden_bias, 0)
    logits = network.heads @ np.concatenate([units, seen]) + network.heads_bias
    assert network.logits(inputs)[0] == pytest.approx(logits)


def test_files_bring_the_same_model_back():
    network, inputs = make_network(), make_inputs()
    again = read_model(network.files())
    assert (again.logits(inputs) == network.logits(inputs)).all()
    assert again.files() == network.files()


@given(st.integers(1, 9), st.data())
def test_a_text_does_not_depend_on_the_others(rows, data):
    network, inputs = make_network(), make_inputs(rows)
    picked = np.array(data.draw(st.lists(st.integers(0, rows - 1), min_size=1, max_size=4)))
    assert (network.logits(inputs.subset(picked)) == network.logits(inputs)[picked]).all()


def test_a_text_without_features_is_answered_from_its_vector_with_one_warning(caplog):
    network = make_network()
    some = make_inputs(2, [{"length": "1:00", "slot": None}, {"length": None, "slot": ""}])
    with caplog.at_level(logging.WARNING):
        logits, _ = (network.logits(some) for _ in range(2))
    alone = network.text @ some.vectors(BASE)[1].astype(float) + network.text_bias
    assert logits[1] == pytest.approx(alone)
    assert logits[0] != pytest.approx(network.text @ some.vectors(BASE)[0].astype(float) + network.text_bias)
    (told,) = caplog.messages
    assert "1 text has none of the features length, slot" in told
    assert "falls back to their text alone" in told


def test_predicting_without_columns_falls_back_too(caplog):
    network, inputs = make_network(), make_inputs(3, [{}] * 3)
    with caplog.at_level(logging.WARNING):
        logits = network.logits(inputs)
    assert logits == pytest.approx(inputs.vectors(BASE) @ network.text.T + network.text_bias)
    assert len(caplog.messages) == 1


def test_an_empty_batch():
    assert make_network().logits(make_inputs(0)).shape == (0, CATEGORIES)


def changed(name, change):
    arrays = {key: np.array(value) for key, value in load(make_network().files()[ARRAYS]).items()}
    arrays[name] = change(arrays[name])
    return {**make_network().files(), ARRAYS: save(arrays)}


@pytest.mark.parametrize(
    "files",
    [
        changed("hidden", lambda a: a[:, 1:].copy()),
        changed("heads", lambda a: a[1:].copy()),
        changed("text", lambda a: a[1:].copy()),
        changed("centre", lambda a: a[1:].copy()),
        changed("scale", lambda a: a * np.nan),
        changed("text_bias", lambda a: a.astype(np.float32)),
        {**make_network().files(), "more": b""},
        {ABOUT: make_network().files()[ABOUT]},
        {**make_network().files(), ABOUT: make_network().files()[ABOUT].replace(b"duration", b"numerals")},
        {**make_network().files(), ABOUT: make_network().files()[ABOUT].replace(b"morning", b"evening")},
        {**make_network().files(), ABOUT: make_network().files()[ABOUT].replace(b"slot", b"length")},
        {**make_network().files(), ABOUT: b'{"kind": "network", "columns": []}'},
    ],
)
def test_tampered_files_are_refused(files):
    with pytest.raises(ArtifactError):
        read_model(files)
