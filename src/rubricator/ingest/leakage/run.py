"""The split of a run, with the synthetic texts that train beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rubricator.dataset.dataset import Dataset
from rubricator.dataset.split import DatasetSplit
from rubricator.dataset.synthetic import SyntheticText
from rubricator.errors import DataError, nearest
from rubricator.ingest.leakage.source import Known, PartText
from rubricator.records import Text
from rubricator.tables.cells import written

_BATCH = 1000


@dataclass(slots=True)
class RunSource:
    """The texts of a run that serve something; those that are left out know nothing and measure nothing."""

    entries: list[PartText]
    known: Known

    @property
    def rows(self) -> int | None:
        """How many there are."""
        return len(self.entries)

    def texts(self) -> Iterator[list[PartText]]:
        """All of them, in the order of the dataset, synthetic ones last."""
        for start in range(0, len(self.entries), _BATCH):
            yield self.entries[start : start + _BATCH]

    def picked(self, rows: Collection[int]) -> dict[int, PartText]:
        """The texts of these numbers."""
        return {row: self.entries[row] for row in rows}


def source_of_run(
    dataset: Dataset,
    split: DatasetSplit,
    synthetic: Sequence[SyntheticText],
    *,
    group_by: str | None,
    by_time: bool,
) -> RunSource:
    """The split of a run as it is checked.

    Groups are those of the run, or with `group_by` the values of a column (`source` or a feature); times are
    looked at with `by_time`. Labels are the golden ones.

    Raises:
        DataError: No text has the column.
    """
    entries = [
        PartText(
            id=text.id,
            part=split.part[text.id],
            content=text.content,
            label=",".join(dataset.golden[text.id]) or "-" if text.id in dataset.golden else "",
            group=dataset.groups[text.id] if group_by is None else _value(text, group_by, dataset.texts),
            time=text.time if by_time else None,
        )
        for text in dataset.texts
        if split.part[text.id] != "left_out"
    ]
    entries += [
        PartText(
            id=child.id,
            part="train",
            content=child.content,
            label=",".join(child.categories) or "-",
            parents=child.parents,
        )
        for child in synthetic
    ]
    known = Known(
        labels=True,
        groups=group_by or "the groups of the run",
        times="the times of the texts" if by_time else "",
        parents="the parents of synthetic texts" if synthetic else "",
        own_ids=True,
    )
    return RunSource(entries, known)


def _value(text: Text, column: str, texts: Sequence[Text]) -> str:
    if column == "source":
        return text.source
    if column in text.features:
        return written(text.features[column])
    there = dict.fromkeys(["source", *(name for one in texts for name in one.features)])
    raise DataError(
        f"The texts of the run have no column '{column}'{nearest(column, there)}.",
        fix=f"Those that are kept are: {', '.join(there)} (`data.columns.source` and `features`).",
    )
