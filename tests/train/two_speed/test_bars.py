"""Whether a bar costs no more than it says, and where it stops."""

from dataclasses import replace

import numpy as np
import pytest

from rubricator.label_space import LabelSpace
from rubricator.stats.bootstrap import Estimate
from rubricator.train.two_speed.bars import Judged, Rates, SpeedPoint, lowest_bar, speed_curve

RATES = Rates(student=4000.0, rest=100.0)
ROWS = 800


def world(seed, *, single=True, noise=1.5, labelled=0):
    """Calibrated probabilities, truth drawn from them, and a student that sees them through noise."""
    rng = np.random.default_rng(seed)
    space = LabelSpace.of_size(4, single=single)
    logits = rng.normal(scale=3, size=(ROWS, 4))
    probabilities = space.probabilities(logits)
    truth = drawn(probabilities, space, rng)
    seen = logits + rng.normal(scale=noise, size=logits.shape)
    own, decided = space.decide(space.probabilities(seen)), space.decide(probabilities)
    rows = np.arange(labelled)
    judged = Judged(
        probabilities=probabilities,
        decided=decided,
        own=own,
        alike=space.confidence(space.probabilities(seen), own),
        groups=[str(row) for row in range(ROWS)],
        labelled=rows,
        truth=truth[rows],
        unseen=decided[rows],
    )
    return judged, truth, space


def drawn(probabilities, space, rng):
    """A truth of which the probabilities are the right ones."""
    if not space.single:
        return rng.random(probabilities.shape) < probabilities
    return space.decide(np.log(probabilities) + rng.gumbel(size=probabilities.shape))


def curve(judged, space, metric="accuracy"):
    return speed_curve(judged, RATES, metric=metric, space=space, seed=0, draws=100)


@pytest.mark.parametrize("seed", range(2))
def test_the_fall_on_the_truth_is_the_one_expected_and_below_the_bound(seed):
    judged, _, space = world(seed)
    points = curve(judged, space)
    assert [point.share for point in points] == sorted(point.share for point in points)
    assert points[-1].share == 1.0
    for point in points[::6]:
        decided = np.where((judged.alike >= point.bar)[:, None], judged.own, judged.decided)
        worlds = [drawn(judged.probabilities, space, np.random.default_rng(n)) for n in range(40)]
        before, after = (
            np.mean([(one == truth).all(axis=1).mean() for truth in worlds])
            for one in (judged.decided, decided)
        )
        assert point.fall.value == pytest.approx(before - after, abs=0.005)
        assert point.fall.value <= point.fall.high
        assert point.flips == (decided != judged.decided).any(axis=1).mean()
    chosen = lowest_bar(points, 0.005)
    assert chosen is not None
    assert chosen.fall.high <= 0.005
    assert chosen.texts_per_second == pytest.approx(1 / (1 / 4000 + (1 - chosen.share) / 100))


def test_several_categories_are_counted_by_expected_f1():
    judged, truth, space = world(5, single=False, noise=1.0)
    points = curve(judged, space, "macro_f1")

    def f1(decided):
        hits = (truth & decided).sum(axis=0)
        return (2 * hits / (truth.sum(axis=0) + decided.sum(axis=0))).mean()

    assert points[-1].fall.value == pytest.approx(f1(judged.decided) - f1(judged.own), abs=0.02)
    assert points[-1].fall.value > 0.01


def test_a_student_that_always_decides_alike_answers_all():
    judged, _, space = world(0)
    points = curve(replace(judged, own=judged.decided), space)
    chosen = lowest_bar(points, 0.0)
    assert chosen is not None
    assert (chosen.share, chosen.fall.value, chosen.flips) == (1.0, 0.0, 0.0)


def test_people_may_forbid_what_the_model_allows():
    judged, _, space = world(0, labelled=200)
    allowed = lowest_bar(curve(judged, space), 0.005)
    assert allowed is not None
    # The model is sure that the student is right wherever it decides otherwise; people say it never is.
    other = np.roll(judged.decided, 1, axis=1)
    against = replace(judged, own=other, probabilities=other.astype(float), truth=judged.decided[:200])
    assert lowest_bar(curve(against, space), 0.005) is None
    nobody = replace(against, labelled=np.arange(0), truth=other[:0], unseen=other[:0])
    unheard = lowest_bar(curve(nobody, space), 0.005)
    assert unheard is not None
    assert unheard.share == 1.0


def point(share, high, low=None):
    return SpeedPoint(
        bar=1 - share,
        share=share,
        flips=0.0,
        fall=Estimate(0.0, 0.0, high),
        measured=Estimate(None, low, None),
        texts_per_second=100.0,
    )


def test_the_bar_stops_before_the_first_step_that_may_cost_too_much():
    steps = [point(0.1, 0.001), point(0.2, 0.004), point(0.3, 0.006), point(0.4, 0.002)]
    assert lowest_bar(steps, 0.005) is steps[1], "a later one is better by luck"
    assert lowest_bar(steps, 0.0005) is None
    assert lowest_bar([point(0.1, None)], 0.5) is None, "nothing is known of it"
    assert lowest_bar([steps[0], point(0.2, 0.001, low=0.01)], 0.005) is steps[0], "people forbid it"


def test_rates_add_up():
    assert RATES.together(0.0) == pytest.approx(1 / (1 / 4000 + 1 / 100))
    assert RATES.together(1.0) == 4000.0
