"""Kernel ridge regression and neighbours, against scikit-learn and against fits by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import NearestNeighbors

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.train.kinds.heads import anchors
from rubricator.train.kinds.heads.anchors import fit_anchors

ROWS, WIDTH = 90, 12
RNG = np.random.default_rng(4)
TARGETS = np.column_stack([RNG.random(ROWS) < share for share in (0.5, 0.3, 0.2)]).astype(float)
RAW = TARGETS @ RNG.normal(size=(3, WIDTH)) + RNG.normal(scale=0.8, size=(ROWS, WIDTH))
VECTORS = (RAW / np.linalg.norm(RAW, axis=1, keepdims=True)).astype(np.float32)
FOLDS = np.arange(ROWS) % 3
ONES = np.ones(ROWS)


def fit(targets=TARGETS, weights=ONES, vectors=VECTORS, folds=FOLDS):
    return fit_anchors(vectors, targets, weights, folds=folds, encoder=BASE, seed=0)


def logits(fitted, vectors=VECTORS, *, kernel_share=1.0):
    model = replace(fitted.model, kernel_share=kernel_share)
    return model.logits(Inputs([""] * len(vectors), vectors={BASE: vectors}))


def by_scikit_learn(model, rows, targets, weights=ONES):
    """Logits of all texts by a machine that saw `rows`; centre and mean are those of all texts."""
    mean = np.average(targets[weights > 0], axis=0, weights=weights[weights > 0])
    machine = KernelRidge(alpha=0.1, kernel="rbf", gamma=model.gamma)
    machine.fit(VECTORS[rows].astype(float), 2 * (targets[rows] - mean), sample_weight=weights[rows])
    return machine.predict(VECTORS.astype(float)) + 2 * mean - 1


def test_the_kernel_machine_is_scikit_learns():
    fitted = fit()
    expected = by_scikit_learn(fitted.model, np.arange(ROWS), TARGETS)
    np.testing.assert_allclose(logits(fitted), expected, atol=1e-4)
    kernel = anchors._kernel(VECTORS, VECTORS[:7], fitted.model.gamma)
    np.testing.assert_allclose(
        kernel,
        rbf_kernel(VECTORS.astype(float), VECTORS[:7].astype(float), gamma=fitted.model.gamma),
        atol=1e-6,
    )


def test_the_width_of_the_kernel_follows_the_spread_of_the_vectors():
    distance = ((VECTORS - VECTORS.mean(axis=0)) ** 2).sum(axis=1).mean()
    assert fit().model.gamma == pytest.approx(0.6 / distance, rel=1e-5)


@pytest.mark.parametrize("soft", [False, True])
def test_held_out_logits_are_of_machines_that_saw_the_other_folds(soft):
    targets = np.clip(TARGETS * 0.8 + 0.07, 0, 1) if soft else TARGETS
    weights = np.where(np.arange(ROWS) % 7 == 0, 0.0, RNG.uniform(0.2, 1.5, ROWS))
    fitted = fit(targets, weights)
    for fold in range(3):
        rows = np.flatnonzero((fold != FOLDS) & (weights > 0))
        expected = by_scikit_learn(fitted.model, rows, targets, weights)
        np.testing.assert_allclose(fitted.oof_kernel[fold == FOLDS], expected[fold == FOLDS], atol=1e-4)


def test_held_out_neighbours_lie_in_other_folds():
    fitted = fit()
    centred = VECTORS - fitted.model.centre
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    for fold in range(3):
        others = np.flatnonzero(fold != FOLDS)
        cosine = NearestNeighbors(n_neighbors=15, metric="cosine").fit(unit[others])
        distances, found = cosine.kneighbors(unit[fold == FOLDS])
        counts = np.exp((distances[:, :1] - distances) / 0.1)
        having = (counts[:, :, None] * TARGETS[others][found]).sum(axis=1) + 0.5 * TARGETS[others].mean(
            axis=0
        )
        share = having / (counts.sum(axis=1, keepdims=True) + 0.5)
        expected = np.log(share / (1 - share))
        np.testing.assert_allclose(fitted.oof_neighbours[fold == FOLDS], expected, atol=1e-3)


def test_labels_of_a_fold_do_not_move_what_its_neighbours_say_of_it():
    turned = np.where(FOLDS[:, None] == 1, 1 - TARGETS, TARGETS)
    before, after = fit().oof_neighbours, fit(turned).oof_neighbours
    assert (before[FOLDS == 1] == after[FOLDS == 1]).all()
    assert (before[FOLDS != 1] != after[FOLDS != 1]).any()


@pytest.mark.parametrize("kernel_share", [1.0, 0.5])
def test_a_new_category_leaves_the_others_bit_identical(kernel_share):
    few, many = fit(TARGETS[:, :2]), fit(TARGETS)
    assert (many.model.dual[:, :2] == few.model.dual).all()
    assert (many.oof_kernel[:, :2] == few.oof_kernel).all()
    assert (many.oof_neighbours[:, :2] == few.oof_neighbours).all()
    served = [logits(fitted, kernel_share=kernel_share) for fitted in (few, many)]
    assert (served[1][:, :2] == served[0]).all()
    alone = fit(TARGETS[:, :1])
    assert (many.model.dual[:, :1] == alone.model.dual).all()
    assert (served[1][:, :1] == logits(alone, kernel_share=kernel_share)).all()


def test_a_weight_of_two_counts_like_the_text_twice():
    heavy = np.where(np.arange(ROWS) < 20, 2.0, 1.0)
    again = np.concatenate([np.arange(ROWS), np.arange(20)])
    once = fit(weights=heavy)
    twice = fit(TARGETS[again], np.ones(len(again)), VECTORS[again], FOLDS[again])
    # Nearly: centre and spread of the vectors take every text alike.
    apart = np.abs(logits(once) - logits(twice)).max()
    assert apart < 0.2 * np.abs(logits(once) - logits(fit())).max()


def test_texts_without_weight_are_as_good_as_absent():
    weights = np.where(np.arange(ROWS) < 60, 1.0, 0.0)
    spoilt = np.where(weights[:, None] > 0, TARGETS, 1 - TARGETS)
    with_idle, without = fit(spoilt, weights), fit(TARGETS[:60], ONES[:60], VECTORS[:60], FOLDS[:60])
    assert len(with_idle.model.anchors) == 60
    np.testing.assert_allclose(with_idle.model.dual, without.model.dual, atol=1e-9)
    np.testing.assert_allclose(with_idle.oof_neighbours[:60], without.oof_neighbours, atol=1e-6)
    assert np.isfinite(with_idle.oof_kernel).all()
    assert np.isfinite(with_idle.oof_neighbours).all()


def test_landmarks_that_are_all_texts_give_the_exact_machine(monkeypatch):
    exact = fit()
    monkeypatch.setattr(anchors, "KEPT", 10)
    monkeypatch.setattr(anchors, "LANDMARKS", ROWS)
    spanned = fit()
    assert spanned.oof_neighbours is None
    np.testing.assert_allclose(logits(spanned), logits(exact), atol=1e-3)
    # Of a fold that is held out the exact machine has no anchors, the spanned one has.
    assert np.corrcoef(spanned.oof_kernel.ravel(), exact.oof_kernel.ravel())[0, 1] > 0.99


def test_few_landmarks_say_nearly_the_same_and_only_they_are_kept(monkeypatch):
    exact = fit()
    monkeypatch.setattr(anchors, "KEPT", 10)
    monkeypatch.setattr(anchors, "LANDMARKS", 45)
    monkeypatch.setattr(anchors, "_BLOCK", 16)
    spanned = fit()
    assert spanned.model.anchors.shape == (45, WIDTH)
    assert np.corrcoef(logits(spanned).ravel(), logits(exact).ravel())[0, 1] > 0.95
    again = fit()
    assert (again.model.dual == spanned.model.dual).all(), "drawn by the seed"


def test_landmarks_keep_categories_apart_too(monkeypatch):
    monkeypatch.setattr(anchors, "KEPT", 10)
    monkeypatch.setattr(anchors, "LANDMARKS", 45)
    few, many = fit(TARGETS[:, :2]), fit(TARGETS)
    assert (many.model.dual[:, :2] == few.model.dual).all()
    assert (many.oof_kernel[:, :2] == few.oof_kernel).all()


def test_landmarks_respect_weights(monkeypatch):
    monkeypatch.setattr(anchors, "KEPT", 10)
    monkeypatch.setattr(anchors, "LANDMARKS", 40)
    weights = np.where(np.arange(ROWS) < 60, 0.5, 0.0)
    spoilt = np.where(weights[:, None] > 0, TARGETS, 1 - TARGETS)
    first, second = fit(TARGETS, weights), fit(spoilt, weights)
    np.testing.assert_allclose(first.model.dual, second.model.dual)
    assert np.isfinite(first.oof_kernel).all(), "texts without weight are predicted as well"


def test_equal_vectors_and_one_sided_categories_give_finite_logits():
    same = np.tile(VECTORS[:1], (ROWS, 1))
    nobody = np.column_stack([TARGETS[:, 0], np.zeros(ROWS), np.ones(ROWS)])
    fitted = fit(nobody, vectors=same)
    for found in (fitted.oof_kernel, fitted.oof_neighbours, logits(fitted, same, kernel_share=0.5)):
        assert np.isfinite(found).all()
    assert (fitted.oof_kernel[:, 1] < 0).all()
    assert (fitted.oof_kernel[:, 2] > 0).all()
