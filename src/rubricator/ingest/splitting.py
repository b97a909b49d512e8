"""Train, validation and test: whole groups only, golden texts where they belong."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rubricator.config import Part, Split
from rubricator.dataset.split import SplitBy, SplitPart
from rubricator.errors import DataError
from rubricator.ingest.split_by_time import find_boundary, goes_by_time, place_by_time
from rubricator.ingest.split_groups import RANK, Group, gather
from rubricator.ingest.split_notes import FOLDS_NOTE, drawing_notes, golden_notes, part_notes, time_notes
from rubricator.records import Text
from rubricator.stats.folds import draw_share

_FOLDS_BELOW = 2000
_VALIDATION_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Parts:
    """The part of each text by id; `left_out` where time divides what belongs together.

    `by` says what divided the texts: the input itself, time, chance, or the golden set, which is the test.
    `validation` is `part` where some texts are held out for it, and `folds` where every training text is
    predicted by a model that did not see it. `notes` are sentences for the report.
    """

    part: dict[str, SplitPart]
    by: SplitBy
    validation: Literal["folds", "part"]
    notes: list[str]


def split_texts(
    texts: Sequence[Text],
    groups: Mapping[str, str],
    targets: ArrayLike,
    golden: Collection[str],
    *,
    use: Literal["test", "tune", "train"],
    config: Split,
    seed: int,
) -> Parts:
    """Divide texts into train, validation and test.

    A part that the input prescribes holds for the whole group of the text (test before validation
    before train), and no other texts are drawn into it. What is left:

    - by time: the latest texts test, whoever labelled them, and no other text is later than one of them,
      those that the input sends to train or validation included.
      Of a group with texts on both sides of the boundary those of one side are left out; texts without a time
      train, unless their group tests. With `use="tune"` the earlier golden texts validate, with `use="test"`
      their golden labels are not used.
    - else with `use="test"`: golden texts are the test part, alone; the others train and validate.
    - else with `use="tune"`: golden texts are divided in halves between validation and test.
    - at random: stratified by category, golden texts and others each in the same proportion, with
      `config.min_per_category` groups of each category in each part where there are enough.

    `by: auto` goes by time where most texts have one, unless the golden set is the test.

    `groups` go by text id; `targets` are truth or soft labels in [0, 1], shape [texts, categories]; `golden`
    are ids of the texts labelled by people, `use` what these are for.

    Raises:
        DataError: There are too few texts to fill the parts, or no boundary in time divides them.
    """
    gathered = gather(texts, groups, targets, golden)
    divided, least = gathered.groups, config.min_per_category
    prescribed = {group.prescribed for group in divided if group.prescribed}
    golden_tests = use != "train" and any(group.golden and group.part is None for group in divided)
    boundary, out = None, np.zeros(len(texts), dtype=bool)
    if "test" not in prescribed and not (golden_tests and config.by == "auto"):
        boundary = find_boundary(gathered, texts, config)
    if boundary is not None:
        out = place_by_time(gathered, boundary, use=use)
    elif golden_tests:
        _place_golden(divided, use=use, prescribed=prescribed, seed=seed, least=least)
    tuned = use == "tune" and any(group.golden and group.part == "validation" for group in divided)
    # Where people labelled some texts, those are what validation can trust, so they are what counts.
    judges = len(golden) if use == "train" and golden else len(texts)
    few = judges < _FOLDS_BELOW or all(group.part is not None for group in divided)
    folded = config.validation == "folds" or (config.validation == "auto" and few)
    held_out = "validation" in prescribed or tuned or not folded
    chronological = boundary is not None or (golden_tests and goes_by_time(texts, config))
    shares: dict[Part, float] = {}
    if boundary is None and not golden_tests and "test" not in prescribed:
        shares["test"] = config.test
    if held_out and not tuned and "validation" not in prescribed:
        shares["validation"] = _VALIDATION_SHARE if config.validation == "auto" else float(config.validation)
    for part, share in shares.items():
        rest = 2 if part == "test" and "validation" in shares else 1
        for golden_ones in (True, False):
            left = [group for group in divided if group.part is None and group.golden == golden_ones]
            for group in _draw(left, share, latest=chronological, seed=seed, least=least, rest=rest):
                group.part = part
    part_of: list[SplitPart] = [
        "left_out" if left_out else divided[number].part or "train"
        for number, left_out in zip(gathered.of_text.tolist(), out.tolist(), strict=True)
    ]
    validation: Literal["folds", "part"] = "part" if held_out else "folds"
    _refuse_empty(divided, part_of, validation=validation, use=use)
    by: SplitBy = "given" if "test" in prescribed else "golden" if golden_tests else "random"
    notes = [
        *part_notes(gathered, part_of),
        *([] if boundary is None else time_notes(gathered, part_of, boundary)),
        *drawing_notes(list(shares), chronological=chronological),
        *([] if held_out else [FOLDS_NOTE.format(folds=config.folds)]),
        *golden_notes(gathered, part_of, boundary, use=use),
    ]
    by_id = {text.id: part for text, part in zip(texts, part_of, strict=True)}
    return Parts(by_id, by if boundary is None else "time", validation, notes)


def _place_golden(groups: list[Group], *, use: str, prescribed: set[Part], seed: int, least: int) -> None:
    """Golden groups that the input leaves free: to test, or in halves to validation and test."""
    free = [group for group in groups if group.golden and group.part is None]
    for group in free:
        group.part = "test"
    if use == "test" or "validation" in prescribed:
        return
    halved = free if "test" in prescribed else _draw(free, 0.5, latest=False, seed=seed, least=least)
    for group in halved:
        group.part = "validation"


def _draw(
    groups: list[Group], share: float, *, latest: bool, seed: int, least: int, rest: int = 1
) -> list[Group]:
    """The latest groups, or a stratified choice: about `share` of the texts, never all groups."""
    if len(groups) < 2:
        return []
    if not latest:
        counts = np.stack([group.counts for group in groups])
        drawn_rows = draw_share(counts, share=share, seed=seed, least=least, rest=rest)
        return [groups[number] for number in drawn_rows]
    wanted = share * sum(group.size for group in groups)
    drawn: list[Group] = []
    for group in sorted(groups, key=lambda group: group.latest, reverse=True)[:-1]:
        drawn.append(group)
        wanted -= group.size
        if wanted <= group.size / 2:
            break
    return drawn


def _refuse_empty(groups: list[Group], parts: Sequence[SplitPart], *, validation: str, use: str) -> None:
    if use == "test" and "train" not in parts and any(group.golden for group in groups):
        raise DataError(
            "All texts are golden or belong to golden ones, and golden texts are kept for the test: none is"
            " left to train.",
            fix="Set `golden.use: train`, or add texts without labels.",
        )
    needed: tuple[Part, ...] = ("train", "test") if validation == "folds" else RANK
    empty = [part for part in needed if part not in parts]
    if empty:
        raise DataError(
            f"{len(groups)} different texts, or groups of them, are too few: nothing is left for "
            f"{' and '.join(empty)}.",
            fix="Add texts, set `split.validation: folds`, or name another column under `split.group_by`.",
        )
