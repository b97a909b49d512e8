"""A synthetic text on its way, and what was made, kept and dropped on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rubricator.augment.attributes import Attributes
from rubricator.taxonomy import Category

DROPPED = {
    "failed": "the model failed to answer",
    "refused": "the model refused",
    "unreadable": "no text in the answer, or it was cut off",
    "chatter": "an assistant's words around the text",
    "repeats": "the text repeats itself",
    "language": "another language",
    "length": "too short, too long, or of too many lines",
    "copies a seed": "a near-copy of what the prompt showed",
    "copies a real text": "a near-copy of a real text",
    "copies a synthetic text": "a near-copy of another synthetic text",
    "judge: other": "the judge: about something else",
    "judge: reply": "the judge: no person's text",
    "judge disagrees": "the judge contradicts itself",
    "judge unreadable": "the judge's answer could not be read",
    "not of the category": "the model of the run, or its vectors, see another category",
}
"""Why a text may be dropped, with what that means for people."""


@dataclass(slots=True)
class Draft:
    """One attempt at one synthetic text.

    Attributes:
        slot: Which of the category's wanted texts this is.
        seeds: Rows of the real texts that prompts show or change.
        style: Rows of the real texts that show how people write.
        attributes: What it shall be like at first, and `varied` once it is written in other words.
        content: As far as it is written; for grafting it begins as the near-miss.
        asked: Language models that wrote it, in order.
        verdicts: What the judge found.
    """

    category: Category
    slot: int
    attempt: int
    seeds: tuple[int, ...]
    style: tuple[int, ...]
    attributes: Attributes
    varied: Attributes
    content: str = ""
    stage: str = ""
    prompt: str = ""
    asked: tuple[str, ...] = ()
    verdicts: dict[str, str | float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What tells it apart from all others of a run."""
        return f"{self.category.key}/{self.slot}/{self.attempt}"


@dataclass
class Statistics:
    """Texts made, kept and dropped, by category and stage; `judge` comes after the last that writes."""

    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    dropped: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def count(self, draft: Draft, stage: str, fault: str) -> None:
        """A text came out of a stage; `fault` is one of `DROPPED`, or empty if it goes on."""
        place = (draft.category.key, stage)
        self.made[place] += 1
        if fault:
            self.dropped[(*place, fault)] += 1
        else:
            self.kept[place] += 1

    def rows(self) -> list[dict[str, Any]]:
        """One row per category and stage, in the order in which they came."""
        return [
            {
                "category": key,
                "stage": stage,
                "made": made,
                "kept": self.kept[(key, stage)],
                "dropped": self.why(key, stage),
            }
            for (key, stage), made in self.made.items()
        ]

    def reasons(self, key: str) -> Counter[str]:
        """Why texts of a category were dropped, over all stages."""
        counts: Counter[str] = Counter()
        for (of, _, fault), number in self.dropped.items():
            if of == key:
                counts[fault] += number
        return counts

    def why(self, key: str, stage: str) -> Mapping[str, int]:
        """Reasons of one category and stage, the most frequent first."""
        counts = Counter({fault: n for (k, s, fault), n in self.dropped.items() if (k, s) == (key, stage)})
        return dict(counts.most_common())
