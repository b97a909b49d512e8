"""What reviews tell about the labels that nobody has looked at, and whether to go on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rubricator.dataset.labels import Review
from rubricator.stats.shares import wilson

ENOUGH = 20
"""Chosen reviews that a verdict stands on: the last so many."""
WORTH = 0.1
"""Reviewing pays while at least this share of the last chosen texts changes its label."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Where a review stands.

    Attributes:
        reviews: How many texts people have answered.
        changed: How many of them got another label.
        drawn: How many of them were drawn at random, from labels not looked at till then.
        wrong: How many of those had a wrong label.
        low: Lower end of the interval of the share of wrong labels; None without drawn texts.
        high: Its upper end.
        left: Labels that nobody has looked at.
        last: The last chosen reviews, at most `ENOUGH`.
        last_changed: How many of these changed.
        pays: Whether reviewing more is worth it; None while it is too early to tell.
        reason: Why, as a sentence.
    """

    reviews: int
    changed: int
    drawn: int
    wrong: int
    low: float | None
    high: float | None
    left: int
    last: int
    last_changed: int
    pays: bool | None
    reason: str

    @property
    def error(self) -> float | None:
        """Share of wrong labels among the texts drawn at random; None without any."""
        return self.wrong / self.drawn if self.drawn else None


def estimate(reviews: Collection[Review], *, left: int, confidence: float = 0.95) -> Estimate:
    """Count what changed, and estimate the error left in the labels that nobody has looked at.

    Only texts drawn at random tell about the others: the chosen ones were chosen for being doubtful.
    Each was drawn from the labels not looked at till then, and reviewing takes wrong ones away, so
    the estimate rather errs on the dark side. The interval is Wilson's ("Probable inference",
    1927). Whether to go on is decided by the last chosen texts: while one in ten changes its label, a
    person's minute is well spent.

    Args:
        reviews: One per answer of a person.
        left: Number of labels that nobody has looked at.
        confidence: Of the interval.
    """
    in_time = sorted(reviews, key=lambda review: review.when)
    drawn = [review for review in in_time if review.chosen == "random"]
    last = [review for review in in_time if review.chosen == "gain"][-ENOUGH:]
    wrong, last_changed = _changed(drawn), _changed(last)
    share = wilson(wrong, len(drawn), confidence=confidence)
    pays, reason = _verdict(len(last), last_changed, left)
    return Estimate(
        reviews=len(in_time),
        changed=_changed(in_time),
        drawn=len(drawn),
        wrong=wrong,
        low=share.low,
        high=share.high,
        left=left,
        last=len(last),
        last_changed=last_changed,
        pays=pays,
        reason=reason,
    )


def _verdict(last: int, changed: int, left: int) -> tuple[bool | None, str]:
    if not left:
        return False, "every label has been looked at"
    if last < ENOUGH:
        return None, f"too early to tell: {last} of {ENOUGH} chosen texts are answered"
    if changed >= WORTH * last:
        return True, f"one of {last / changed:.1f} of the last {last} chosen texts changed its label"
    return False, (
        f"only {changed} of the last {last} chosen texts changed the label, fewer than one in {1 / WORTH:.0f}"
    )


def _changed(reviews: Collection[Review]) -> int:
    return sum(review.changed for review in reviews)


def told(found: Estimate) -> list[str]:
    """An estimate as lines for people."""
    lines = [f"{found.reviews:,} texts reviewed, {found.changed:,} labels changed."]
    if found.error is not None:
        lines.append(
            f"Of {found.drawn} texts drawn at random {found.wrong} had a wrong label: by this "
            f"{found.error:.0%} of the {found.left:,} labels that nobody has looked at are wrong "
            f"(95% interval {found.low:.0%} to {found.high:.0%})."
        )
    else:
        lines.append("No text drawn at random was reviewed yet: the error left cannot be estimated.")
    verdict = {
        True: "Reviewing more pays",
        False: "Reviewing more hardly pays",
        None: "Whether reviewing more pays",
    }
    return [*lines, f"{verdict[found.pays]}: {found.reason}."]
