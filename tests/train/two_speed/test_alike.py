"""Whether curves on margins say how often a student decides alike."""

import numpy as np
import pytest
from scipy.special import expit

from rubricator.label_space import LabelSpace
from rubricator.train.two_speed.alike import fit_alike

ROWS = 4000


def decisions(single, seed=0):
    """Log-odds of a student, and what a teacher decides that is the surer to agree the larger the margin."""
    rng = np.random.default_rng(seed)
    scaled = rng.normal(scale=2, size=(ROWS, 3))
    space = LabelSpace.of_size(3, single=single)
    noisy = scaled + rng.logistic(scale=0.5, size=scaled.shape)
    return space, scaled, space.decide(space.probabilities(noisy))


@pytest.mark.parametrize("single", [True, False])
def test_as_many_decide_alike_as_it_says_on_other_texts(single):
    space, scaled, decided = decisions(single)
    alike = fit_alike(scaled, decided, threshold=np.full(3, 0.5), space=space)
    assert alike.slope.shape == (1 if single else 2, 3)
    assert (alike.slope > 0).all()
    _, others, wanted = decisions(single, seed=1)
    own = space.decide(space.probabilities(others))
    stated, same = alike.probabilities(others), (own == wanted).all(axis=1)
    for low, high in ((0.0, 0.7), (0.7, 0.9), (0.9, 1.0)):
        rows = (stated >= low) & (stated < high)
        assert rows.sum() > 100
        assert same[rows].mean() == pytest.approx(stated[rows].mean(), abs=0.06)


def test_a_sure_no_and_a_sure_yes_have_curves_of_their_own():
    rng = np.random.default_rng(0)
    scaled = rng.normal(scale=2, size=(ROWS, 1))
    # No is always right, yes half of the time.
    decided = (scaled > 0) & (rng.random(scaled.shape) < 0.5)
    alike = fit_alike(scaled, decided, threshold=np.array([0.5]), space=LabelSpace.of_size(1, single=False))
    no, yes = alike.probabilities(np.array([[-3.0], [3.0]]))
    assert no > 0.98
    assert yes < 0.6


def test_thresholds_move_where_a_decision_turns():
    space = LabelSpace.of_size(1, single=False)
    rng = np.random.default_rng(0)
    scaled = rng.normal(scale=2, size=(ROWS, 1))
    decided = expit(scaled + rng.logistic(scale=0.3, size=scaled.shape)) >= 0.9
    alike = fit_alike(scaled, decided, threshold=np.array([0.9]), space=space)
    turn, far = alike.probabilities(np.log([[9.0], [9000.0]]))
    assert turn < 0.75
    assert far > 0.99
