import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from rubricator.errors import TrainingError
from rubricator.train.logistic import fit_logistic

RNG = np.random.default_rng(5)
X = RNG.normal(size=(80, 6))
SHARE = 1 / (1 + np.exp(-2 * X[:, 0] + X[:, 1]))
HARD = (RNG.random(80) < SHARE).astype(float)
FOLDS = np.arange(80) % 4


def lines(targets, *, x=X, weights=None, grid=(1.0,)):
    weights = np.ones(len(targets)) if weights is None else weights
    return fit_logistic(x, targets, weights, folds=FOLDS[: len(targets)], grid=grid)


def test_soft_targets_equal_weighted_duplicates_in_scikit_learn():
    weights = RNG.uniform(0.1, 1, 80)
    ours = lines(SHARE[:, None], weights=weights)
    both = np.concatenate([weights * SHARE, weights * (1 - SHARE)])
    theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(
        np.vstack([X, X]), np.repeat([1, 0], 80), sample_weight=both
    )
    assert ours.coef == pytest.approx(theirs.coef_, abs=1e-3)
    assert ours.intercept == pytest.approx(theirs.intercept_, abs=1e-3)


def test_sparse_features_give_the_same_lines():
    dense, sparse = lines(HARD[:, None]), lines(HARD[:, None], x=csr_array(X))
    assert sparse.coef == pytest.approx(dense.coef, abs=1e-3)


def test_a_new_category_leaves_the_others_bit_identical():
    grid = (0.1, 1.0, 10.0)
    alone = lines(np.stack([HARD, SHARE], axis=1), grid=grid)
    joined = lines(np.stack([HARD, SHARE, 1 - HARD], axis=1), grid=grid)
    assert (joined.coef[:2] == alone.coef).all()
    assert (joined.intercept[:2] == alone.intercept).all()
    assert (joined.c[:2] == alone.c).all()


def test_noise_is_regularised_more_than_signal():
    # With this many features any line fits the noise, so only rows left out can tell.
    rng = np.random.default_rng(1)
    wide = rng.normal(size=(80, 60))
    noise = rng.integers(0, 2, 80).astype(float)
    clear = (wide[:, :20].sum(axis=1) > 0).astype(float)
    chosen = lines(np.stack([noise, clear], axis=1), x=wide, grid=(0.0001, 0.01, 1.0)).c
    assert chosen[0] == 0.0001
    assert chosen[1] > 0.0001


def test_one_fold_is_an_error_with_a_fix():
    with pytest.raises(TrainingError, match="one fold"):
        fit_logistic(X, HARD[:, None], np.ones(80), folds=np.zeros(80, int), grid=(0.1, 1.0, 10.0))


def test_held_out_logits_never_saw_their_fold():
    folds = np.arange(80) % 4
    held = folds == 2
    turned = np.where(held, 1 - HARD, HARD)
    before, after = (
        fit_logistic(X, target[:, None], np.ones(80), folds=folds, grid=(1.0,)).oof_logits
        for target in (HARD, turned)
    )
    assert (before[held] == after[held]).all()
    assert (before[~held] != after[~held]).any()


def test_few_texts_with_many_terms_get_the_lines_of_the_unrotated_problem():
    rng = np.random.default_rng(3)
    terms = csr_array(rng.random((40, 300)) * (rng.random((40, 300)) < 0.1))
    target, folds = (rng.random((40, 2)) < 0.4).astype(float), np.arange(40) % 4
    weights = np.where(np.arange(40) < 36, 1.0, 0.0)
    rotated = fit_logistic(terms, target, weights, folds=folds, grid=(10.0,))
    direct = fit_logistic(terms.toarray(), target, weights, folds=folds, grid=(10.0,))
    np.testing.assert_allclose(rotated.coef, direct.coef, atol=1e-3)
    np.testing.assert_allclose(rotated.oof_logits, direct.oof_logits, atol=1e-2)


@pytest.mark.parametrize(("value", "word"), [(0.0, "negative"), (1.0, "positive")])
def test_one_sided_category_becomes_its_prior_with_a_note(value, word):
    found = lines(np.stack([HARD, np.full(80, value)], axis=1), grid=(0.1, 1.0))
    assert not found.coef[1].any()
    share = 1 / (1 + np.exp(-found.intercept[1]))
    assert share == pytest.approx((80 * value + 1) / 82)
    assert list(found.notes) == [1]
    assert word in found.notes[1]


def test_a_single_positive_is_no_trouble():
    target = np.zeros((80, 1))
    target[7] = 1
    found = lines(target, grid=(0.1, 1.0))
    assert np.isfinite(found.coef).all()
    assert not found.notes


def test_rows_without_weight_are_as_good_as_absent():
    weights = np.ones(80)
    weights[40:] = 0
    spoilt = HARD.copy()
    spoilt[40:] = 1 - spoilt[40:]
    assert (lines(spoilt[:, None], weights=weights).coef == lines(HARD[:40, None], x=X[:40]).coef).all()


def test_no_weight_at_all_is_an_error_with_a_fix():
    with pytest.raises(TrainingError, match="golden labels"):
        lines(HARD[:, None], weights=np.zeros(80))
