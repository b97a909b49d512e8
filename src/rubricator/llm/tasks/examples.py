"""Chooses which golden texts a model is shown before it is asked."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rubricator.llm.tasks.task import Example
from rubricator.records import Text
from rubricator.stats.arrays import Vectors

_BLOCK = 1024  # texts compared with all golden ones at a time
_TYPICAL = 4


@dataclass(frozen=True, slots=True)
class Golden:
    """A golden text that may teach, and so be shown; `group` is that of its near-duplicates."""

    text: Text
    categories: tuple[str, ...]
    group: str

    @property
    def example(self) -> Example:
        """What the model is shown."""
        return Example(self.text.content, self.categories)


@dataclass(frozen=True, slots=True)
class Shots:
    """The examples that each text is asked with.

    Attributes:
        of: By text id, for texts that are not asked with the usual ones.
        usual: For all other texts.
        typical: Sets of examples with which texts without content are asked, for contextual
            calibration: the prior is the mean over them.
    """

    of: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)
    usual: tuple[Example, ...] = ()
    typical: tuple[tuple[Example, ...], ...] = ((),)

    def __call__(self, text: Text) -> tuple[Example, ...]:
        """The examples for a text."""
        return self.of.get(text.id, self.usual)


def fixed(chosen: Sequence[Golden], texts: Sequence[Text], groups: Mapping[str, str]) -> Shots:
    """Show the same examples, in order, to every text, less the text itself and its duplicates.

    `groups` names the group of near-duplicates by text id.
    """
    usual = tuple(golden.example for golden in chosen)
    excluded = {golden.group for golden in chosen} | {golden.text.content for golden in chosen}
    own = {
        text.id: tuple(golden.example for golden in chosen if not _same(golden, text, groups))
        for text in texts
        if groups.get(text.id, text.id) in excluded or text.content in excluded
    }
    return Shots(own, usual, (usual,))


def drawn(golden: Sequence[Golden], count: int, keys: Sequence[str], seed: int) -> list[Golden]:
    """Draw examples evenly over the categories, none twice from one group.

    Categories take turns, the rare ones first, until `count` are drawn; a text of several categories
    serves each of them. Texts without a category take turns too. The result is shuffled, so that the
    last example, to which models listen most, is of no particular category.
    """
    chance = random.Random(seed)
    pool = sorted(golden, key=lambda item: item.text.id)
    chance.shuffle(pool)
    kinds: list[str | None] = [key for key in keys if any(key in item.categories for item in pool)]
    if any(not item.categories for item in pool):
        kinds.append(None)
    kinds.sort(key=lambda key: sum(_is(item, key) for item in pool))
    chosen: list[Golden] = []
    while len(chosen) < count and pool:
        # Whose turn it is: the category that the fewest of the chosen have.
        turns = sorted(kinds, key=lambda key: sum(_is(item, key) for item in chosen))
        item = next((item for key in turns for item in pool if _is(item, key)), None)
        if item is None:
            break
        chosen.append(item)
        pool = [
            other for other in pool if other.group != item.group and other.text.content != item.text.content
        ]
    chance.shuffle(chosen)
    return chosen


def nearest(
    golden: Sequence[Golden],
    golden_vectors: Vectors,
    texts: Sequence[Text],
    vectors: Vectors,
    groups: Mapping[str, str],
    count: int,
) -> Shots:
    """Show every text the golden texts most like it, the likest last, next to the question.

    The text itself, its near-duplicates and golden texts of the same content are not shown, nor two
    golden texts of one group. The prior of contextual calibration is the mean over the examples of
    a few golden texts, spread evenly: each text's own would double the cost.

    Vectors are L2-normalised, shape [texts, width]; `groups` names near-duplicates by text id.
    """
    of: dict[str, tuple[Example, ...]] = {}
    for start in range(0, len(texts), _BLOCK):
        likeness = vectors[start : start + _BLOCK] @ golden_vectors.T
        for text, row in zip(texts[start : start + _BLOCK], likeness, strict=True):
            of[text.id] = _likest(golden, row, text, groups, count)
    by_id = sorted(range(len(golden)), key=lambda at: golden[at].text.id)
    spread = sorted({turn * len(golden) // _TYPICAL for turn in range(_TYPICAL)}) if golden else []
    typical = tuple(
        _likest(golden, golden_vectors[at] @ golden_vectors.T, golden[at].text, groups, count)
        for at in (by_id[place] for place in spread)
    )
    return Shots(of, typical=typical or ((),))


def _likest(
    golden: Sequence[Golden], likeness: Vectors, text: Text, groups: Mapping[str, str], count: int
) -> tuple[Example, ...]:
    shown: list[Golden] = []
    for at in np.argsort(-likeness, kind="stable"):
        item = golden[at]
        if not _same(item, text, groups) and item.group not in {other.group for other in shown}:
            shown.append(item)
        if len(shown) == count:
            break
    return tuple(item.example for item in reversed(shown))


def _same(golden: Golden, text: Text, groups: Mapping[str, str]) -> bool:
    """Whether a golden text is the text itself or a duplicate of it."""
    return (
        golden.text.id == text.id
        or golden.group == groups.get(text.id, text.id)
        or golden.text.content == text.content
    )


def _is(golden: Golden, key: str | None) -> bool:
    return key in golden.categories if key is not None else not golden.categories
