"""Few texts teach a rare category what all of them would."""

import numpy as np
import pytest

from rubricator.train.logistic import fit_logistic
from rubricator.train.search import case_control
from rubricator.train.search.case_control import draw_cases


def corpus(size, seed=0):
    """Features, and probabilities of a common and a rare category."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(size, 4))
    logits = x @ np.array([[2.0, 0.5], [0.0, 2.0], [-1.0, 0.0], [0.0, 0.0]]) - np.array([1.0, 6.0])
    return x, 1 / (1 + np.exp(-logits))


def test_few_texts_are_all_drawn_and_stand_for_themselves():
    _, targets = corpus(1000)
    rows = np.arange(1000) % 3 > 0
    sample = draw_cases(targets, rows, np.zeros(1000, bool), seed=1)
    np.testing.assert_array_equal(sample.drawn, rows)
    assert (sample.stands_for == 1).all()


def test_those_that_have_a_rare_category_and_those_people_labelled_are_drawn_and_sums_hold():
    _, targets = corpus(40_000)
    rows = np.random.default_rng(2).random(40_000) < 0.9
    kept = np.random.default_rng(3).random(40_000) < 0.002
    sample = draw_cases(targets, rows, kept, seed=1)
    assert not (sample.drawn & ~rows).any()
    surely = rows & (kept | (targets[:, 1] >= 0.5))
    assert sample.drawn[surely].all()
    assert (sample.stands_for[surely] == 1).all()
    assert case_control.TEXTS < sample.drawn.sum() < 4500
    counts = sample.stands_for * sample.drawn
    for part in (rows, rows & (targets[:, 0] >= 0.5), rows & (targets < 0.05).all(axis=1)):
        # Five standard errors of a Horvitz–Thompson sum.
        error = np.sqrt((sample.drawn[part] * sample.stands_for[part] * (sample.stands_for[part] - 1)).sum())
        assert abs(counts[part].sum() - part.sum()) < 5 * error + 1


@pytest.mark.parametrize("weighted", [True, False])
def test_what_is_learnt_is_about_all_texts_because_drawn_ones_count_for_others(weighted):
    x, probabilities = corpus(20_000, seed=4)
    targets = (np.random.default_rng(5).random(probabilities.shape) < probabilities).astype(float)[:, 1:]
    sample = draw_cases(targets, np.ones(20_000, bool), np.zeros(20_000, bool), seed=1)
    drawn = np.flatnonzero(sample.drawn)
    assert len(drawn) < 4000

    def line(rows, weights):
        fit = fit_logistic(x[rows], targets[rows], weights, folds=np.arange(len(rows)) % 3, grid=[10.0])
        return np.append(fit.coef[0], fit.intercept[0])

    everything = line(np.arange(20_000), np.ones(20_000))
    some = line(drawn, sample.stands_for[drawn] if weighted else np.ones(len(drawn)))
    alike = np.abs(some - everything).max() < 0.25
    assert alike == weighted
