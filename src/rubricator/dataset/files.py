"""How what passes between stages lies on disk: Parquet for rows, JSON for facts. No pickle."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import TypeAdapter

from rubricator.dataset.dataset import Dataset
from rubricator.dataset.split import DatasetSplit
from rubricator.errors import DataError
from rubricator.records import Text
from rubricator.whole_files import requested_file

LAYOUT = 2
"""Raised when files under `stages/` change their names or what is in them."""
ANSWERS = "answers.sqlite"
"""The database of a run that shares none."""
_LAYOUT = "stages/layout"
_AS_IT_IS = ("id", "title", "body", "source", "part", "content")


def write_json(path: Path, content: Any) -> None:
    """Write JSON that people can read and `diff` can compare."""
    text = json.dumps(content, ensure_ascii=False, indent=1, default=_plain)
    path.write_text(text + "\n", encoding="utf-8")


def save_json(path: Path, content: Any) -> None:
    """Write JSON where somebody asked for it; what lies there is replaced only once the new one is whole.

    Raises:
        DataError: The file cannot be written.
    """
    with requested_file(path) as part:
        write_json(part, content)


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def _plain(value: object) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not plain data")


def layout_of(folder: Path) -> int:
    """Of which layout the files under `stages/` are; a folder without any is of today's."""
    try:
        return int((folder / _LAYOUT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 1 if any((folder / "stages").glob("*.done")) else LAYOUT
    except ValueError:
        return 0


def mark_layout(folder: Path) -> None:
    """State that the files under `stages/` are of today's layout."""
    (folder / _LAYOUT).parent.mkdir(parents=True, exist_ok=True)
    (folder / _LAYOUT).write_text(f"{LAYOUT}\n", encoding="utf-8")


def write_dataset(path: Path, dataset: Dataset) -> None:
    """One row a text: as found, cleaned, its group, its golden labels (null where there are none)."""
    rows = [
        {
            **{name: getattr(text, name) for name in _AS_IT_IS},
            "time": text.time.isoformat() if text.time else None,
            "features": json.dumps(dict(text.features), ensure_ascii=False),
            "group": dataset.groups[text.id],
            "golden": ",".join(dataset.golden[text.id]) if text.id in dataset.golden else None,
        }
        for text in dataset.texts
    ]
    names = ("id", "title", "body", "source", "time", "features", "part", "content", "group", "golden")
    pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String)).write_parquet(path)


def read_dataset(folder: Path) -> Dataset:
    """Read what `write_dataset` wrote, and the facts beside it.

    Raises:
        DataError: The run was written by another version of Rubricator.
    """
    if layout_of(folder) != LAYOUT:
        raise DataError(
            f"{folder} was written by another version of Rubricator, which kept its files differently.",
            fix="Run `rubricator run` with the same settings and --out: stored answers and reviews stay, the "
            "rest is done anew.",
        )
    rows = pl.read_parquet(folder / "stages/texts.parquet").to_dicts()
    texts = [
        Text(
            **{name: row[name] for name in _AS_IT_IS},
            time=datetime.fromisoformat(row["time"]) if row["time"] else None,
            features=json.loads(row["features"]),
        )
        for row in rows
    ]
    return Dataset(
        texts=texts,
        groups={row["id"]: row["group"] for row in rows},
        golden={row["id"]: split_keys(row["golden"]) for row in rows if row["golden"] is not None},
        rejected=[],
        facts=read_json(folder / "stages/read.facts.json"),
    )


def split_keys(cell: str) -> tuple[str, ...]:
    """Category keys from their comma-separated form; an empty cell is no category."""
    return tuple(key for key in cell.split(",") if key)


def write_split(path: Path, split: DatasetSplit) -> None:
    """The parts and folds as JSON."""
    # As Python objects: `write_json` sorts sets, so that the same split is the same file.
    write_json(path, TypeAdapter(DatasetSplit).dump_python(split))


def read_split(folder: Path) -> DatasetSplit:
    """Read what `write_split` wrote."""
    return TypeAdapter(DatasetSplit).validate_python(read_json(folder / "stages/split.json"))
