"""How small a p-value must be before a window alarms, so that undisturbed windows seldom do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rubricator.monitor.checks import compare
from rubricator.monitor.reference import Reference
from rubricator.progress import Progress, silent

ROUNDS = 499


@dataclass(frozen=True, slots=True)
class Threshold:
    """The rule that windows of about one size are judged by.

    Attributes:
        smallest: Smallest p-value over all checks of each undisturbed window, sorted, shape [rounds].
        size: Rows of each.
    """

    smallest: tuple[float, ...]
    size: int

    def at(self, rate: float) -> float:
        """The p-value from which on a check alarms, so that at most such a share of windows does by chance.

        All checks are looked at together (minP: Westfall and Young, "Resampling-based multiple testing",
        1993). Of an undisturbed window and the resampled ones each is equally likely to be the most extreme,
        so the share holds exactly on average, whatever the tests are worth and however they hang together;
        what is asked for below what the rounds can show never alarms.
        """
        allowed = int(rate * (len(self.smallest) + 1) + 1e-9)
        return self.smallest[allowed - 1] if allowed else -1.0


def window_size(rows: int, reference: int) -> int:
    """The size that windows of so many rows are judged as: a power of the square root of two.

    At most half of the reference: an undisturbed window is drawn from it, and compared with the rest.
    """
    return min(round(math.exp2(round(2 * math.log2(max(rows, 1))) / 2)), reference // 2)


def calibrate(
    reference: Reference, size: int, *, rounds: int = ROUNDS, seed: int = 0, progress: Progress = silent
) -> Threshold:
    """Draw undisturbed windows from the reference, and look at each as at one that was served.

    Rows are drawn without regard to time: what news do to a week is a change, not a disturbance of chance.

    Raises:
        DataError: The reference has too few rows.
    """
    reference.require_rows()
    random = np.random.default_rng([seed, size])
    smallest = []
    with progress(f"Resampling undisturbed windows of {size:,}", total=rounds) as done:
        for number in range(rounds):
            order = random.permutation(len(reference.sample))
            window, rest = reference.sample.take(order[:size]), reference.sample.take(order[size:])
            checks = compare(rest, window, reference.space, seed=number, quick=True)
            smallest.append(min(check.p_value for check in checks))
            done(1)
    return Threshold(tuple(sorted(smallest)), size)
