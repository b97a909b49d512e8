"""What labelled texts that the model keeps say of a new one."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save
from scipy.special import logit

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.models.anchors import PRIOR, AnchorsModel
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.registry import read_model


def unit(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    vectors = rng.normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def model(
    anchors: int = 30, categories: int = 3, *, width: int = 8, share: float = 0.4, seed: int = 0
) -> AnchorsModel:
    rng = np.random.default_rng(seed)
    vectors = unit(rng, anchors, width)
    columns = [
        (np.random.default_rng([seed, column]).random(anchors) < 0.3, column) for column in range(categories)
    ]
    return AnchorsModel(
        anchors=vectors,
        centre=unit(rng, 5, width).mean(axis=0, dtype=np.float64),
        counts=rng.uniform(0.2, 1, anchors),
        targets=np.stack([having for having, _ in columns], axis=1).astype(np.float32),
        dual=np.stack([np.random.default_rng([seed, c, 1]).normal(size=anchors) for _, c in columns], axis=1),
        intercept=np.linspace(-1, 1, 9)[:categories].copy(),
        gamma=0.7,
        neighbours=5,
        warmth=0.1,
        kernel_share=share,
    )


def fewer(of: AnchorsModel, categories: int) -> AnchorsModel:
    cut = {name: getattr(of, name)[:, :categories].copy() for name in ("targets", "dual")}
    return replace(of, **cut, intercept=of.intercept[:categories].copy())


def seen(vectors: np.ndarray) -> Inputs:
    return Inputs([""] * len(vectors), vectors={BASE: vectors})


def by_hand(model: AnchorsModel, vector: np.ndarray) -> np.ndarray:
    """The formulas of the class, text by text and anchor by anchor."""
    exact, anchors = vector.astype(float), model.anchors.astype(float)
    kernel = model.intercept.copy()
    for anchor, dual in zip(anchors, model.dual, strict=True):
        kernel += dual * np.exp(-model.gamma * ((exact - anchor) ** 2).sum())

    def cosine(anchor: np.ndarray) -> float:
        a, b = exact - model.centre, anchor - model.centre
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    nearest = sorted(range(len(anchors)), key=lambda row: -cosine(anchors[row]))[: model.neighbours]
    first = cosine(anchors[nearest[0]])
    counts = {
        row: model.counts[row] * np.exp((cosine(anchors[row]) - first) / model.warmth) for row in nearest
    }
    everywhere = model.counts @ model.targets / model.counts.sum()
    having = sum(count * model.targets[row].astype(float) for row, count in counts.items())
    share = (having + PRIOR * everywhere) / (sum(counts.values()) + PRIOR)
    return model.kernel_share * kernel + (1 - model.kernel_share) * logit(np.clip(share, 1e-3, 1 - 1e-3))


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("anchors", [1, 4, 30])
def test_logits_are_those_of_the_formulas(share, anchors):
    some = model(anchors, share=share)
    texts = unit(np.random.default_rng(1), 6, 8)
    expected = [by_hand(some, text) for text in texts]
    np.testing.assert_allclose(some.logits(seen(texts)), expected, rtol=1e-4, atol=1e-5)


@given(
    texts=st.integers(1, 20),
    anchors=st.integers(1, 60),
    width=st.integers(1, 70),
    categories=st.integers(1, 9),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 9),
)
def test_a_logit_depends_on_its_text_and_category_alone(texts, anchors, width, categories, share, seed):
    whole = model(anchors, categories, width=width, share=share, seed=seed)
    vectors = unit(np.random.default_rng(seed + 100), texts, width)
    together = whole.logits(seen(vectors))
    row = texts // 2
    assert (whole.logits(seen(vectors[row : row + 1])) == together[row]).all()
    for some in {1, categories // 2 or 1}:
        assert (fewer(whole, some).logits(seen(vectors)) == together[:, :some]).all()


def test_no_texts_give_no_rows():
    assert model().logits(seen(np.zeros((0, 8), np.float32))).shape == (0, 3)


def test_a_text_that_equals_the_centre_has_finite_logits():
    some = model()
    vectors = np.stack([some.centre, np.zeros(8)]).astype(np.float32)
    assert np.isfinite(some.logits(seen(vectors))).all()


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_it_survives_its_files_to_the_last_bit(share):
    some = model(share=share)
    again = read_model(some.files())
    vectors = unit(np.random.default_rng(2), 12, 8)
    assert isinstance(again, AnchorsModel)
    np.testing.assert_array_equal(again.logits(seen(vectors)), some.logits(seen(vectors)))
    assert again.files() == some.files()


def arrays(change):
    """A change of one array in the files of a model."""

    def tampered(files):
        inside = load(files["arrays.safetensors"])
        change(inside)
        files["arrays.safetensors"] = save({name: np.ascontiguousarray(a) for name, a in inside.items()})

    return tampered


def about(**changed):
    def tampered(files):
        files["model.json"] = json.dumps(json.loads(files["model.json"]) | changed).encode()

    return tampered


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (arrays(lambda a: a.update(dual=a["dual"][:-1])), "dual has the shape 29 × 3 instead of 30 anchors"),
        (
            arrays(lambda a: a.update(targets=a["targets"][:, :2])),
            "has the shape 30 × 3 instead of 30 anchors × 2 categories",
        ),
        (arrays(lambda a: a.update(centre=a["centre"][:5])), "centre has the shape 5 instead of 8 width"),
        (arrays(lambda a: a.update(counts=np.full(30, np.nan))), "counts holds numbers that are not finite"),
        (arrays(lambda a: a.update(anchors=a["anchors"] * np.float32(np.inf))), "not finite"),
        (arrays(lambda a: a.update(anchors=a["anchors"].astype(np.float64))), "type F64 instead of F32"),
        (arrays(lambda a: a.update(more=a["centre"])), "'more'"),
        (arrays(lambda a: a.pop("intercept")), "instead of"),
        (arrays(lambda a: a.update(counts=-a["counts"])), "counts"),
        (arrays(lambda a: a.update(counts=0 * a["counts"])), "counts"),
        (arrays(lambda a: a.update(targets=a["targets"] + 1)), "targets"),
        (
            arrays(lambda a: a.update({n: a[n][:0] for n in ("anchors", "counts", "targets", "dual")})),
            "anchors",
        ),
        (about(gamma=-1.0), "gamma"),
        (about(gamma=1e999), "gamma"),
        (about(neighbours=0), "neighbours"),
        (about(warmth=0.0), "warmth"),
        (about(kernel_share=1.5), "kernel_share"),
        (about(temperature=2.0), "temperature"),
        (about(encoder="../base"), "encoder"),
        (lambda files: files.pop("arrays.safetensors"), "consists of"),
    ],
)
def test_files_that_were_changed_are_refused(tamper, said):
    files = dict(model().files())
    tamper(files)
    with pytest.raises(ArtifactError, match=said):
        read_model(files)


def test_members_that_ask_one_encoder_for_two_widths_are_refused():
    members = (model(width=8), model(width=9))
    whole = EnsembleModel(members, np.full(2, 0.5), np.ones((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ArtifactError, match="width"):
        read_model(whole.files())
