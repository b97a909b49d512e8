"""Expected F1 is what labels would say, while probabilities are calibrated; reviews mend it where not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from invented_predictions import SPACE, predictions, truth_of

from rubricator.monitor.performance import measure_performance, reviewed_f1
from rubricator.monitor.sample import sample_of


def real(sample, truth):
    return reviewed_f1(truth, sample.decided, SPACE).macro.value


def test_calibrated_probabilities_promise_what_labels_say(invented):
    rows = predictions(3000, seed=1)
    sample = sample_of(rows, SPACE)
    found = measure_performance(sample, invented.sample, SPACE, {})
    assert abs(found.expected.macro.value - real(sample, truth_of(rows))) < 0.03
    assert found.expected.macro.low < found.expected.macro.value < found.expected.macro.high
    assert found.corrected is None
    assert found.reviewed is None


def test_reviews_correct_probabilities_that_are_no_longer_calibrated(invented):
    held, off = 0, []
    for seed in range(16):
        rows = predictions(500, seed=seed)
        truth = truth_of(rows, seed)
        # The first category has come to mean something else: half of its texts are of it no more.
        truth[:, 0] &= np.random.default_rng(seed).random(500) < 0.5
        sample = sample_of(rows, SPACE)
        reviewed = np.random.default_rng(seed + 7).permutation(500)[:120]
        found = measure_performance(
            sample, invented.sample, SPACE, {int(row): truth[row] for row in reviewed}, seed=seed
        )
        sport, value = found.corrected.categories["sport"], None
        value = reviewed_f1(truth, sample.decided, SPACE).categories["sport"].value
        held += sport.low <= value <= sport.high
        off.append(found.expected.categories["sport"].value - value)
    assert np.mean(off) > 0.1  # unseen by the probabilities
    assert held >= 13


def test_corrected_intervals_are_no_wider_than_those_of_reviews_alone(invented):
    widths = []
    for seed in range(6):
        rows = predictions(1000, seed=seed)
        sample, truth = sample_of(rows, SPACE), truth_of(rows, seed)
        known = {row: truth[row] for row in range(100)}
        found = measure_performance(sample, invented.sample, SPACE, known, seed=seed)
        widths.append([one.macro.high - one.macro.low for one in (found.corrected, found.reviewed)])
    corrected, alone = np.mean(widths, axis=0)
    assert corrected < 0.9 * alone


def test_a_category_without_probability_or_decision_is_undefined(invented):
    sample = sample_of(predictions(100, seed=2), SPACE)
    nothing = replace(
        sample, probabilities=np.zeros_like(sample.probabilities), decided=np.zeros_like(sample.decided)
    )
    found = measure_performance(nothing, invented.sample, SPACE, {})
    assert found.expected.macro.value is None
