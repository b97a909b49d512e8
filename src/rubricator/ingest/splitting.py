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
from rubricator.errors import DataError
from rubricator.records import Text
from rubricator.stats.folds import draw_share, group_marks, make_folds

__all__ = ["Parts", "make_folds", "split_texts"]

_FOLDS_BELOW = 2000
_VALIDATION_SHARE = 0.15
_RANK: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Parts:
    """Which text belongs to which part.

    Attributes:
        part: Part by text id.
        by: What divided the texts: the input itself, time, or chance.
        validation: `part` where some texts are held out for validation; `folds` where every training
            text is predicted by a model that did not see it.
        notes: How the texts were divided, in sentences for the report.
    """

    part: dict[str, Part]
    by: Literal["given", "time", "random"]
    validation: Literal["folds", "part"]
    notes: list[str]


@dataclass(slots=True)
class _Group:
    """Texts that stay together."""

    marks: NDArray[np.int64]
    size: int = 0
    golden: bool = False
    given: Part | None = None
    part: Part | None = None
    time: datetime | None = None


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

    - `use="test"`: golden texts are the test part, alone; the others train and validate.
    - `use="tune"`: golden texts are divided in halves between validation and test; the others train.
    - `use="train"`: all texts are divided alike, golden and other ones each in the same proportion.

    By time, the latest groups go to test and the ones before them to validation, so that no
    training text is later than a test text; at random, division is stratified by category.

    Args:
        texts: The labelled texts.
        groups: Group by text id.
        targets: Truth or soft labels, shape [texts, categories], in [0, 1].
        golden: Ids of the texts labelled by people.
        use: What golden texts are for.
        config: How to divide.
        seed: Same seed, same parts.

    Raises:
        DataError: There are too few texts to fill the parts.
    """
    divided, of_text = _gather(texts, groups, targets, golden)
    by = _method(texts, config)
    given = {group.given for group in divided if group.given}
    free_golden = any(group.golden and group.part is None for group in divided)
    tuned = use == "tune" and free_golden
    # Where people labelled some texts, those are what validation can trust, so they are what counts.
    judges = len(golden) if use == "train" and golden else len(texts)
    free = any(group.part is None for group in divided)
    folded = _by_folds(judges, config) or (config.validation == "auto" and not free)
    held_out = "validation" in given or tuned or not folded
    shares: dict[Part, float] = {}
    if "test" not in given and (use == "train" or not free_golden):
        shares["test"] = config.test
    if held_out and not tuned and "validation" not in given:
        shares["validation"] = _VALIDATION_SHARE if config.validation == "auto" else float(config.validation)
    _place_golden(divided, use=use, given=given, seed=seed)
    for part, share in shares.items():
        for golden_ones in (True, False):
            left = [group for group in divided if group.part is None and group.golden == golden_ones]
            for group in _draw(left, share, by=by, seed=seed):
                group.part = part
    for group in divided:
        group.part = group.part or "train"
    validation: Literal["folds", "part"] = "part" if held_out else "folds"
    _refuse_empty(divided, validation=validation, use=use)
    return Parts(
        part={text.id: divided[number].part or "train" for text, number in zip(texts, of_text, strict=True)},
        by="given" if "test" in given else by,
        validation=validation,
        notes=list(_notes(divided, use=use, by=by, drawn=list(shares), validation=validation, config=config)),
    )


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
            group.given = max(group.given or "train", wanted, key=_RANK.index)
            group.part = group.given
        # The latest of its texts places a group: no training group reaches past the boundary.
        if text.time is not None and (group.time is None or text.time > group.time):
            group.time = text.time
    return gathered, of_text


def _method(texts: Sequence[Text], config: Split) -> Literal["time", "random"]:
    timed = sum(text.time is not None for text in texts)
    if config.by == "time" and not timed:
        raise DataError(
            "The texts shall be divided by time, and none of them has one.",
            fix="Name the column under `data.columns.time`, or set `split.by: random`.",
        )
    return "time" if config.by == "time" or (config.by == "auto" and timed == len(texts)) else "random"


def _by_folds(count: int, config: Split) -> bool:
    return config.validation == "folds" or (config.validation == "auto" and count < _FOLDS_BELOW)


def _place_golden(groups: list[_Group], *, use: str, given: set[Part], seed: int) -> None:
    """Golden groups that the input leaves free: to test, or in halves to validation and test."""
    free = [group for group in groups if group.golden and group.part is None]
    if use == "train":
        return
    for group in free:
        group.part = "test"
    if use == "test" or "validation" in given:
        return
    halved = free if "test" in given else _draw(free, 0.5, by="random", seed=seed)
    for group in halved:
        group.part = "validation"


def _draw(groups: list[_Group], share: float, *, by: Literal["time", "random"], seed: int) -> list[_Group]:
    """The latest groups, or a stratified choice: about `share` of the texts, never all groups."""
    if len(groups) < 2:
        return []
    if by == "random":
        marks = np.stack([group.marks for group in groups])
        return [groups[number] for number in draw_share(marks, share=share, seed=seed)]
    wanted = share * sum(group.size for group in groups)
    latest = sorted(groups, key=_timestamp, reverse=True)
    drawn: list[_Group] = []
    for group in latest[:-1]:
        drawn.append(group)
        wanted -= group.size
        if wanted <= group.size / 2:
            break
    return drawn


def _timestamp(group: _Group) -> float:
    """Groups without a time count as the earliest: they train."""
    if group.time is None:
        return -math.inf
    aware = group.time if group.time.tzinfo else group.time.replace(tzinfo=UTC)
    return aware.timestamp()


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


def _sizes(groups: list[_Group]) -> dict[Part, int]:
    return {part: sum(group.size for group in groups if group.part == part) for part in _RANK}


def _notes(
    groups: list[_Group],
    *,
    use: str,
    by: str,
    drawn: list[Part],
    validation: str,
    config: Split,
) -> Iterator[str]:
    sizes = _sizes(groups)
    verbs: dict[Part, str] = {"train": "train", "validation": "validate", "test": "test"}
    shares = ", ".join(f"{sizes[part]:,} texts {verb}" for part, verb in verbs.items() if sizes[part])
    yield (f"{shares}; they form {len(groups):,} groups of duplicates, which are never divided.")
    given = sorted({group.given for group in groups if group.given}, key=_RANK.index)
    if given:
        yield f"The input prescribes: {', '.join(given)}."
    if drawn:
        how = "the latest texts" if by == "time" else "texts at random, stratified by category"
        yield f"Drawn as {' and '.join(drawn)}: {how}."
    if by == "time" and (untimed := sum(group.time is None for group in groups)):
        yield f"{untimed:,} groups have no time and count as the earliest."
    if validation == "folds":
        yield (
            f"There is no validation part: every training text is predicted by a model that did not see it"
            f" ({config.folds} folds)."
        )
    yield from _golden_notes(groups, use=use)


def _golden_notes(groups: list[_Group], *, use: str) -> Iterator[str]:
    golden = [group for group in groups if group.golden]
    if not golden:
        yield "No text was labelled by people: the test measures agreement with the teachers."
        return
    sizes = _sizes(golden)
    yield {
        "test": "Golden texts only test.",
        "tune": "Golden texts only validate and test, in halves.",
        "train": "Golden texts train, validate and test like all others.",
    }[use]
    moved = sizes["train"] if use != "train" else 0
    if moved:
        yield (
            f"{moved:,} golden texts and duplicates of theirs lie in train, because the input prescribes it;"
            " their golden labels are not used."
        )
