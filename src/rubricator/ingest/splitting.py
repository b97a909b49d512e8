"""Train, validation and test: whole groups only, golden texts where they belong."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rubricator.config import Part, Split
from rubricator.dataset.split import SplitBy, SplitPart
from rubricator.errors import DataError
from rubricator.records import Text
from rubricator.stats.folds import draw_share, group_marks

_FOLDS_BELOW = 2000
_VALIDATION_SHARE = 0.15
_MOST_LEFT_OUT = 0.1  # of all texts, before `by: auto` takes chance rather than time
_RANK: tuple[Part, ...] = ("train", "validation", "test")
_FOLDS_NOTE = (
    "There is no validation part: every training text is predicted by a model that did not see it"
    " ({folds} folds)."
)


@dataclass(frozen=True, slots=True)
class Parts:
    """The part of each text by id; `left_out` where it has duplicates on both sides of the boundary in time.

    `by` says what divided the texts: the input itself, time, chance, or the golden set, which is the test.
    `validation` is `part` where some texts are held out for it, and `folds` where every training text is
    predicted by a model that did not see it. `notes` are sentences for the report.
    """

    part: dict[str, SplitPart]
    by: SplitBy
    validation: Literal["folds", "part"]
    notes: list[str]


@dataclass(slots=True)
class _Group:
    """Texts that stay together."""

    marks: NDArray[np.int64]
    size: int = 0
    golden: bool = False
    prescribed: Part | None = None
    part: SplitPart | None = None
    earliest: float = math.inf
    latest: float = -math.inf

    @property
    def timed(self) -> bool:
        return math.isfinite(self.latest)


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
      Groups with texts on both sides of the boundary are left out; texts without a time train. With
      `use="tune"` the earlier golden texts validate, with `use="test"` their golden labels are not used.
    - else with `use="test"`: golden texts are the test part, alone; the others train and validate.
    - else with `use="tune"`: golden texts are divided in halves between validation and test.
    - at random: stratified by category, golden texts and others each in the same proportion.

    `by: auto` goes by time where most texts have one, unless the golden set is the test.

    `groups` go by text id; `targets` are truth or soft labels in [0, 1], shape [texts, categories]; `golden`
    are ids of the texts labelled by people, `use` what these are for.

    Raises:
        DataError: There are too few texts to fill the parts, or no boundary in time divides them.
    """
    divided, of_text = _gather(texts, groups, targets, golden)
    prescribed = {group.prescribed for group in divided if group.prescribed}
    golden_tests = use != "train" and any(group.golden and group.part is None for group in divided)
    boundary = None
    if "test" not in prescribed and not (golden_tests and config.by == "auto"):
        boundary = _boundary(divided, texts, config)
    if boundary is not None:
        _place_by_time(divided, boundary, use=use)
    elif golden_tests:
        _place_golden(divided, use=use, prescribed=prescribed, seed=seed)
    tuned = use == "tune" and any(group.golden and group.part == "validation" for group in divided)
    # Where people labelled some texts, those are what validation can trust, so they are what counts.
    judges = len(golden) if use == "train" and golden else len(texts)
    few = judges < _FOLDS_BELOW or all(group.part is not None for group in divided)
    folded = config.validation == "folds" or (config.validation == "auto" and few)
    held_out = "validation" in prescribed or tuned or not folded
    chronological = boundary is not None or (golden_tests and _goes_by_time(texts, config))
    shares: dict[Part, float] = {}
    if boundary is None and not golden_tests and "test" not in prescribed:
        shares["test"] = config.test
    if held_out and not tuned and "validation" not in prescribed:
        shares["validation"] = _VALIDATION_SHARE if config.validation == "auto" else float(config.validation)
    for part, share in shares.items():
        for golden_ones in (True, False):
            left = [group for group in divided if group.part is None and group.golden == golden_ones]
            for group in _draw(left, share, latest=chronological, seed=seed):
                group.part = part
    for group in divided:
        group.part = group.part or "train"
    validation: Literal["folds", "part"] = "part" if held_out else "folds"
    _refuse_empty(divided, validation=validation, use=use)
    by: SplitBy = "given" if "test" in prescribed else "golden" if golden_tests else "random"
    notes = [
        *_part_notes(divided),
        *([] if boundary is None else _time_notes(divided, boundary)),
        *_drawing_notes(list(shares), chronological=chronological),
        *([] if held_out else [_FOLDS_NOTE.format(folds=config.folds)]),
        *_golden_notes(divided, boundary, use=use),
    ]
    part_of: dict[str, SplitPart] = {
        text.id: divided[number].part or "train" for text, number in zip(texts, of_text, strict=True)
    }
    return Parts(part_of, by if boundary is None else "time", validation, notes)


