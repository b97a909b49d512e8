"""Texts that come more than once, and what is told of them differently."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rubricator.explore.known import Known
from rubricator.pages.formatting import excerpt
from rubricator.records import Text

_GROUPS, _MEMBERS, _EXCERPT = 8, 4, 220


@dataclass(frozen=True, slots=True)
class Copy:
    """One text of a group: where it is from and what it was labelled."""

    id: str
    source: str
    labels: tuple[str, ...] | None
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Texts that say the same; `copies` shows one of each wording, and two if there is only one."""

    texts: int
    wordings: int
    sources: int
    copies: list[Copy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Texts that come more than once.

    Attributes:
        copies: Texts beside the first of each group, `exact` of them word for word like an earlier one.
        groups: Number of groups of two or more.
        across_sources: Groups with texts of several sources.
        largest: The largest groups.
        contradictory: Groups that people labelled in several ways, each with examples.
        split: Number of groups on which the teachers' labels differ.
        crossing: Groups whose texts the input puts into different parts.
    """

    copies: int
    exact: int
    groups: int
    across_sources: int
    largest: list[Group]
    contradictory: list[Group]
    contradictory_count: int
    split: int
    crossing: int


def duplicates(known: Known) -> Duplicates:
    """Describe the groups that the read stage found."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(known.texts):
        rows[known.groups[text.id]].append(row)
    several = sorted((own for own in rows.values() if len(own) > 1), key=lambda own: (-len(own), own[0]))
    human, texts = known.human, known.texts
    against = [own for own in several if len(_labels(known, [row for row in own if human[row]])) > 1]
    return Duplicates(
        copies=sum(len(own) - 1 for own in several),
        exact=known.facts.get("exact_duplicates", 0),
        groups=len(several),
        across_sources=sum(len({texts[row].source for row in own} - {""}) > 1 for own in several),
        largest=[_group(known, own) for own in several[:_GROUPS]],
        contradictory=[_group(known, own, by_label=True) for own in against[:_GROUPS]],
        contradictory_count=len(against),
        split=sum(len(_labels(known, [row for row in own if known.labelled[row]])) > 1 for own in several),
        crossing=sum(len({texts[row].part for row in own} - {""}) > 1 for own in several),
    )


def _labels(known: Known, rows: Sequence[int]) -> set[bytes]:
    return {known.categories[row].tobytes() for row in rows}


def _group(known: Known, rows: list[int], *, by_label: bool = False) -> Group:
    keys = known.taxonomy.keys if known.taxonomy else ()
    texts = [known.texts[row] for row in rows]
    wordings = Counter(_wording(text) for text in texts)
    seen: set[object] = set()
    different: list[int] = []
    others: list[int] = []
    for row in rows:
        mark: object = known.categories[row].tobytes() if by_label else _wording(known.texts[row])
        (others if mark in seen else different).append(row)
        seen.add(mark)
    shown = (different if len(different) > 1 else [*different, *others[:1]])[:_MEMBERS]
    copies = [
        Copy(
            known.texts[row].id,
            known.texts[row].source,
            tuple(key for key, has in zip(keys, known.categories[row], strict=True) if has)
            if known.labelled[row]
            else None,
            excerpt(" ".join(known.texts[row].content.split()), _EXCERPT),
        )
        for row in shown
    ]
    return Group(len(rows), len(wordings), len({text.source for text in texts} - {""}), copies)


def _wording(text: Text) -> str:
    return " ".join(text.content.casefold().split())
