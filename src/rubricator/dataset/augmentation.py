"""What was found out about synthetic texts: what each kind does for each category, and which are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from rubricator.dataset.synthetic import Making, SyntheticText
from rubricator.stats.bootstrap import Estimate
from rubricator.whole_files import whole_file

Arm = Literal["none", "weights", "cheap", "llm", "kept"]
"""What is compared: nothing done, class weights, changes by rule, texts of a language model, what is kept."""
AUGMENTATION = "stages/augmentation.json"
"""Where it lies in the folder of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryEvidence:
    """What the arms do for one category, on real texts that did not teach them.

    Attributes:
        key: Of the category.
        real: Real training texts that have it.
        judged: Real validation texts that have it: what F1 stands on.
        made: Synthetic texts that may join, by what made them.
        f1: Of each arm, with its interval.
        chances: Share of the samples in which one arm is ahead of another, by `llm over cheap` and the like.
        kept: The kind that is kept; None if none is.
        reason: Why, as a sentence.
    """

    key: str
    real: int
    judged: int
    made: Mapping[Making, int]
    f1: Mapping[Arm, Estimate] = field(default_factory=dict)
    chances: Mapping[str, float] = field(default_factory=dict)
    kept: Making | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """The evidence on synthetic texts, category by category.

    Attributes:
        model: The kind of model that stood for all, or empty if nothing was measured.
        about: Which texts judged, in a sentence.
        seeds: Divisions into folds.
        confidence: In what share of the samples a gain was asked for.
        macro_f1: Over all categories, of each arm and of what is kept.
        categories: Those for which texts were made.
        notes: Sentences on what was left out and why.
    """

    model: str
    about: str
    seeds: int
    confidence: float
    macro_f1: Mapping[Arm, Estimate]
    categories: tuple[CategoryEvidence, ...]
    notes: tuple[str, ...] = ()

    def keeps(self, text: SyntheticText) -> bool:
        """Whether one of the categories of a text keeps what made it."""
        return any(one.key in text.categories and one.kept == text.making for one in self.categories)


_FORM = TypeAdapter(Augmentation)


def write_augmentation(folder: Path, found: Augmentation) -> None:
    """Write the evidence into the folder of a run."""
    with whole_file(folder / AUGMENTATION) as part:
        part.write_bytes(_FORM.dump_json(found, indent=1))


def read_augmentation(folder: Path) -> Augmentation | None:
    """Read what `write_augmentation` wrote; None where there is nothing."""
    path = folder / AUGMENTATION
    return _FORM.validate_json(path.read_bytes()) if path.exists() else None