def _gather(
    texts: Sequence[Text], groups: Mapping[str, str], targets: ArrayLike, golden: Collection[str]
) -> tuple[list[_Group], NDArray[np.int64]]:
    of_text, marks = group_marks(targets, [groups[text.id] for text in texts])
    gathered = [_Group(row) for row in marks]
    golden = frozenset(golden)
    for text, number in zip(texts, of_text, strict=True):
        group = gathered[number]
        group.size += 1
        group.golden |= text.id in golden
        if text.part:
            wanted = cast(Part, text.part)
            group.part = group.prescribed = max(group.prescribed or "train", wanted, key=_RANK.index)
        if text.time is not None:
            moment = (text.time if text.time.tzinfo else text.time.replace(tzinfo=UTC)).timestamp()
            group.earliest, group.latest = min(group.earliest, moment), max(group.latest, moment)
    return gathered, of_text


def _boundary(groups: list[_Group], texts: Sequence[Text], config: Split) -> float | None:
    """The moment from which on texts test, None where time does not divide them.

    Raises:
        DataError: Time shall divide the texts and cannot.
    """
    if not _goes_by_time(texts, config):
        return None
    if not any(text.time is not None for text in texts):
        raise DataError(
            "The texts shall be divided by time, and none of them has one.",
            fix="Name the column under `data.columns.time`, or set `split.by: random`.",
        )
    free = [group for group in groups if group.part is None]
    # What the input sends to train or validation may not be later than the test either.
    prescribed = max((group.latest for group in groups if group.part is not None), default=-math.inf)
    boundary, left_out = _best_boundary(free, config.test, later_than=prescribed)
    if config.by == "auto":
        return None if left_out > _MOST_LEFT_OUT * len(texts) else boundary
    if boundary is None:
        later = " later than what the input sends to train or validation" if prescribed > -math.inf else ""
        raise DataError(
            f"The texts shall be divided by time, and no moment{later} has different texts on both sides.",
            fix="Add texts of other times, or set `split.by: random`.",
        )
    return boundary


def _goes_by_time(texts: Sequence[Text], config: Split) -> bool:
    timed = sum(text.time is not None for text in texts)
    return config.by == "time" or (config.by == "auto" and 2 * timed > len(texts))


def _best_boundary(groups: list[_Group], share: float, *, later_than: float) -> tuple[float | None, int]:
    """The first moment of a test of about `share` of the texts that divides few groups.

    It is None if none has texts on both sides; beside it, how many texts lie in groups that it divides.
    """
    total = sum(group.size for group in groups)
    timed = [group for group in groups if group.timed]
    sizes = np.array([group.size for group in timed])
    earliest, latest = (np.array([getattr(g, name) for g in timed]) for name in ("earliest", "latest"))
    moments = np.unique(earliest)
    # Of every moment: texts in groups that begin from then on, and in groups that end from then on.
    after, ending = (
        sizes.sum() - np.concatenate([[0], np.cumsum(sizes[order])])[np.searchsorted(ends[order], moments)]
        for ends, order in ((earliest, np.argsort(earliest)), (latest, np.argsort(latest)))
    )
    divided = ending - after
    possible = (after > 0) & (total - ending > 0) & (moments > later_than)
    if not possible.any():
        return None, 0
    cost = np.where(possible, np.abs(after - share * total) + 2 * divided, np.inf)
    best = int(cost.argmin())
    return float(moments[best]), int(divided[best])


def _place_by_time(groups: list[_Group], boundary: float, *, use: str) -> None:
    for group in groups:
        if group.part is None and group.latest >= boundary:
            group.part = "test" if group.earliest >= boundary else "left_out"
        elif group.part is None and group.golden and use == "tune":
            group.part = "validation"


