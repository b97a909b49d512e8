"""What a source repeats from text to text: it tells of the source, and nothing of what a text is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Place = Literal["line", "beginning", "end", "inside"]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A line, or some words in a row, that many texts of a source hold.

    Attributes:
        source: Name of the source; empty where texts have none.
        place: A whole line, the beginning or the end of one, or words anywhere. Only `inside` is never taken
            out: what stands in the middle of sentences may be what the source writes about.
        words: Lower-case, joined by spaces, every number as `0`.
        share: Share of the source's distinct texts that hold it.
        texts: Number of the source's texts, by that share.
        example: As it is written in one of them.
    """

    source: str
    place: Place
    words: str
    share: float
    texts: int
    example: str

    @property
    def removable(self) -> bool:
        """Whether cleaning may take it out."""
        return self.place != "inside"
