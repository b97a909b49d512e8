"""What a check of a split found, as frames of polars and as what a notebook shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import polars as pl

from rubricator.errors import DataError
from rubricator.ingest.leakage.files import CheckColumns
from rubricator.ingest.leakage.pairs import COLUMNS, read_pairs
from rubricator.pipeline.split_check import SplitCheck
from rubricator.pipeline.split_points import FIGURES
from rubricator.project.results import Shown

_DIFFERENCES = ("easier", "flatters", "fewer")


def check_columns(columns: Mapping[str, str] | None, group_by: str | None) -> CheckColumns:
    """The columns of files by their roles.

    Raises:
        DataError: There is no such role.
    """
    roles = {field.name for field in fields(CheckColumns)}
    given = {**(columns or {}), **({"group_by": group_by} if group_by else {})}
    if unknown := sorted(given.keys() - roles):
        raise DataError(
            f"There is no role '{unknown[0]}' of columns.", fix=f"The roles are {', '.join(sorted(roles))}."
        )
    return CheckColumns(**given)


@dataclass(frozen=True, slots=True)
class SplitCheckResult(Shown):
    """What leaks between the parts of a split, and how many points that flatters a model by."""

    check: SplitCheck

    def to_frame(self) -> pl.DataFrame:
        """A row per kind of leak and pair of parts."""
        schema = dict.fromkeys(("kind", "held", "other"), pl.String)
        numbers = dict.fromkeys(("texts", "others", "alike", "compared"), pl.Int64)
        rows = [asdict(count) for count in self.check.counts]
        return pl.DataFrame(rows, schema={**schema, "share": pl.Float64, **numbers})

    def points(self) -> pl.DataFrame:
        """A row per kind of leak and figure: how much lower it comes out, with intervals; see `Points`."""
        measured = self.check.measured
        rows: list[dict[str, Any]] = []
        for points in () if measured is None else measured.points:
            for figure in FIGURES:
                row: dict[str, Any] = {"kind": points.kind, "figure": figure}
                row["as_it_is"] = None if measured is None else measured.as_it_is[figure].value
                for name in _DIFFERENCES:
                    gains = getattr(points, name)
                    row |= {
                        name: gains and gains[figure].value,
                        f"{name}_low": gains and gains[figure].low,
                        f"{name}_high": gains and gains[figure].high,
                    }
                rows.append(row)
        names = ["as_it_is", *(f"{name}{end}" for name in _DIFFERENCES for end in ("", "_low", "_high"))]
        return pl.DataFrame(
            rows, schema={"kind": pl.String, "figure": pl.String, **dict.fromkeys(names, pl.Float64)}
        )

    def pairs(self) -> pl.DataFrame:
        """A row per text that leaks, beside one that knows it."""
        rows = [asdict(pair) for pairs in read_pairs(self.check.leaks, self.check.source) for pair in pairs]
        types = {"twins": pl.Int64, "similarity": pl.Float64}
        return pl.DataFrame(rows, schema={name: types.get(name, pl.String) for name in COLUMNS})

    def sentences(self) -> Sequence[str]:
        """Sizes of the parts, what was looked at, and what could not be."""
        sizes = ", ".join(f"{part.texts:,} {part.name}" for part in self.check.parts)
        found = () if self.check.counts else ("Nothing leaks.",)
        return (f"{sizes}; looked at {', '.join(self.check.looked_for)}.", *found, *self.check.notes)