def _place_golden(groups: list[_Group], *, use: str, prescribed: set[Part], seed: int) -> None:
    """Golden groups that the input leaves free: to test, or in halves to validation and test."""
    free = [group for group in groups if group.golden and group.part is None]
    for group in free:
        group.part = "test"
    if use == "test" or "validation" in prescribed:
        return
    halved = free if "test" in prescribed else _draw(free, 0.5, latest=False, seed=seed)
    for group in halved:
        group.part = "validation"


def _draw(groups: list[_Group], share: float, *, latest: bool, seed: int) -> list[_Group]:
    """The latest groups, or a stratified choice: about `share` of the texts, never all groups."""
    if len(groups) < 2:
        return []
    if not latest:
        marks = np.stack([group.marks for group in groups])
        return [groups[number] for number in draw_share(marks, share=share, seed=seed)]
    wanted = share * sum(group.size for group in groups)
    drawn: list[_Group] = []
    for group in sorted(groups, key=lambda group: group.latest, reverse=True)[:-1]:
        drawn.append(group)
        wanted -= group.size
        if wanted <= group.size / 2:
            break
    return drawn


def _refuse_empty(groups: list[_Group], *, validation: str, use: str) -> None:
    sizes = _sizes(groups)
    if use == "test" and not sizes["train"] and any(group.golden for group in groups):
        raise DataError(
            "All texts are golden or repeat golden ones, and golden texts are kept for the test: none is left"
            " to train.",
            fix="Set `golden.use: train`, or add texts without labels.",
        )
    needed: tuple[Part, ...] = ("train", "test") if validation == "folds" else _RANK
    empty = [part for part in needed if not sizes[part]]
    if empty:
        raise DataError(
            f"{len(groups)} different texts are too few: nothing is left for {' and '.join(empty)}.",
            fix="Add texts, or set `split.validation: folds`.",
        )


def _sizes(groups: list[_Group]) -> dict[SplitPart, int]:
    parts: tuple[SplitPart, ...] = (*_RANK, "left_out")
    return {part: sum(group.size for group in groups if group.part == part) for part in parts}


def _part_notes(groups: list[_Group]) -> Iterator[str]:
    sizes = _sizes(groups)
    verbs: dict[Part, str] = {"train": "train", "validation": "validate", "test": "test"}
    shares = ", ".join(f"{sizes[part]:,} texts {verb}" for part, verb in verbs.items() if sizes[part])
    yield f"{shares}; they form {len(groups):,} groups of duplicates, which are never divided."
    prescribed = sorted({group.prescribed for group in groups if group.prescribed}, key=_RANK.index)
    if prescribed:
        yield f"The input prescribes: {', '.join(prescribed)}."


def _drawing_notes(drawn: list[Part], *, chronological: bool) -> Iterator[str]:
    if drawn:
        how = "the latest of the other texts" if chronological else "texts at random, stratified by category"
        yield f"Drawn as {' and '.join(drawn)}: {how}."


def _time_notes(groups: list[_Group], boundary: float) -> Iterator[str]:
    moment = datetime.fromtimestamp(boundary, UTC).strftime("%Y-%m-%d %H:%M")
    yield f"Texts from {moment} (UTC) on test; none that trains or validates is later than they are."
    if untimed := sum(group.size for group in groups if not group.timed and group.part == "train"):
        yield f"{untimed:,} texts have no time: they train."
    if left_out := sum(group.size for group in groups if group.part == "left_out"):
        yield f"{left_out:,} texts have near-duplicates on the other side of that moment: they are left out."


def _golden_notes(groups: list[_Group], boundary: float | None, *, use: str) -> Iterator[str]:
    golden = [group for group in groups if group.golden]
    if not golden:
        yield "There is no golden text: where no review measures, the test is about agreement with teachers."
        return
    sizes = _sizes(golden)
    if use == "train":
        yield "Golden texts train, validate and test like all others."
    elif use == "tune":
        how = "in halves" if boundary is None else "the later ones of them"
        yield f"Golden texts only validate and test, {how}."
    else:
        yield f"Golden texts only test{'' if boundary is None else ', those of the later time'}."
    moved = sizes["train"] if use != "train" else 0
    if moved:
        why = "the input prescribes it" if boundary is None else "they are earlier than the test"
        yield (
            f"{moved:,} golden texts and duplicates of theirs lie in train, because {why};"
            " their golden labels are not used."
        )
