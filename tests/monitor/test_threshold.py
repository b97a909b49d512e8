"""At most so many undisturbed windows alarm as is stated, and disturbed ones do."""

from __future__ import annotations

import numpy as np
import pytest
from invented_predictions import SPACE, predictions

from rubricator.config import Monitor
from rubricator.errors import DataError
from rubricator.monitor.checks import compare
from rubricator.monitor.judge import find_cause, mark
from rubricator.monitor.sample import sample_of
from rubricator.monitor.threshold import Threshold, calibrate, window_size

ANY_EFFECT = Monitor(
    smallest_share=0, smallest_distribution=0, smallest_mix=0, smallest_vectors=0, false_alarms=0.1
)


@pytest.fixture(scope="module")
def threshold(invented):
    return calibrate(invented, 100, rounds=99)


def moved(invented, rows, threshold, settings=ANY_EFFECT):
    checks = mark(compare(invented.sample, sample_of(rows, SPACE), SPACE), settings, threshold)
    return {check.name for check in checks if check.moved}


def test_undisturbed_windows_alarm_as_seldom_as_stated(invented, threshold):
    alarms = sum(bool(moved(invented, predictions(100, seed=seed), threshold.at(0.1))) for seed in range(60))
    # Of 60 windows 6 are expected at 10 %; more than 14 come about less than once in a thousand times.
    assert alarms <= 14


def test_smallest_effects_keep_alarms_about_nothing_away(invented, threshold):
    alarms = sum(
        bool(moved(invented, predictions(100, seed=seed), threshold.at(0.1), Monitor())) for seed in range(20)
    )
    assert alarms <= 4


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"shift": 1.5}, "labels:sport"),
        ({"shift": 1.5}, "vectors"),
        ({"unknown": 0.5}, "unknown"),
        ({"source": "новый"}, "source"),
    ],
)
def test_what_changed_is_named(invented, threshold, changes, name):
    assert name in moved(invented, predictions(100, seed=5, **changes), threshold.at(0.1), Monitor())


def test_a_source_that_floods_is_found_as_the_cause(invented, threshold):
    rows = predictions(100, seed=5) + predictions(60, seed=6, shift=3.0, source="поток")
    cause = find_cause(sample_of(rows, SPACE), invented, Monitor(), threshold.at(0.1))
    assert cause == "source:поток"


def test_what_is_in_every_source_has_no_source_as_its_cause(invented, threshold):
    rows = predictions(100, seed=5, shift=2.0)
    assert find_cause(sample_of(rows, SPACE), invented, Monitor(), threshold.at(0.1)) == ""


def test_a_rate_below_what_the_rounds_can_show_never_alarms():
    threshold = Threshold(tuple(np.linspace(0.001, 1, 99)), 100)
    assert threshold.at(0.05) == threshold.smallest[4]
    assert threshold.at(0.001) < 0


def test_a_small_reference_is_refused(invented):
    from dataclasses import replace

    small = replace(invented, sample=invented.sample.take(np.arange(150)))
    with pytest.raises(DataError, match="150 rows"):
        calibrate(small, 50)


def test_windows_are_judged_at_most_as_half_of_the_reference():
    assert window_size(5000, 400) == 200
    assert window_size(100, 10_000) == pytest.approx(100, rel=0.2)
