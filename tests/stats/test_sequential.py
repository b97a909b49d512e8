import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from rubricator.stats.sequential import always_valid_p, always_valid_width, inflation, sequential_power

LOOKS = 28


@pytest.fixture(scope="module")
def null_z() -> np.ndarray:
    """z at 28 equal looks of 10,000 experiments without an effect, of coin flips rather than normal draws."""
    steps = np.random.default_rng(1).integers(0, 2, (10_000, LOOKS, 50)).sum(axis=2) * 2.0 - 50
    return np.cumsum(steps, axis=1) / np.sqrt(50 * np.arange(1, LOOKS + 1))


def test_peeking_is_safe_where_fixed_intervals_are_not(null_z: np.ndarray) -> None:
    times = np.arange(1, LOOKS + 1) / LOOKS
    naive = (np.abs(null_z) > norm.isf(0.025)).any(axis=1).mean()
    ours = (np.abs(null_z) > always_valid_width(times, planned=1.0)).any(axis=1).mean()
    assert 0.24 < naive < 0.31
    assert 0.002 < ours <= 0.05


@given(st.floats(0.01, 0.5), st.floats(0.1, 1e6))
def test_the_interval_is_narrowest_at_the_planned_information(alpha: float, planned: float) -> None:
    def width(times: float) -> float:
        """In units of the data rather than of the standard error, per root of information."""
        return float(always_valid_width(times * planned, planned=planned, confidence=1 - alpha))

    assert width(1) > norm.isf(alpha / 2)
    # The mixture is tuned: no other tuning gives a narrower interval at the planned information.
    other = minimize_scalar(
        lambda log_share: np.sqrt(
            (np.exp(log_share) + 1) / np.exp(log_share) * np.log((np.exp(log_share) + 1) / alpha**2)
        ),
        bounds=(-3, 6),
        method="bounded",
    )
    assert width(1) == pytest.approx(other.fun, rel=1e-4)


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=40))
def test_a_p_value_says_what_the_intervals_say(zs: list[float]) -> None:
    times = np.arange(1, len(zs) + 1) / 20
    z = np.array(zs)
    p = always_valid_p(z, times, planned=1.0, confidence=0.9)
    width = always_valid_width(times, planned=1.0, confidence=0.9)
    clear = np.abs(np.abs(z) - width).min() > 1e-9
    outside = np.logical_or.accumulate(np.abs(z) > width)
    assert (np.diff(p) <= 0).all()
    assert p.max() <= 1
    if clear:
        assert ((p <= 0.1) == outside).all()


def test_an_inflated_sample_has_the_power_it_is_inflated_for_and_stops_early() -> None:
    factor = inflation(0.8, looks=LOOKS)
    drift = (norm.isf(0.025) + norm.isf(0.2)) * np.sqrt(factor)
    # Paths of its own: the function must not only agree with itself.
    rng = np.random.default_rng(7)
    times = np.arange(1, LOOKS + 1) / LOOKS
    paths = np.cumsum(rng.standard_normal((10_000, LOOKS)) / np.sqrt(LOOKS), axis=1) + drift * times
    hit = np.abs(paths / np.sqrt(times)) > always_valid_width(times, planned=1.0)
    found = hit.any(axis=1)
    assert found.mean() == pytest.approx(0.8, abs=0.015)
    stopped = np.where(found, times[hit.argmax(axis=1)], 1.0).mean()
    assert stopped == pytest.approx(sequential_power(drift, looks=LOOKS)[1], abs=0.015)
    assert stopped < 0.65
    assert sequential_power(0.0, looks=LOOKS)[0] <= 0.05


@pytest.mark.parametrize("information", [0.0, -1.0, [1.0, 0.0]])
def test_there_is_no_interval_of_nothing(information: object) -> None:
    with pytest.raises(ValueError, match="above zero"):
        always_valid_width(information, planned=1.0)  # type: ignore[arg-type]
