"""What reviews tell about the labels that nobody has looked at, and whether to go on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from rubricator.dataset.reviews import Review
from rubricator.stats.arrays import Floats
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.prediction_powered import prediction_powered_share

ENOUGH = 10
"""Blind answers that a verdict stands on."""
_NEXT = 20  # chosen texts that it is about
_WORTH = 0.1  # reviewing pays while at least this share of them is expected to change its label


@dataclass(frozen=True, slots=True)
class ReviewProgress:
    """Where a review stands.

    Of `reviews` texts `changed` got another label; `blind` of them were drawn by lot and shown blind: only
    these measure, and `wrong` of those had a wrong label.

    Attributes:
        error: Share of wrong labels among the `left` nobody has looked at; undefined without blind answers.
        gain: Expected share of wrong labels among the next chosen texts; None while it is too early.
        pays: Whether reviewing more is worth it, None while it is too early; `reason` says why.
    """

    reviews: int
    changed: int
    blind: int
    wrong: int
    error: Estimate
    left: int
    gain: float | None
    pays: bool | None
    reason: str


def measure_progress(
    reviews: Collection[Review], doubts: Floats, *, confidence: float = 0.95
) -> ReviewProgress:
    """Count what changed, and estimate the error left in the labels that nobody has looked at.

    Only texts drawn by lot tell about the others (the chosen ones were chosen for being doubtful), and
    only answers given blind tell what people think. Each was drawn from the labels not looked at till
    then, and reviewing takes wrong ones away, so the estimate rather errs on the dark side. What the labels'
    own probabilities say of all of them narrows the interval (see `prediction_powered_share`): `doubts` tells
    how probably each label that nobody has looked at is wrong, shape [labels]; 1 where there is no label.
    """
    blind = [review for review in reviews if review.measures]
    wrong = np.array([review.changed for review in blind], dtype=np.float64)
    doubted = np.array([1 - (review.probability or 0.0) for review in blind], dtype=np.float64)
    gain = _gain(doubts, wrong, doubted) if len(blind) >= ENOUGH and len(doubts) else None
    pays, reason = _verdict(len(blind), gain, len(doubts))
    return ReviewProgress(
        reviews=len(reviews),
        changed=sum(review.changed for review in reviews),
        blind=len(blind),
        wrong=int(wrong.sum()),
        error=prediction_powered_share(wrong, doubted, doubts, confidence=confidence),
        left=len(doubts),
        gain=gain,
        pays=pays,
        reason=reason,
    )


def _gain(doubts: Floats, wrong: Floats, doubted: Floats) -> float:
    """Share of the next chosen texts that is expected to change.

    The most doubtful labels are put next; how far their doubts are to be trusted, the blind answers tell:
    the labels found wrong over those that their probabilities expected to be, one more on both sides, so
    that few answers change little.
    """
    trust = (wrong.sum() + 1) / (doubted.sum() + 1)
    return float(np.minimum(np.sort(doubts)[-_NEXT:] * trust, 1).mean())


def _verdict(blind: int, gain: float | None, left: int) -> tuple[bool | None, str]:
    if not left:
        return False, "every label has been looked at"
    if gain is None:
        return None, f"too early to tell: {blind} of {ENOUGH} texts that are shown blind are answered"
    expected = f"by the {blind} answers given blind, {gain:.0%} of the next chosen texts have a wrong label"
    return gain >= _WORTH, expected if gain >= _WORTH else f"{expected}, fewer than one in {1 / _WORTH:.0f}"


def progress_lines(progress: ReviewProgress) -> list[str]:
    """What reviews tell, as lines for people."""
    lines = [f"{progress.reviews:,} texts reviewed, {progress.changed:,} labels changed."]
    error = progress.error
    if error.value is not None:
        lines.append(
            f"Of {progress.blind} texts drawn at random and shown blind {progress.wrong} had a wrong label: "
            f"by this, and by what teachers think of all texts, {error.value:.0%} of the {progress.left:,} "
            f"labels that nobody has looked at are wrong (95% interval {error.low:.0%} to {error.high:.0%})."
        )
    else:
        lines.append("No text shown blind was reviewed yet: the error left cannot be estimated.")
    verdict = {
        True: "Reviewing more pays",
        False: "Reviewing more hardly pays",
        None: "Whether reviewing more pays",
    }
    return [*lines, f"{verdict[progress.pays]}: {progress.reason}."]
