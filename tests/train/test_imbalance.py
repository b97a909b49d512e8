import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples_of
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import check_grad
from sklearn.utils.class_weight import compute_class_weight
from small_examples import make_examples, make_folds

from rubricator.config import Encode, Imbalance, Train
from rubricator.label_space import LabelSpace
from rubricator.stats.losses import pointwise
from rubricator.train.imbalance import (
    all_at_once,
    cell_weights,
    draw_weights,
    offsets,
    row_weights,
    smoothed,
)
from rubricator.train.kinds.heads import fit_heads
from rubricator.train.kinds.linear.fit import fit_linear
from rubricator.train.logistic import fit_logistic
from rubricator.train.training_context import TrainingContext

SHARES = st.floats(0, 1, width=16)
TARGETS = arrays.arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=SHARES)
LABELS = np.repeat([0, 1, 2], [6, 3, 1])
ONE_HOT = np.eye(3)[LABELS]


def space(single):
    return LabelSpace.of_size(3, single=single)


@examples_of(max_examples=50, deadline=None)
@given(TARGETS, st.booleans(), st.randoms())
def test_settings_that_are_off_change_nothing_to_the_last_bit(targets, single, random):
    weights, off = np.array([random.random() for _ in targets]), Imbalance()
    assert (row_weights(targets, weights, off, space=space(single)) == weights).all()
    assert (cell_weights(targets, weights, off, space=space(single)) == weights[:, None]).all()
    assert (smoothed(targets, off, space=space(single)) == targets).all()
    assert not offsets(targets, weights, off, space=space(single)).any()


@examples_of(max_examples=50, deadline=None)
@given(
    TARGETS,
    st.booleans(),
    st.sampled_from(["balanced", "effective"]),
    st.sampled_from(["none", "probability"]),
    st.randoms(),
)
def test_class_weights_are_finite_and_keep_the_total(targets, single, weights, noise, random):
    given_weights = np.array([random.choice([0.0, 0.3, 1.0]) for _ in targets])
    on = Imbalance(weights=weights, noise=noise)
    off = Imbalance(noise=noise)
    for name in (row_weights, cell_weights):
        found = name(targets, given_weights, on, space=space(single))
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        assert (found[given_weights == 0] == 0).all()
        kept = name(targets, given_weights, off, space=space(single))
        if name is cell_weights or single:
            assert found.sum(axis=0) == pytest.approx(kept.sum(axis=0))


def test_balanced_weights_are_scikit_learns():
    theirs = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
    ours = row_weights(ONE_HOT, np.ones(10), Imbalance(weights="balanced"), space=space(True))
    assert ours == pytest.approx(theirs[LABELS])
    cells = cell_weights(ONE_HOT, np.ones(10), Imbalance(weights="balanced"), space=space(False))
    for column, target in enumerate(ONE_HOT.T):
        theirs = compute_class_weight("balanced", classes=np.arange(2), y=target)
        assert cells[:, column] == pytest.approx(theirs[target.astype(int)])


def test_the_effective_number_lies_between_nothing_and_balance():
    def ratio(settings):
        found = row_weights(ONE_HOT, np.ones(10), settings, space=space(True))
        return found[-1] / found[0]

    plain = (1 - 0.9**6) / (1 - 0.9)
    assert ratio(Imbalance(weights="effective", beta=0.9)) == pytest.approx(plain)
    assert ratio(Imbalance(weights="effective", beta=1e-9)) == pytest.approx(1)
    assert ratio(Imbalance(weights="effective", beta=1 - 1e-9)) == pytest.approx(6, rel=1e-3)


def test_a_doubtful_label_counts_by_its_probability():
    targets = np.array([[1.0, 0.0], [0.6, 0.4]])
    noise = Imbalance(noise="probability")
    assert row_weights(targets, np.array([1.0, 0.5]), noise, space=space(True)) == pytest.approx([1, 0.3])
    cells = cell_weights(np.array([[1.0, 0.2]]), np.ones(1), noise, space=space(False))
    assert cells == pytest.approx(np.array([[1.0, 0.8]]))


def test_smoothing_keeps_a_distribution_a_distribution():
    on = Imbalance(label_smoothing=0.3)
    assert smoothed(ONE_HOT, on, space=space(True))[0] == pytest.approx([0.8, 0.1, 0.1])
    assert smoothed(ONE_HOT, on, space=space(False))[0] == pytest.approx([0.85, 0.15, 0.15])


def test_offsets_are_log_shares():
    on = Imbalance(logit_adjustment=2.0)
    assert offsets(ONE_HOT, np.ones(10), on, space=space(True)) == pytest.approx(
        2 * np.log([7 / 13, 4 / 13, 2 / 13])
    )
    assert offsets(ONE_HOT, np.ones(10), on, space=space(False)) == pytest.approx(
        2 * np.log([7 / 5, 4 / 8, 2 / 10])
    )


def test_balanced_drawing_gives_every_category_the_same_chance():
    on = Imbalance(sampling="balanced")
    chances = draw_weights(ONE_HOT, np.ones(10), on, space=space(True))
    assert [chances[category == LABELS].sum() for category in range(3)] == pytest.approx([1 / 3] * 3)
    several = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    chances = draw_weights(several, np.ones(6), on, space=space(False))
    assert chances == pytest.approx([1 / 6, 1 / 6, 1 / 3, 1 / 9, 1 / 9, 1 / 9])


