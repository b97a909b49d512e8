"""Synthetic texts as rows that models may learn from, with the groups whose children they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rubricator.dataset.dataset import Dataset
from rubricator.dataset.examples import Examples
from rubricator.dataset.synthetic import Making, SyntheticText
from rubricator.records import Text
from rubricator.stats.arrays import Bools, Indices, Vectors
from rubricator.taxonomy import Taxonomy

_NAMED = 3  # of what was left out, so many are named


@dataclass(frozen=True, slots=True)
class SyntheticExamples:
    """Synthetic texts as rows.

    Attributes:
        examples: The rows; their weights say how much each counts beside its parents.
        relatives: Groups of the parents of each row. Where one of them is held out, so is the row.
        free: Groups of training texts of which no label counts: nothing is learnt from them and they
            judge nothing, so they hold nothing out.
        making: What made each row.
    """

    examples: Examples
    relatives: Sequence[Collection[str]]
    making: Sequence[Making]
    free: Collection[str] = field(default=frozenset(), repr=False)

    def subset(self, rows: Indices | Bools) -> SyntheticExamples:
        """These rows alone."""
        index = np.arange(len(self.examples))[rows].tolist()
        return replace(
            self,
            examples=self.examples.subset(np.asarray(index, dtype=np.intp)),
            relatives=[self.relatives[row] for row in index],
            making=[self.making[row] for row in index],
        )

    def with_free(self, groups: Collection[str]) -> SyntheticExamples:
        """The same where these groups hold nothing out."""
        return replace(self, free=frozenset(groups))


@dataclass(frozen=True, slots=True)
class UsableTexts:
    """Synthetic texts that may train at all, and sentences on those that may not."""

    texts: tuple[SyntheticText, ...]
    notes: tuple[str, ...]


def usable_texts(
    texts: Sequence[SyntheticText], dataset: Dataset, part: Mapping[str, str], taxonomy: Taxonomy
) -> UsableTexts:
    """Leave out what has an unknown category, or a parent that is not among the training texts as it was.

    A file of another run names parents that are not here, or that lie in other groups.
    """
    kept: list[SyntheticText] = []
    dropped: dict[str, list[str]] = {}
    seen = {text.id for text in dataset.texts}
    for text in texts:
        fault = next(_faults(text, dataset, part, taxonomy), "")
        if not fault and text.id in seen:
            fault = "has the id of another text"
        seen.add(text.id)
        if fault:
            dropped.setdefault(fault, []).append(text.id)
        else:
            kept.append(text)
    return UsableTexts(tuple(kept), tuple(_note(fault, ids) for fault, ids in dropped.items()))


def _faults(
    text: SyntheticText, dataset: Dataset, part: Mapping[str, str], taxonomy: Taxonomy
) -> Iterator[str]:
    if unknown := [key for key in text.categories if key not in taxonomy.keys]:
        yield f"of the category '{unknown[0]}', which the taxonomy does not have"
    if taxonomy.single and len(text.categories) != 1:
        yield "without exactly one category, where a text has one"
    if not text.content.strip():
        yield "without content"
    if not text.parents:
        yield "without parents"
    for parent in text.parents:
        if parent not in dataset.groups:
            yield "whose parent is none of the texts of this run"
        elif part.get(parent) != "train":
            yield "whose parent is not in train"
        elif dataset.groups[parent] not in text.groups:
            yield "whose parent lies in another group than when it was made"


def _note(fault: str, ids: Sequence[str]) -> str:
    named = ", ".join(f"'{id_}'" for id_ in ids[:_NAMED])
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return f"{len(ids):,} synthetic text{'s'[: len(ids) > 1]} {fault}: left out ({named}{more})."


def as_texts(texts: Sequence[SyntheticText]) -> list[Text]:
    """As encoders take them."""
    return [Text(id=text.id, content=text.content) for text in texts]


def synthetic_examples(
    texts: Sequence[SyntheticText],
    dataset: Dataset,
    taxonomy: Taxonomy,
    vectors: Vectors | None,
    more_vectors: Mapping[str, Vectors] | None = None,
    *,
    weight: float = 1.0,
) -> SyntheticExamples:
    """Synthetic texts as rows; vectors are in the order of `texts`, as in `Examples`.

    A text has the features of its first parent: without any, a missing feature would say what is synthetic.
    """
    by_id = {text.id: text for text in dataset.texts}
    return SyntheticExamples(
        Examples(
            contents=[text.content for text in texts],
            vectors=vectors,
            targets=taxonomy.space.indicators([text.categories for text in texts]).astype(np.float64),
            weights=np.full(len(texts), weight),
            groups=[f"synthetic:{text.id}" for text in texts],
            features=[by_id[text.parents[0]].features for text in texts],
            more_vectors=more_vectors or {},
            synthetic=np.ones(len(texts), dtype=bool),
        ),
        relatives=[frozenset(text.groups) for text in texts],
        making=[text.making for text in texts],
    )


def tied_groups(groups: Sequence[str], relatives: Sequence[Collection[str]], *, most: int) -> list[str]:
    """Groups put together where they share a child, for it must be held out with any of them.

    Where more than `most` texts would come together they stay apart: then the child is left out.

    Args:
        groups: Group of each text.
        relatives: Groups of the parents of each child.
        most: Texts that may come together.

    Returns:
        A name for each text, the same for those that must lie in one fold.
    """
    root = {group: group for group in groups}
    size = Counter(groups)

    def find(group: str) -> str:
        while root[group] != group:
            root[group] = root[root[group]]
            group = root[group]
        return group

    for family in relatives:
        roots = sorted({find(group) for group in family if group in root})
        if len(roots) > 1 and sum(size[one] for one in roots) <= most:
            first, *others = roots
            for other in others:
                root[other] = first
                size[first] += size.pop(other)
    return [find(group) for group in groups]
