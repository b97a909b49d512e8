"""Whether a challenger may replace the champion."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from rubricator.stats.promotion import F1Change, Paired, Verdict, level_of_look, weigh
from rubricator.stats.significance import resample

KEYS = ("a", "b", "c")
ROWS = np.eye(len(KEYS), dtype=bool)


def said(*columns):
    return ROWS[list(columns)]


def judged(truth, old, new, *, groups=None, **options):
    groups = [str(row) for row in range(len(truth))] if groups is None else groups
    return weigh(truth, old, new, groups, keys=KEYS, margin=0.1, **options)


TRUTH = said(*[0, 1, 2] * 60)
WRONG = said(*[1, 2, 0] * 60)


def mixed(right):
    """Right in so many of the first texts."""
    return np.where(np.arange(len(TRUTH))[:, None] < right, TRUTH, WRONG)


def test_better_everywhere_is_promoted_and_worse_is_rejected():
    better = judged(TRUTH, mixed(100), TRUTH)
    assert (better.verdict, better.unclear, better.more) == (Verdict.PROMOTE, (), None)
    assert judged(TRUTH, TRUTH, mixed(100)).verdict is Verdict.REJECT


def test_what_answers_the_same_is_held_and_no_number_is_made_up():
    same = judged(TRUTH, mixed(150), mixed(150))
    assert (same.verdict, same.more) == (Verdict.HOLD, None)
    assert same.overall.better_p == 1


def test_a_harmed_category_is_never_promoted_however_good_the_rest():
    new = TRUTH.copy()
    new[TRUTH[:, 2]] = ROWS[0]
    old = np.where(TRUTH[:, 2:], TRUTH, ROWS[2])
    harmed = judged(TRUTH, old, new)
    assert harmed.overall.ahead > harmed.overall.behind
    assert (harmed.verdict, [one.key for one in harmed.harmed]) == (Verdict.REJECT, ["c"])


def test_a_category_that_no_review_has_holds_the_answer_up():
    rows = ~TRUTH[:, 2]
    truth = TRUTH[rows]
    old = np.where(np.arange(len(truth))[:, None] < 60, truth, truth[:, [1, 0, 2]])
    held = judged(truth, old, truth)
    assert held.better
    assert (held.verdict, [one.key for one in held.unclear], held.more) == (Verdict.HOLD, ["c"], None)


def test_near_duplicates_count_once():
    copies = [str(row // 90) for row in range(len(TRUTH))]
    assert judged(TRUTH, WRONG, TRUTH, groups=copies).overall == Paired(2, 2, 0)
    assert judged(TRUTH, WRONG, TRUTH, groups=copies).verdict is Verdict.HOLD


def test_each_look_spends_less_and_all_of_them_no_more_than_there_is():
    assert level_of_look(1) == pytest.approx(0.025)
    assert sum(level_of_look(look, confidence=0.9) for look in range(1, 2000)) < 0.1
    close = mixed(len(TRUTH) - 7)
    assert judged(TRUTH, close, TRUTH).verdict is Verdict.PROMOTE
    assert judged(TRUTH, close, TRUTH, look=3).verdict is Verdict.HOLD


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_the_test_overall_is_the_exact_one(ahead, behind, same):
    paired = Paired(ahead + behind + same, ahead, behind)
    expected = binomtest(ahead, ahead + behind, alternative="greater").pvalue if ahead + behind else 1
    assert paired.better_p == pytest.approx(expected)
    assert paired.worse_p == pytest.approx(Paired(paired.groups, behind, ahead).better_p)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(60, 200))
def test_the_change_of_f1_and_its_error_are_those_of_the_bootstrap(seed, texts):
    random = np.random.default_rng(seed)
    truth = random.random(texts) < 0.4
    old, new = (np.where(random.random(texts) < right, truth, ~truth) for right in (0.7, 0.8))
    change = F1Change.of(truth, old, new, np.arange(texts))
    scores = [f1_score(truth, said) for said in (old, new)]
    assert change.gain == pytest.approx(scores[1] - scores[0])
    drawn = [resample(truth[:, None], said[:, None], draws=300, seed=1).samples["f1"] for said in (old, new)]
    assert change.spread == pytest.approx(np.std(drawn[1] - drawn[0]), rel=0.3)


def test_where_nothing_differs_every_category_needs_its_reviews():
    for texts, clear in (
        (40, False),
        (60, True),
    ):  # of three categories one must pass at a third of the level
        truth = said(*[0, 1, 2] * texts)
        assert (judged(truth, truth, truth).unclear == ()) is clear
    assert F1Change(10, 0.0, 0.0).to_clear(0.1, 0.025) == pytest.approx(3.46, abs=0.01)


def test_a_number_that_nobody_would_give_is_not_told():
    old, new = TRUTH.copy(), TRUTH.copy()
    old[:50], new[50:99] = WRONG[:50], WRONG[50:99]
    held = judged(TRUTH, old, new)
    assert held.overall.to_win(held.next_level) > 100 * len(TRUTH)
    assert (held.verdict, held.more) == (Verdict.HOLD, None)


def test_three_texts_of_a_category_prove_neither_harm_nor_its_absence():
    rows = [0] * 100 + [1] * 100 + [2] * 3
    truth, old = said(*rows), said(*rows[:-3], 2, 2, 2)
    few = judged(truth, old, said(*rows[:-3], 2, 0, 0))
    assert "c" in [one.key for one in few.unclear]
    assert few.harmed == ()


@pytest.mark.parametrize(("ahead", "behind"), [(12, 4), (30, 20), (6, 0)])
def test_the_number_wanted_decides_as_often_as_it_says(ahead, behind):
    paired, level = Paired(100, ahead, behind), 0.025
    wanted = paired.to_win(level)
    drawn = np.random.default_rng(5).multinomial(
        wanted, [ahead / 100, behind / 100, 1 - (ahead + behind) / 100], size=1000
    )
    won = np.mean([Paired(wanted, int(one), int(other)).better_p <= level for one, other, _ in drawn])
    assert 0.68 < won < 0.92


def test_what_is_not_ahead_no_number_of_reviews_will_prove():
    assert Paired(100, 5, 5).to_win(0.025) is None
    assert F1Change(30, -0.2, 0.05).to_clear(0.1, 0.025) is None
    assert F1Change(0, math.nan, math.nan).to_clear(0.1, 0.025) is None


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_turning_both_round_never_promotes_both(seed):
    random = np.random.default_rng(seed)
    old, new = (np.where(random.random(len(TRUTH))[:, None] < right, TRUTH, WRONG) for right in (0.6, 0.7))
    both = {judged(TRUTH, old, new).verdict, judged(TRUTH, new, old).verdict}
    assert both != {Verdict.PROMOTE}
