"""How texts were divided, in sentences for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Part
from rubricator.dataset.split import SplitPart
from rubricator.ingest.split_by_time import Boundary
from rubricator.ingest.split_groups import RANK, Gathered
from rubricator.stats.arrays import Floats

_SHOWN = 10
FOLDS_NOTE = (
    "There is no validation part: every training text is predicted by a model that did not see it"
    " ({folds} folds)."
)


def part_notes(gathered: Gathered, parts: Sequence[SplitPart]) -> Iterator[str]:
    """How large the parts are, and which the input prescribes."""
    sizes = Counter(parts)
    verbs: dict[Part, str] = {"train": "train", "validation": "validate", "test": "test"}
    shares = ", ".join(f"{sizes[part]:,} texts {verb}" for part, verb in verbs.items() if sizes[part])
    groups = len(gathered.groups)
    yield f"{shares}; they form {groups:,} groups of texts that belong together, which are never divided."
    prescribed = sorted({group.prescribed for group in gathered.groups if group.prescribed}, key=RANK.index)
    if prescribed:
        yield f"The input prescribes: {', '.join(prescribed)}."


def drawing_notes(drawn: Sequence[Part], *, chronological: bool) -> Iterator[str]:
    """How the parts were drawn that were."""
    if drawn:
        how = "the latest of the other texts" if chronological else "texts at random, stratified by category"
        yield f"Drawn as {' and '.join(drawn)}: {how}."


def time_notes(gathered: Gathered, parts: Sequence[SplitPart], boundary: Boundary) -> Iterator[str]:
    """Where the boundary lies, and what it cost."""
    moment = datetime.fromtimestamp(boundary.moment, UTC).strftime("%Y-%m-%d %H:%M")
    yield f"Texts from {moment} (UTC) on test; none that trains or validates is later than they are."
    none = np.isnan(gathered.moments)
    if untimed := sum(one and part == "train" for one, part in zip(none, parts, strict=True)):
        yield f"{untimed:,} texts have no time: they train."
    if left_out := sum(part == "left_out" for part in parts):
        yield (
            f"{left_out:,} texts lie on the other side of that moment than those they belong to (twins, or "
            "one group): they are left out."
        )


def golden_notes(
    gathered: Gathered, parts: Sequence[SplitPart], boundary: Boundary | None, *, use: str
) -> Iterator[str]:
    """What golden texts serve for."""
    if not any(group.golden for group in gathered.groups):
        yield "There is no golden text: where no review measures, the test is about agreement with teachers."
        return
    if use == "train":
        yield "Golden texts train, validate and test like all others."
        return
    if use == "tune":
        how = "in halves" if boundary is None else "the later ones of them"
        yield f"Golden texts only validate and test, {how}."
    else:
        yield f"Golden texts only test{'' if boundary is None else ', those of the later time'}."
    pairs = zip(gathered.of_text.tolist(), parts, strict=True)
    if moved := sum(gathered.groups[number].golden and part == "train" for number, part in pairs):
        why = "the input prescribes it" if boundary is None else "they are earlier than the test"
        yield (
            f"{moved:,} golden texts and duplicates of theirs lie in train, because {why};"
            " their golden labels are not used."
        )


def rare_notes(
    keys: Sequence[str],
    targets: Floats,
    parts: Sequence[str],
    *,
    serving: Collection[str],
    least: int,
) -> Iterator[str]:
    """Which categories have fewer labelled texts than `least` in one of the `serving` parts, and how many.

    `targets` are those of the labelled texts, 0 or 1, shape [texts, categories]; `parts` say where they lie.
    """
    in_part: Mapping[str, NDArray[np.int64]] = {
        part: (targets[np.array(parts, dtype=object) == part] > 0.5).sum(axis=0) for part in serving
    }
    short = [place for place in range(len(keys)) if any(counts[place] < least for counts in in_part.values())]
    for place in short[:_SHOWN]:
        listed = ", ".join(f"{counts[place]:,} in {part}" for part, counts in in_part.items())
        yield f"The category '{keys[place]}' has fewer than {least} labelled texts in a part: {listed}."
    if others := short[_SHOWN:]:
        yield f"So have {len(others):,} more: {', '.join(keys[place] for place in others)}."