def test_texts_without_weight_are_never_drawn():
    weights = np.where(np.arange(10) < 9, 1.0, 0.0)
    for sampling in ("none", "balanced"):
        chances = draw_weights(ONE_HOT, weights, Imbalance(sampling=sampling), space=space(True))
        assert chances[-1] == 0
        assert chances.sum() == pytest.approx(1)


def test_where_nothing_is_drawn_sampling_is_weighing():
    assert all_at_once(Imbalance(sampling="balanced")).weights == "balanced"
    assert all_at_once(Imbalance(sampling="balanced", weights="effective")).weights == "effective"
    assert all_at_once(Imbalance()) == Imbalance()


@pytest.mark.parametrize("gamma", [None, 0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_slopes_of_the_losses_are_their_derivatives(gamma, target):
    for logit in (-8.0, -0.7, 0.0, 1.3, 9.0):
        off = check_grad(
            lambda z: pointwise(z, np.array([target]), gamma)[0][0],
            lambda z: pointwise(z, np.array([target]), gamma)[1],
            np.array([logit]),
        )
        assert off < 1e-6


def test_focal_loss_without_focus_is_cross_entropy():
    logits, target = np.linspace(-5, 5, 11), np.linspace(0, 1, 11)
    for plain, focal in zip(pointwise(logits, target, None), pointwise(logits, target, 0.0), strict=True):
        assert focal == pytest.approx(plain)


@pytest.mark.parametrize("extreme", [-800.0, 800.0])
def test_losses_stay_finite_far_out(extreme):
    for gamma in (None, 2.0):
        for part in pointwise(np.full(2, extreme), np.array([0.0, 1.0]), gamma):
            assert np.isfinite(part).all()


RARE = np.random.default_rng(4)
X = RARE.normal(size=(400, 5))
TARGET = (X[:, 0] + RARE.normal(size=400) > 2.3).astype(float)[:, None]
FOLDS = np.arange(400) % 4


def lines(imbalance, *, single=False):
    return fit_logistic(
        X, TARGET, np.ones(400), folds=FOLDS, grid=(1.0,), imbalance=imbalance, space=space(single)
    )


def test_lines_without_settings_are_those_that_know_of_none():
    known, unknown = lines(Imbalance()), fit_logistic(X, TARGET, np.ones(400), folds=FOLDS, grid=(1.0,))
    for name in ("coef", "intercept", "c", "oof_logits"):
        assert (getattr(known, name) == getattr(unknown, name)).all()


def test_balanced_lines_raise_a_rare_category():
    plain, balanced = lines(Imbalance()), lines(Imbalance(weights="balanced"))
    assert balanced.oof_logits.mean() > plain.oof_logits.mean() + 1
    drawn = lines(Imbalance(sampling="balanced"))
    assert (drawn.coef == balanced.coef).all()


def test_logit_adjustment_moves_a_line_and_leaves_its_direction():
    plain, adjusted = lines(Imbalance()), lines(Imbalance(logit_adjustment=1.0))
    odds = np.log((TARGET.sum() + 1) / (400 - TARGET.sum() + 1))
    assert adjusted.coef == pytest.approx(plain.coef, abs=0.01)
    assert adjusted.intercept - plain.intercept == pytest.approx([-odds], abs=0.02)


def test_smoothing_and_focus_make_lines_timid():
    plain = lines(Imbalance())
    for timid in (Imbalance(label_smoothing=0.2), Imbalance(loss="focal")):
        assert np.abs(lines(timid).oof_logits).mean() < np.abs(plain.oof_logits).mean()


SETTINGS = (
    {"weights": "balanced"},
    {"weights": "effective"},
    {"loss": "focal"},
    {"logit_adjustment": 1.0},
    {"sampling": "balanced"},
    {"label_smoothing": 0.1},
    {"noise": "probability"},
)


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("chosen", SETTINGS, ids=lambda chosen: next(iter(chosen)))
@pytest.mark.parametrize("fit", [fit_heads, fit_linear])
def test_every_setting_reaches_the_model_and_leaves_it_right(fit, chosen, single, tmp_path):
    examples = make_examples(60, single=single)
    soft = examples.targets * 0.8 + (0.2 / 3 if single else 0.1)
    soft[::2] = examples.targets[::2]
    soft[examples.targets[:, 2] > 0] = examples.targets[examples.targets[:, 2] > 0]
    few = np.where((np.arange(60) % 3 == 2) & (np.arange(60) > 30), 0.0, 1.0)
    examples = type(examples)(
        contents=examples.contents,
        vectors=examples.vectors,
        targets=soft,
        weights=few,
        groups=examples.groups,
    )
    plain, changed = (
        fit(
            examples,
            folds=make_folds(60),
            context=TrainingContext(
                settings=Train(imbalance=imbalance),
                encode=Encode(),
                space=LabelSpace.of_size(3, single=single),
                seed=0,
                folder=tmp_path,
            ),
        )
        for imbalance in (Imbalance(), Imbalance(**chosen))
    )
    assert (changed.oof_logits != plain.oof_logits).any()
    assert ((changed.oof_logits.argmax(axis=1) == soft.argmax(axis=1)).mean()) > 0.8
