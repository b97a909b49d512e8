"""Check of a split: what leaks between its parts, and how many points that flatters a model by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rubricator.dataset import files
from rubricator.dataset.synthetic import SYNTHETIC, read_synthetic
from rubricator.errors import DataError
from rubricator.ingest.leakage.files import CheckColumns, open_split
from rubricator.ingest.leakage.index import Index, index_texts
from rubricator.ingest.leakage.leaks import Leak, find_leaks, repeated_ids
from rubricator.ingest.leakage.run import source_of_run
from rubricator.ingest.leakage.source import Source
from rubricator.pipeline.split_points import Measured, measure_points
from rubricator.pipeline.stage import Run
from rubricator.progress import Progress, silent

THRESHOLD = 0.5
"""Jaccard similarity of word shingles from which texts are near-duplicates, as `duplicates.threshold` is."""
SEED = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part as it was found: its texts, and how many of them have a label."""

    name: str
    texts: int
    labelled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakCount:
    """How much leaks in one way: `texts` of `held` are known to `others` texts of `other`.

    `alike` are those of them whose twin has the same label, of those where both have one (`compared`).
    """

    kind: str
    held: str
    other: str
    texts: int
    share: float
    others: int
    alike: int
    compared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCheck:
    """What a check found; `looked_for` are the kinds of leaks that could be seen, `notes` say what could not.

    `leaks` and `source` are for `read_pairs` and `write_pairs`.
    """

    parts: tuple[Part, ...]
    looked_for: tuple[str, ...]
    counts: tuple[LeakCount, ...]
    measured: Measured | None
    notes: tuple[str, ...]
    leaks: Sequence[Leak]
    source: Source

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "parts": [asdict(part) for part in self.parts],
            "looked_for": list(self.looked_for),
            "leaks": [asdict(count) for count in self.counts],
            "points": None if self.measured is None else asdict(self.measured),
            "notes": list(self.notes),
        }


def check_files(
    given: Sequence[str | Path],
    columns: CheckColumns | None = None,
    *,
    threshold: float = THRESHOLD,
    seed: int = SEED,
    progress: Progress = silent,
) -> SplitCheck:
    """Check a split in files: `PART=FILE` each, files named after parts, or one with a column of parts.

    Raises:
        DataError: A file or a column cannot be used, or there are no two parts.
    """
    return _check(open_split(given, columns or CheckColumns()), threshold, seed, progress)


def check_run(run: Run, *, group_by: str | None = None) -> SplitCheck:
    """Check the split of a run, whose stages up to `split` are done, with its synthetic texts.

    Times are compared where time divided the texts, groups as the run formed them, or by a column.

    Raises:
        DataError: The texts have no such column.
    """
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    synthetic = read_synthetic(run.folder / SYNTHETIC)
    source = source_of_run(dataset, split, synthetic, group_by=group_by, by_time=split.by == "time")
    if len({entry.part for entry in source.entries}) < 2:
        raise DataError("The run has one part only.", fix="Run `rubricator split` again.")
    config = run.config
    threshold = config.duplicates.threshold if config.duplicates.method == "minhash" else THRESHOLD
    return _check(source, threshold, config.seed, run.progress)


def _check(source: Source, threshold: float, seed: int, progress: Progress) -> SplitCheck:
    index = index_texts(source, threshold=threshold, progress=progress)
    leaks = find_leaks(index, source, threshold=threshold, progress=progress)
    known, notes = source.known, list(source.known.notes)
    if known.own_ids and (repeated := repeated_ids(index)):
        notes.append(
            f"{repeated:,} ids stand in several parts. That is no leak by itself: equal texts are found by "
            "their words."
        )
    if known.times and not np.isfinite(index.time).any():
        notes.append(f"No text has a time in '{known.times}' that can be read: times are not compared.")
    if known.groups and not index.group.any():
        notes.append(f"No text has a value in '{known.groups}': groups are not compared.")
    measured = None
    if known.labels:
        measured = measure_points(index, leaks, source, notes, seed=seed, progress=progress)
    looked_for = [
        "exact and near duplicates",
        *([f"groups ({known.groups})"] if known.groups else []),
        *([f"times ({known.times})"] if known.times else []),
        *([f"relatives ({known.parents})"] if known.parents else []),
    ]
    return SplitCheck(
        parts=tuple(_part(index, name) for name in index.parts),
        looked_for=tuple(looked_for),
        counts=tuple(_count(index, leak) for leak in leaks),
        measured=measured,
        notes=tuple(notes),
        leaks=leaks,
        source=source,
    )


def _part(index: Index, name: str) -> Part:
    rows = index.of_part(name)
    return Part(name=name, texts=int(rows.sum()), labelled=int((rows & (index.label >= 0)).sum()))


def _count(index: Index, leak: Leak) -> LeakCount:
    own = index.label[leak.rows]
    twin = np.where(leak.twins >= 0, index.label[leak.twins], -1)
    both = (own >= 0) & (twin >= 0)
    return LeakCount(
        kind=leak.kind,
        held=leak.held,
        other=leak.other,
        texts=len(leak.rows),
        share=len(leak.rows) / int(index.of_part(leak.held).sum()),
        others=len(leak.others),
        alike=int((own == twin)[both].sum()),
        compared=int(both.sum()),
    )
