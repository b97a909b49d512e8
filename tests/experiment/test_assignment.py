"""Who belongs to which arm."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from tests.experiment.conftest import plan_of

from rubricator.errors import DataError
from rubricator.experiment.assignment import BUCKETS, Assignment, allocate, fraction
from rubricator.experiment.started import start_experiment, started_experiment, stop_experiment

UNITS = [f"user-{number}" for number in range(20_000)]


def assignment(salt="one", buckets=((0, BUCKETS),), share=0.5):
    return Assignment(salt=salt, layer="page", buckets=buckets, share=share)


def test_arms_have_their_shares_and_salts_are_independent():
    first, second = ([assignment(salt, share=0.3).arm(unit) for unit in UNITS] for salt in ("one", "two"))
    assert first.count("treatment") / len(UNITS) == pytest.approx(0.3, abs=0.012)
    pairs = list(zip(first, second, strict=True))
    table = [[pairs.count((a, b)) for b in ("control", "treatment")] for a in ("control", "treatment")]
    assert chi2_contingency(table).pvalue > 0.001


def test_the_arm_does_not_depend_on_the_place_in_the_layer():
    half = assignment(buckets=((0, BUCKETS // 2),))
    arms = [half.arm(unit) for unit in UNITS]
    inside = [arm for arm in arms if arm is not None]
    assert len(inside) / len(UNITS) == pytest.approx(0.5, abs=0.012)
    assert inside.count("treatment") / len(inside) == pytest.approx(0.5, abs=0.02)


@given(st.text(max_size=50), st.text(max_size=20))
def test_the_same_unit_always_has_the_same_arm(unit, salt):
    assert assignment(salt).arm(unit) == assignment(salt).arm(unit)
    assert 0 <= fraction(salt.encode("utf-8", "replace").decode(), b"x") <= 1


def test_known_units_keep_their_arms():
    # A change of the hash would move everybody in experiments that run.
    assert fraction("salt", b"key") == pytest.approx(0.43111303059396733, abs=1e-12)


@settings(max_examples=25)
@given(st.lists(st.floats(0.01, 0.4), min_size=1, max_size=6))
def test_experiments_of_a_layer_never_overlap(shares):
    taken, used = [], set()
    for share in shares:
        if round(share * BUCKETS) > BUCKETS - len(used):
            with pytest.raises(DataError, match="leave"):
                allocate(share, taken, layer="page")
            return
        ranges = allocate(share, taken, layer="page")
        buckets = {bucket for first, end in ranges for bucket in range(first, end)}
        assert len(buckets) == max(1, round(share * BUCKETS))
        assert not buckets & used
        used |= buckets
        taken.append(ranges)


def test_a_layer_is_shared_and_given_back(store):
    plans = [plan_of(name=f"e{number}", layer="page", layer_share=0.4) for number in range(3)]
    first, second = (start_experiment(store, plan) for plan in plans[:2])
    assert first.buckets == ((0, 4000),)
    assert second.buckets == ((4000, 8000),)
    with pytest.raises(DataError, match=r"leave 20\.00%"):
        start_experiment(store, plans[2])
    assert start_experiment(store, plan_of(name="other", layer="mail")).buckets == ((0, BUCKETS),)
    stop_experiment(store, plans[0])
    assert start_experiment(store, plans[2]).buckets == ((0, 4000),)
    assert started_experiment(store, plans[1]).buckets == second.buckets
