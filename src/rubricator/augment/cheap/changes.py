"""Real training texts, changed by rule, as synthetic texts of the same categories.

Ready-made libraries were looked at: augmentex has had no release since July 2024 and takes 20 MB, nlpaug none
since 2022, transliterate none since 2018 and is under the GPL. These changes take tables of a few lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from types import MappingProxyType

from rubricator.augment.cheap.register import hasty
from rubricator.augment.cheap.transliteration import there_and_back
from rubricator.augment.cheap.typos import typos
from rubricator.augment.cheap.words import word_dropout
from rubricator.config import CheapChange
from rubricator.dataset.synthetic import SyntheticText
from rubricator.records import content_hash

Change = Callable[[str, Random], str]
CHANGES: Mapping[CheapChange, Change] = MappingProxyType(
    {"typos": typos, "dropout": word_dropout, "transliteration": there_and_back, "register": hasty}
)
"""Every change by name."""
_ATTEMPTS = 20  # after so many draws that change nothing, a text cannot be changed


@dataclass(frozen=True, slots=True)
class RealText:
    """A training text with its label and the group of its near-duplicates."""

    id: str
    content: str
    categories: tuple[str, ...]
    group: str


def changed(text: str, change: CheapChange, *, seed: str) -> str | None:
    """The text after a change, never empty and never as it was; None where the change does nothing to it."""
    random = Random(seed)
    for _ in range(_ATTEMPTS):
        result = CHANGES[change](text, random)
        if result.strip() and result != text:
            return result
    return None


def cheap_texts(
    texts: Sequence[RealText], wanted: Mapping[str, int], *, changes: Sequence[CheapChange], seed: int
) -> list[SyntheticText]:
    """So many changed texts of each category as are `wanted`, or as many different ones as can be had.

    Texts and changes take turns. A changed text keeps all categories of its parent and counts for each of
    them that is wanted.
    """
    if not changes:
        return []
    made: dict[str, SyntheticText] = {}
    taken = {text.content for text in texts}
    for category, number in wanted.items():
        parents = [text for text in texts if category in text.categories]
        have = sum(category in text.categories for text in made.values())
        for text in _in_turns(parents, changes, seed):
            if have >= number:
                break
            if text.content not in taken:
                taken.add(text.content)
                made[text.id] = text
                have += 1
    return list(made.values())


def _in_turns(
    parents: Sequence[RealText], changes: Sequence[CheapChange], seed: int
) -> Iterator[SyntheticText]:
    """Every parent once with each change in turn, again and again until a whole turn gives nothing new."""
    seen = set[str]()
    for turn in count():
        new = False
        for place, parent in enumerate(parents):
            change = changes[(turn + place) % len(changes)]
            key = content_hash("cheap:1", parent.id, parent.content, change, str(turn), str(seed))
            content = changed(parent.content, change, seed=key)
            if content is None or content in seen:
                continue
            seen.add(content)
            new = True
            yield SyntheticText(
                id=f"cheap-{key}",
                content=content,
                categories=parent.categories,
                parents=(parent.id,),
                groups=(parent.group,),
                making="cheap",
                stage=change,
            )
        if not new and turn >= len(changes):
            return
