"""Feature columns as numbers: what training learnt of each column, and the way from cells to an array."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from rubricator.config.kinds import ColumnKind
from rubricator.dataset.inputs import BASE, Features
from rubricator.errors import ArtifactError, plural
from rubricator.models.base import Model
from rubricator.models.serialization import FIX
from rubricator.records import Feature
from rubricator.stats.arrays import Bools, Floats
from rubricator.text_rules.values import READERS, Value, is_missing

_log = logging.getLogger(__name__)

RARE = "rare"
_EXPECTED = {
    "numeric": "a number",
    "duration": "a length of time such as PT8M47S or 8:47",
    "date": "a date such as 2025-08-31",
    "boolean": "true or false",
}
_CIRCLES = ("month", "weekday", "hour")
_DATE_PARTS = ("year", *(f"{circle} ({wave})" for circle in _CIRCLES for wave in ("sine", "cosine")))
_YEAR = 365.2425 * 86400


class Column(BaseModel):
    """One feature column, as `model.json` has it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(min_length=1)
    kind: ColumnKind  # what its cells hold
    levels: list[str] = Field(default=[])  # those that were common enough; all others count as `rare`

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if len(set(self.levels)) != len(self.levels):
            raise ValueError("levels repeat")
        if self.levels and self.kind != "categorical":
            raise ValueError(f"a {self.kind} column has no levels")
        return self

    def names(self) -> list[str]:
        """Names of the numbers it becomes."""
        if self.kind == "categorical":
            return [f"{self.name} = {level}" for level in (*self.levels, RARE)]
        if self.kind == "date":
            return [f"{self.name}: {part}" for part in _DATE_PARTS]
        return [self.name]

    def numbers(self, values: Sequence[Value | None]) -> Floats:
        """Values as numbers, shape [texts, numbers], NaN where there is none.

        Amounts and lengths of time enter by their signed logarithm, dates as a trend in years and as
        places on the circles of the year, the week and the day, categories as one column per level.
        """
        place_of = {level: place for place, level in enumerate(self.levels)}
        result = np.full((len(values), len(self.names())), np.nan)
        for row, value in enumerate(values):
            if value is None:
                continue
            if isinstance(value, datetime):
                result[row] = _date_numbers(value)
            elif isinstance(value, str):
                result[row] = 0.0
                result[row, place_of.get(value, len(place_of))] = 1.0
            else:
                result[row] = value if self.kind == "boolean" else np.sign(value) * np.log1p(abs(value))
        return result


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """The feature columns a model knows.

    A cell that is missing, or of another type than its column had at training, is NaN among the
    numbers. What is unusual is told once per column as a warning in the log.
    """

    columns: tuple[Column, ...]  # in the order of the numbers they become
    _reported: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    @property
    def names(self) -> list[str]:
        """Names of all numbers, one per column of the array."""
        return [name for column in self.columns for name in column.names()]

    def transform(self, rows: Sequence[Features]) -> tuple[Floats, Bools]:
        """Cells as numbers [texts, numbers], NaN where missing, and which are missing [texts, columns]."""
        absent = [column.name for column in self.columns if not any(column.name in row for row in rows)]
        # Without any column, the fallback to the text is told instead.
        for name in absent if len(absent) < len(self.columns) else ():
            self._tell(
                f"{name} absent",
                f"The feature column '{name}' is absent: the model "
                "goes by the others and the text, which is less sure.",
            )
        values = [[self._value(column, row.get(column.name)) for row in rows] for column in self.columns]
        missing = np.array([[value is None for value in cells] for cells in values], dtype=bool)
        parts = [column.numbers(cells) for column, cells in zip(self.columns, values, strict=True)]
        return np.hstack(parts), missing.reshape(len(self.columns), len(rows)).T

    def _value(self, column: Column, cell: Feature) -> Value | None:
        if is_missing(cell):
            return None
        value = READERS[column.kind](cell)
        if value is None:
            self._tell(
                f"{column.name} strange",
                f"The feature column '{column.name}' holds {str(cell)[:60]!r} where {_EXPECTED[column.kind]} "
                "is expected; such cells count as missing.",
            )
        return value

    def _tell(self, key: str, message: str) -> None:
        if key not in self._reported:
            self._reported.add(key)
            _log.warning(message)

    @classmethod
    def of_columns(cls, columns: Sequence[Column]) -> Self:
        """The table with these columns; an `ArtifactError` if a name occurs twice."""
        if len({column.name for column in columns}) != len(columns):
            raise ArtifactError("The model names a feature column twice.", fix=FIX)
        return cls(tuple(columns))

    def tell_fallback(self, texts: int) -> None:
        """Warn, the first time, that texts without any feature are answered from their text alone."""
        self._tell(
            "fallback",
            f"{plural(texts, 'text has', 'texts have')} none of the features "
            f"{', '.join(column.name for column in self.columns)}: "
            "the model falls back to their text alone, which is less sure.",
        )


class FeatureModel(Model, Protocol):
    """A model of text and features, with heads on the vector alone for texts without any feature."""

    table: FeatureTable
    text: Floats
    text_bias: Floats

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return len(self.text_bias)

    @property
    def encoders(self) -> Mapping[str, int]:
        """The encoder of the config."""
        return {BASE: self.text.shape[1]}

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns it looks at."""
        return tuple(column.name for column in self.table.columns)

    def or_text(self, both: Floats, vectors: NDArray[Any], missing: Bools) -> Floats:
        """Logits of text and features, and those of the text alone where a text has no feature at all."""
        blank = np.asarray(missing.all(axis=1))
        if blank.any():
            self.table.tell_fallback(int(blank.sum()))
        text = weighted_sums(vectors, self.text) + self.text_bias
        return np.where(blank[:, None], text, both)


def weighted_sums(rows: NDArray[Any], weights: Floats) -> Floats:
    """`rows @ weights.T`, bit for bit the same for a row whatever rows are beside it.

    A matrix product would be faster, but BLAS rounds differently for other matrix shapes. Rows are of shape
    [n, width], weights [units, width].
    """
    exact = np.ascontiguousarray(rows, dtype=np.float64)
    sums = [(exact * unit).sum(axis=1) for unit in weights]
    return np.stack(sums, axis=1) if sums else np.zeros((len(exact), 0))


def _date_numbers(time: datetime) -> tuple[float, ...]:
    circles = (time.month - 1) / 12, time.weekday() / 7, (time.hour + time.minute / 60) / 24
    turns = [part for place in circles for part in (np.sin(2 * np.pi * place), np.cos(2 * np.pi * place))]
    return (time.timestamp() / _YEAR, *turns)
