"""What was measured of each precision, as it is kept beside the artifact and shown in the model card."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from rubricator.config import Metric, Serves
from rubricator.dataset.files import read_json, write_json

if TYPE_CHECKING:
    import polars as pl

PRECISION = "precision.json"
"""Where it lies in the folder of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionRow:
    """One way of computing all encoders of a model.

    Attributes:
        variants: Runtime and precision of each encoder, by its name in the model.
        figure: The metric on validation.
        drop: How much less that is than in single precision.
        flips: Share of texts that get other categories than in single precision.
        worst: Largest difference of a probability.
        tokens_per_second: In bulk, per core.
        p50: Seconds for one text alone, half of them within it.
        bytes: Of the encoders' files.
        memory: Peak of a process that encodes, in bytes; None where the system does not say.
        kept: Whether it keeps to the drop and the flips allowed.
    """

    name: str
    variants: dict[str, str]
    figure: float
    drop: float
    flips: float
    worst: float
    texts_per_second: float
    tokens_per_second: float
    p50: float
    p95: float
    bytes: int
    memory: int | None
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionTable:
    """The table behind the choice of a precision.

    Attributes:
        metric: What models of the run were compared by.
        about: The texts that it stands on, in a sentence.
        processor: Where the times were measured.
        chosen: Name of the row that the artifact is computed by.
        reference: The metric in single precision.
        fastest: Of the rows that are kept, the quickest in `bulk`, for a `single` text, for `both`; by name.
        left_out: Why others were not tried, by name.
        vocabulary: Pieces before and after trimming, by encoder; empty where it was left whole.
    """

    metric: Metric
    about: str
    texts: int
    reference: float
    processor: str
    cores: int
    rounds: int
    max_accuracy_drop: float
    max_flips: float
    serves: Serves
    chosen: str
    fastest: dict[str, str]
    rows: tuple[PrecisionRow, ...]
    left_out: dict[str, str]
    vocabulary: dict[str, tuple[int, int]] = field(default_factory=dict)

    def row(self, name: str) -> PrecisionRow:
        """The row of that name."""
        return next(row for row in self.rows if row.name == name)

    def to_frame(self) -> pl.DataFrame:
        """A row per way of computing, as they were tried."""
        import polars as pl

        names = [name for name in PrecisionRow.__slots__ if name != "variants"]
        return pl.DataFrame(
            [
                {name: getattr(row, name) for name in names} | {"chosen": row.name == self.chosen}
                for row in self.rows
            ],
            schema_overrides={"memory": pl.Int64},
        )


_TABLE = TypeAdapter(PrecisionTable)


def write_table(folder: Path, table: PrecisionTable) -> None:
    """Write the table into the folder of a run."""
    write_json(folder / PRECISION, _TABLE.dump_python(table, mode="json"))


def read_table(folder: Path) -> PrecisionTable | None:
    """The table in the folder of a run; None where its artifact was exported without one."""
    path = folder / PRECISION
    return _TABLE.validate_python(read_json(path)) if path.exists() else None
