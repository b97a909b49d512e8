"""What a person answered about a text that was shown, and what it says in the taxonomy of today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from rubricator.stats.arrays import Floats
from rubricator.taxonomy import Taxonomy

Chosen = Literal["gain", "random"]
Shown = Literal["blind", "suggested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a person said about a text.

    Attributes:
        judged: Yes or no by category key, for every category there was.
        chosen: Why the text was shown: `gain` for its expected gain, `random` by lot.
        shown: `blind` if the person saw neither a suggestion nor what teachers think.
        before: The label before, as category keys; None if there was none.
        probability: Probability of that label; None if there was none.
        seconds: How long the answer took; None where nobody took the time.
        taxonomy: Version of the list that the person saw; None where that is unknown.
    """

    text_id: str
    judged: Mapping[str, bool]
    by: str
    chosen: Chosen
    shown: Shown = "suggested"
    before: tuple[str, ...] | None = None
    probability: float | None = None
    seconds: float | None = None
    taxonomy: str | None = None
    when: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def categories(self) -> tuple[str, ...]:
        """Keys that the person chose."""
        return tuple(key for key, yes in self.judged.items() if yes)

    @property
    def changed(self) -> bool:
        """True if the person did not confirm the label, or there was none."""
        return self.before is None or set(self.before) != set(self.categories)

    @property
    def measures(self) -> bool:
        """True if the answer tells about texts that nobody looked at: drawn by lot, and given blind.

        Suggestions shift what people say and flatter whoever made them (Schroeder et al., ACL 2025).
        """
        return self.chosen == "random" and self.shown == "blind"


def label_of(review: Review, taxonomy: Taxonomy) -> tuple[str, ...] | None:
    """The categories of a review in taxonomy order; None where it leaves some of them open."""
    values = _values(review, taxonomy)
    if not np.isfinite(values).all():
        return None
    return tuple(key for key, value in zip(taxonomy.keys, values, strict=True) if value)


def _values(review: Review, taxonomy: Taxonomy) -> Floats:
    values = np.array([review.judged.get(key, np.nan) for key in taxonomy.keys], dtype=np.float64)
    if taxonomy.single and not np.isfinite(values).all():
        holds = [key for key in review.categories if key in taxonomy.keys and key != taxonomy.none]
        values = np.array([float(key in holds) if holds else np.nan for key in taxonomy.keys])
    if taxonomy.single and not values.any():
        # Its category has left the list.
        values = np.full(len(taxonomy.keys), np.nan)
    return values
