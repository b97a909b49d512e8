"""The measured texts of a run with truth and predictions, as one table: what runs are compared by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rubricator.dataset.files import split_keys
from rubricator.errors import DataError
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import LabelSpace
from rubricator.pages.formatting import excerpt
from rubricator.stats.arrays import Bools
from rubricator.taxonomy import Taxonomy

SCORED = "predictions.parquet"
_EXCERPT = 500  # characters of a text: enough to judge an answer by, and the table stays small
_FACTS = "rubricator"  # the key of what is said once, among the file's own metadata


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a run answered about the texts it was measured on.

    Parts are in the order of trust, as `evaluate` measured them: the first is the headline. Titles are the
    names for people of the categories, by key, in taxonomy order.
    """

    parts: tuple[ScoredPredictions, ...]
    titles: dict[str, str]
    space: LabelSpace


def write_scored(path: Path, parts: Sequence[ScoredPredictions], taxonomy: Taxonomy) -> None:
    """Write one row per part and text: `part, id, group, origin, content, truth, decisions, p_<key> …`.

    Category keys are joined by commas, empty for none; `content` is the beginning of the text.
    """
    keys = taxonomy.keys
    rows: list[dict[str, Any]] = [
        {
            "part": part.part,
            "id": part.ids[row],
            "group": part.groups[row],
            "origin": part.origins[row],
            "content": excerpt(part.contents[row], _EXCERPT),
            "truth": ",".join(compress(keys, part.truth[row])),
            "decisions": ",".join(compress(keys, part.decisions[row])),
        }
        | {f"p_{key}": float(p) for key, p in zip(keys, part.probabilities[row], strict=True)}
        for part in parts
        for row in range(len(part))
    ]
    strings = ("part", "id", "group", "origin", "content", "truth", "decisions")
    schema = dict.fromkeys(strings, pl.String) | {f"p_{key}": pl.Float64 for key in keys}
    facts = {
        "single": taxonomy.single,
        "none": taxonomy.none,
        "titles": {category.key: category.title for category in taxonomy.categories},
        "about": {part.part: part.about for part in parts},
    }
    frame = pl.DataFrame(rows, schema=schema)
    frame.write_parquet(path, metadata={_FACTS: json.dumps(facts, ensure_ascii=False)})


def read_scored(path: Path) -> Predictions:
    """Read what `write_scored` wrote.

    Raises:
        DataError: The file is broken or another's.
    """
    try:
        facts = json.loads(pl.read_parquet_metadata(path)[_FACTS])
        frame = pl.read_parquet(path)
        parts = tuple(_part(frame.filter(pl.col("part") == name), facts, name) for name in facts["about"])
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{path} is not a table of predictions that `evaluate` wrote: {error}",
            fix="Run `rubricator evaluate --force` with the settings of this run.",
        ) from error
    titles = facts["titles"]
    return Predictions(parts, titles, LabelSpace(tuple(titles), facts["single"], facts.get("none")))


def _part(frame: pl.DataFrame, facts: dict[str, Any], name: str) -> ScoredPredictions:
    keys = list(facts["titles"])
    return ScoredPredictions(
        part=name,
        about=facts["about"][name],
        ids=frame["id"].to_list(),
        contents=frame["content"].to_list(),
        groups=frame["group"].to_list(),
        truth=_indicators(frame["truth"], keys),
        probabilities=frame.select(f"p_{key}" for key in keys).to_numpy().astype(np.float64),
        decisions=_indicators(frame["decisions"], keys),
        origins=frame["origin"].to_list(),
    )


def _indicators(cells: pl.Series, keys: list[str]) -> Bools:
    by_text = [frozenset(split_keys(cell)) for cell in cells]
    return np.array([[key in has for key in keys] for has in by_text], dtype=bool).reshape(-1, len(keys))
