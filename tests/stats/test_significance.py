"""Paired bootstrap and McNemar: the figures of `measure`, and claims that hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.evaluate.metrics.part_metrics import measure
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.stats.significance import Difference, Resampled, difference, exchange, holm, mcnemar, resample
from rubricator.stats.significance import change as gain


def answers(right: float, *, seed: int, texts: int = 150, categories: int = 3) -> ScoredPredictions:
    """The same truth whatever the seed; about that share of the decisions is right."""
    truth = np.random.default_rng(5).random((texts, categories)) < 0.4
    wrong = np.random.default_rng(seed).random(truth.shape) > right
    return ScoredPredictions(
        part="test",
        about="invented",
        ids=[str(i) for i in range(texts)],
        contents=[""] * texts,
        groups=[str(i // 2) for i in range(texts)],
        truth=truth,
        probabilities=np.full(truth.shape, 0.5),
        decisions=truth ^ wrong,
        origins=["golden"] * texts,
    )


def _resampled(part: ScoredPredictions, **options: float) -> Resampled:
    return resample(part.truth, part.decisions, part.groups, **options)  # type: ignore[arg-type]


def change(
    old: ScoredPredictions, new: ScoredPredictions, name: str = "macro_f1", *, draws: int = 1000
) -> Difference:
    one, other = (_resampled(part, draws=draws, confidence=0.95, seed=3) for part in (old, new))
    exchanged = exchange(old.truth, old.decisions, new.decisions, old.groups, draws=draws, seed=3)
    return difference(one, other, exchanged, name)


def test_figures_and_intervals_are_those_of_the_report() -> None:
    part = answers(0.8, seed=1)
    figures = _resampled(part, draws=200, confidence=0.9, seed=13)
    rule = DecisionRule.identity(LabelSpace.of_size(3, single=False))
    report = measure(part, ("a", "b", "c"), rule=rule, bootstrap=200, confidence=0.9, seed=13)
    assert figures.estimate("macro_f1") == report.macro_f1
    assert figures.estimate("weighted_f1") == report.weighted_f1
    assert figures.estimate("micro_f1") == report.micro_f1
    assert figures.estimate("subset_accuracy") == report.subset_accuracy
    assert [figures.estimate("f1", j) for j in range(3)] == [category.f1 for category in report.categories]


def test_a_model_differs_from_itself_by_nothing() -> None:
    part = answers(0.8, seed=1)
    found = change(part, part)
    assert (found.change.value, found.change.low, found.change.high) == (0, 0, 0)
    assert found.p_value == 1
    assert not found.beyond_chance


def test_a_clearly_better_model_is_told_from_luck_and_the_sign_says_which() -> None:
    worse, better = answers(0.7, seed=1), answers(0.95, seed=2)
    up, down = change(worse, better), change(better, worse)
    assert up.beyond_chance
    assert down.beyond_chance
    assert up.change.low is not None
    assert up.change.low > 0
    assert up.p_value == pytest.approx(1 / 1001)
    assert up.change.value == pytest.approx(-down.change.value)


def test_pairing_sees_what_two_intervals_cannot() -> None:
    old = answers(0.75, seed=1)
    decisions = old.decisions.copy()
    decisions[::8] = old.truth[::8]
    new = replace(old, decisions=decisions)
    one, other = (_resampled(part, draws=1000, confidence=0.95, seed=3) for part in (old, new))
    assert other.estimate("macro_f1").low < one.estimate("macro_f1").high  # type: ignore[operator]
    assert change(old, new).beyond_chance


def test_copies_in_one_group_are_no_further_evidence() -> None:
    old, new = answers(0.8, seed=1, texts=40), answers(0.88, seed=2, texts=40)

    def copied(part: ScoredPredictions, *, grouped: bool) -> ScoredPredictions:
        rows = np.repeat(np.arange(40), 6)
        groups = [str(row) if grouped else str(i) for i, row in enumerate(rows)]
        return replace(
            part,
            ids=[str(i) for i in range(240)],
            contents=[""] * 240,
            groups=groups,
            origins=["golden"] * 240,
            truth=part.truth[rows],
            probabilities=part.probabilities[rows],
            decisions=part.decisions[rows],
        )

    apart = change(copied(old, grouped=False), copied(new, grouped=False))
    together = change(copied(old, grouped=True), copied(new, grouped=True))
    assert together.p_value > 2 * apart.p_value  # type: ignore[operator]


def test_of_equally_good_models_few_seem_to_differ() -> None:
    p_values = [
        change(
            answers(0.8, seed=seed, texts=80),
            answers(0.8, seed=1000 + seed, texts=80),
            "subset_accuracy",
            draws=200,
        ).p_value
        for seed in range(150)
    ]
    assert 0.01 < np.mean([p is not None and p < 0.05 for p in p_values]) < 0.11


def test_one_group_says_nothing_and_an_absent_category_has_no_figure() -> None:
    old, new = answers(0.7, seed=1), answers(0.95, seed=2)
    old, new = (replace(part, groups=["one"] * len(part)) for part in (old, new))
    found = change(old, new)
    assert found.change.value is not None
    assert (found.change.low, found.p_value, found.beyond_chance) == (None, None, False)
    truth = old.truth & np.array([True, True, False])
    absent = _resampled(replace(old, truth=truth), draws=100, confidence=0.95, seed=1)
    assert gain(absent, absent, "f1", 2).value is None


def test_mcnemar_counts_only_texts_that_one_model_gets_right() -> None:
    old = np.array([False] * 10 + [True] * 2 + [True] * 30 + [False] * 5)
    new = np.array([True] * 10 + [False] * 2 + [True] * 30 + [False] * 5)
    found = mcnemar(old, new)
    assert (found.fixed, found.broken) == (10, 2)
    assert found.p_value == pytest.approx(2 * (1 + 12 + 66) / 2**12)  # by hand: both tails of 12 tosses
    assert mcnemar(old, old).p_value == 1


def test_three_texts_prove_nothing_however_they_are_answered() -> None:
    truth = np.eye(3, dtype=bool)
    old, new = (replace(answers(1, seed=1, texts=3), truth=truth, decisions=d) for d in (~truth, truth))
    for part in (old, new):
        part.groups[:] = ["a", "b", "c"]
    # all the same way round: 2 of the 8 ways to exchange three answers
    assert change(old, new, "subset_accuracy").p_value == pytest.approx(2 / 8, abs=0.04)


def test_near_duplicates_are_one_piece_of_evidence_for_mcnemar() -> None:
    old, new = np.array([False] * 20 + [True] * 2), np.array([True] * 20 + [False] * 2)
    groups = ["copies"] * 19 + ["a", "b", "c"]
    found = mcnemar(old, new, groups)
    assert (found.fixed, found.broken) == (20, 2)
    assert found.p_value == 1  # two groups against two
    even = mcnemar(np.array([True, False]), np.array([False, True]), ["one", "one"])
    assert (even.fixed, even.broken, even.p_value) == (1, 1, 1)


def test_holm_corrects_as_by_hand_and_leaves_out_what_is_undefined() -> None:
    # 0.01 x 3, 0.02 x 2, 0.03 x 1 and never less than a smaller one became
    assert holm([0.02, None, 0.01, 0.03]) == [
        pytest.approx(p) if p else None for p in (0.04, None, 0.03, 0.04)
    ]
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([None]) == [None]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_no_correction_and_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    for p, other in zip(p_values, corrected, strict=True):
        assert other is not None
        assert p <= other <= min(1, p * len(p_values))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(corrected, dtype=float)[order]) >= 0)
