"""A text put before a person, and what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rubricator.dataset.reviews import Chosen, Shown
from rubricator.records import Text
from rubricator.taxonomy import NOTHING, Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A text put before a person.

    A blind one holds nothing that could leak: neither a label nor what teachers think. `suggested` are the
    category keys of the current label, None if there is none or it is not shown; opinions are the best
    categories of each teacher, by its name, with their probability. `stale` are the categories for which the
    text is shown again, because their meaning changed since a person judged it.
    """

    text: Text
    chosen: Chosen
    suggested: tuple[str, ...] | None = None
    probability: float | None = None
    opinions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    stale: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.shown == "blind" and (self.suggested is not None or self.opinions):
            raise ValueError("a text that measures is shown without suggestion and opinions")

    @property
    def shown(self) -> Shown:
        """How the person sees it: texts drawn by lot measure, so they are shown blind."""
        return "blind" if self.chosen == "random" else "suggested"

    def cells(self, taxonomy: Taxonomy) -> dict[str, str]:
        """The question as cells of a table, by column; people's answers come back with them."""
        suggested = self.suggested
        return {
            "id": self.text.id,
            "text": self.text.content,
            "suggested": "" if suggested is None else ",".join(suggested) or NOTHING,
            "probability": "" if self.probability is None else f"{self.probability:.4f}",
            "chosen": self.chosen,
            "shown": self.shown,
            "stale": ",".join(self.stale),
            "taxonomy": taxonomy.version,
        }
