import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from rubricator.label_space import LabelSpace
from rubricator.train.calibration.rule import cross_decide, fit_rule
from rubricator.train.calibration.thresholds import fit_thresholds, scarce


def drawn(rows, categories, *, slope=1.0, seed=0):
    """Logits whose true probabilities are sigmoid(logit), and targets drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1, 2, size=(rows, categories))
    targets = (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(float)
    return logits / slope, targets


def log_loss(probabilities, targets):
    p = np.clip(probabilities, 1e-9, 1 - 1e-9)
    return -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean()


def test_overconfident_logits_are_calmed():
    logits, targets = drawn(2000, 2, slope=0.25)
    rule = fit_rule(
        logits[:1000],
        targets[:1000],
        np.ones(1000),
        space=LabelSpace.of_size(logits.shape[1], single=False),
    )
    assert rule.slope == pytest.approx([0.25, 0.25], rel=0.25)
    plain = 1 / (1 + np.exp(-logits[1000:]))
    assert log_loss(rule.probabilities(logits[1000:]), targets[1000:]) < log_loss(plain, targets[1000:]) - 0.1


def test_two_positives_do_not_overrule_the_identity():
    logits, targets = np.linspace(-6, 1, 40)[:, None], np.zeros((40, 1))
    targets[[0, 39]] = 1
    rule = fit_rule(logits, targets, np.ones(40), space=LabelSpace.of_size(logits.shape[1], single=False))
    assert 0.2 < rule.slope[0] < 2
    assert abs(rule.intercept[0]) < 1


def test_a_category_without_positives_keeps_a_usable_rule():
    logits, targets = drawn(50, 2)
    targets[:, 1] = 0
    rule = fit_rule(logits, targets, np.ones(50), space=LabelSpace.of_size(logits.shape[1], single=False))
    assert rule.threshold[1] == 0.5
    assert np.isfinite(rule.slope).all()


def test_no_validation_text_gives_the_identity():
    rule = fit_rule(
        np.empty((0, 2)), np.empty((0, 2)), np.empty(0), space=LabelSpace.of_size(2, single=False)
    )
    assert rule.slope.tolist() == [1, 1]
    assert rule.threshold.tolist() == [0.5, 0.5]


def test_single_label_shares_one_slope_and_finds_it():
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, size=(2000, 4))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.eye(4)[[rng.choice(4, p=share) for share in shares]]
    rule = fit_rule(
        logits * 4, targets, np.ones(2000), space=LabelSpace.of_size(logits.shape[1], single=True)
    )
    assert rule.space.single
    assert len(set(rule.slope)) == 1
    assert rule.slope[0] == pytest.approx(0.25, rel=0.1)
    assert rule.probabilities(logits).sum(axis=1) == pytest.approx(np.ones(2000))


def test_weights_equal_repetition():
    logits, targets = drawn(40, 2)
    double = np.concatenate([np.arange(40), np.arange(20)])
    weights = np.where(np.arange(40) < 20, 2.0, 1.0)
    weighted = fit_rule(logits, targets, weights, space=LabelSpace.of_size(logits.shape[1], single=False))
    repeated = fit_rule(
        logits[double], targets[double], np.ones(60), space=LabelSpace.of_size(logits.shape[1], single=False)
    )
    assert weighted.slope == pytest.approx(repeated.slope, abs=1e-3)
    assert weighted.threshold == pytest.approx(repeated.threshold, abs=1e-3)


def test_rows_without_weight_say_nothing():
    logits, targets = drawn(60, 2)
    weights = np.where(np.arange(60) < 30, 1.0, 0.0)
    assert (
        fit_rule(logits, targets, weights, space=LabelSpace.of_size(logits.shape[1], single=False)).threshold
        == fit_rule(
            logits[:30], targets[:30], np.ones(30), space=LabelSpace.of_size(logits.shape[1], single=False)
        ).threshold
    ).all()


def test_a_new_category_leaves_the_rule_of_the_others():
    logits, targets = drawn(80, 3)
    small = fit_rule(logits[:, :2], targets[:, :2], np.ones(80), space=LabelSpace.of_size(2, single=False))
    large = fit_rule(logits, targets, np.ones(80), space=LabelSpace.of_size(logits.shape[1], single=False))
    for name in ("slope", "intercept", "threshold"):
        assert (getattr(large, name)[:2] == getattr(small, name)).all()


def test_with_many_positives_the_threshold_is_about_the_best_there_is():
    rng = np.random.default_rng(2)
    p = rng.beta(0.5, 2, size=(4000, 1))
    targets = (rng.random(p.shape) < p).astype(float)
    threshold = fit_thresholds(p, targets, np.ones(4000))[0]
    reached = f1_score(targets[:, 0], p[:, 0] >= threshold)
    best = max(f1_score(targets[:, 0], p[:, 0] >= t) for t in np.linspace(0.05, 0.9, 60))
    assert reached > best - 0.01
    # Lipton et al.: the best threshold of calibrated probabilities is half the F1 it reaches.
    assert threshold == pytest.approx(best / 2, abs=0.05)


def test_one_odd_positive_does_not_drag_the_threshold_down():
    p = np.concatenate([np.full(50, 0.01), [0.02], np.full(3, 0.9)])[:, None]
    targets = np.concatenate([np.zeros(50), [1], np.ones(3)])[:, None]
    assert fit_thresholds(p, targets, np.ones(54))[0] > 0.1


def test_a_threshold_never_stands_between_equal_probabilities():
    p = np.repeat([0.5, 0.1], [400, 300])[:, None]
    targets = np.repeat([1.0, 0.0], [200, 500])[:, None]
    assert fit_thresholds(p, targets, np.ones(700))[0] == pytest.approx(0.3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.8]), st.booleans()), min_size=1, max_size=30),
    st.randoms(),
)
def test_thresholds_do_not_depend_on_the_order_of_texts(rows, random):
    mixed = random.sample(rows, len(rows))
    first, second = (
        fit_thresholds(
            np.array([[p] for p, _ in some]), np.array([[float(t)] for _, t in some]), np.ones(len(some))
        )
        for some in (rows, mixed)
    )
    assert first == pytest.approx(second)
    assert 0 < first[0] < 1


def test_scarce_positives_are_told():
    targets = np.zeros((30, 3))
    targets[:3, 1] = 1
    targets[:20, 2] = 1
    assert not any("threshold" in note for note in scarce(targets, np.ones(30), fitted=False).values())
    notes = scarce(targets, np.ones(30), fitted=True)
    assert set(notes) == {0, 1}
    assert "no positive" in notes[0]
    assert "only 3 positive" in notes[1]


def test_cross_decide_never_uses_the_fold_it_decides():
    logits, targets = drawn(60, 2)
    folds = np.arange(60) % 3
    before, _ = cross_decide(
        logits, targets, np.ones(60), folds, space=LabelSpace.of_size(logits.shape[1], single=False)
    )
    held = folds == 1
    turned = np.where(held[:, None], 1 - targets, targets)
    after, decisions = cross_decide(
        logits, turned, np.ones(60), folds, space=LabelSpace.of_size(logits.shape[1], single=False)
    )
    assert (before[held] == after[held]).all()
    assert (before[~held] != after[~held]).any()
    assert decisions.dtype == bool
