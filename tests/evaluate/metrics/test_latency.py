from __future__ import annotations

import pytest

from rubricator.errors import DataError
from rubricator.evaluate.metrics import latency
from rubricator.evaluate.metrics.latency import measure_latency


class Clock:
    """A classifier that takes a second per `x` of each text, on a clock of its own."""

    def __init__(self):
        self.now = 0.0
        self.calls = []

    def perf_counter(self):
        return self.now

    def classify(self, texts):
        self.calls.append(list(texts))
        self.now += sum(text.count("x") for text in texts)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(latency, "time", clock)
    return clock


def test_percentiles_are_of_single_texts_and_the_rate_is_of_batches(clock):
    contents = ["x"] * 20 + ["x" * 20]
    found = measure_latency(clock.classify, contents, budget_seconds=2.0, batch=8, patience=100)
    assert (found.n, found.p50, found.slowest) == (21, 1.0, 20.0)
    assert found.p95 == pytest.approx(1.0)
    assert found.within_budget
    assert found.texts_per_second == pytest.approx(21 / 40)
    assert [len(call) for call in clock.calls] == [1] + [1] * 21 + [8, 8, 5]


def test_the_budget_is_judged_by_the_slow_ones(clock):
    found = measure_latency(clock.classify, ["x", "xxx"], budget_seconds=2.5, patience=100)
    assert (found.p50, found.within_budget) == (2.0, False)


def test_texts_are_taken_from_everywhere(clock):
    contents = [f"{number} x" for number in range(1000)]
    found = measure_latency(clock.classify, contents, budget_seconds=1, texts=5, patience=100)
    assert found.n == 5
    assert [call[0].split()[0] for call in clock.calls[1:6]] == ["0", "250", "500", "749", "999"]


def test_patience_ends_the_measurement_with_what_it_has(clock):
    found = measure_latency(clock.classify, ["x"] * 50, budget_seconds=1, batch=2, patience=10)
    assert found.n == 10
    assert found.texts_per_second == pytest.approx(1.0)


def test_a_classifier_too_fast_for_the_clock_has_a_finite_rate(clock):
    assert measure_latency(clock.classify, ["a"], budget_seconds=1).texts_per_second > 0


def test_no_texts_is_refused(clock):
    with pytest.raises(DataError, match="no texts"):
        measure_latency(clock.classify, [], budget_seconds=1)
