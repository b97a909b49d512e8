"""Texts that nobody wrote: made from real training texts, for training alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from rubricator.whole_files import whole_file

Making = Literal["cheap", "llm"]
"""Whether rules made a text, or a language model."""
CANDIDATES = "stages/synthetic_candidates.jsonl"
"""Those that passed the judge, in the folder of a run; training decides which of them pay."""
SYNTHETIC = "stages/synthetic.jsonl"
"""The synthetic texts that train, one a line, in the folder of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticText:
    """A text made from real ones of train; it is a child of their groups and serves nothing but training.

    Attributes:
        id: Unique among synthetic and real texts.
        content: What models see, cleaned as real texts are.
        categories: Keys of its categories.
        parents: Ids of the real training texts that it was made from: seeds, or the one that was changed.
        groups: Groups of its parents. Where one of them is held out, so is the text.
        stage: What made it: `generate`, `diversify`, `restyle`, `graft`, or the name of a cheap change.
        source: The source whose tone it imitates; empty if none.
        prompt: Name and version of the prompt; empty where there was none.
        model: The language model; empty where there was none.
        verdicts: What the judge found, by the name of the check.
    """

    id: str
    content: str
    categories: tuple[str, ...]
    parents: tuple[str, ...]
    groups: tuple[str, ...]
    making: Making
    stage: str
    source: str = ""
    prompt: str = ""
    model: str = ""
    verdicts: Mapping[str, str | float] = field(default_factory=dict)

    def without_relatives_in(self, held_out: Collection[str]) -> bool:
        """Whether it may train where these groups are held out."""
        return not any(group in held_out for group in self.groups)


_LINES = TypeAdapter(SyntheticText)


def write_synthetic(path: Path, texts: Sequence[SyntheticText]) -> None:
    """Write synthetic texts, a line of JSON each; what lies there is replaced once all are written."""
    with whole_file(path) as part, part.open("wb") as file:
        for text in texts:
            file.write(_LINES.dump_json(text) + b"\n")


def read_synthetic(path: Path) -> list[SyntheticText]:
    """Read what `write_synthetic` wrote; none where there is no such file."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        return [_LINES.validate_json(line) for line in file]
