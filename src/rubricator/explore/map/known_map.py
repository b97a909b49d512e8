"""The map of all that is known of a run's texts: one column for each thing that is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.dataset.synthetic import SyntheticText
from rubricator.explore.known import Known
from rubricator.explore.map.points import MapColumn, MapPoints, labels_at
from rubricator.explore.map.projection import Method, project
from rubricator.explore.themes import Themes
from rubricator.progress import Progress, silent
from rubricator.records import Origin
from rubricator.stats.arrays import Bools, Floats, Vectors

_STATUSES: dict[str, str] = {
    Origin.GOLDEN: "golden",
    Origin.REVIEW: "reviewed",
    Origin.AGREEMENT: "agreed",
    "": "unlabelled",
}
SYNTHETIC = "synthetic"


def known_map(
    known: Known,
    themes: Themes | None = None,
    *,
    method: Method = "auto",
    seed: int = 0,
    progress: Progress = silent,
) -> MapPoints | None:
    """Texts, and synthetic ones after them, as points with columns; None where there are no vectors.

    Columns are category, theme, status, source, the confidence of the teachers' agreement, time, and whether
    a text is real. Of synthetic texts only category and kind are known, and they cannot be selected.

    Raises:
        MissingExtraError: The method that was asked for is not installed.
    """
    if known.vectors is None:
        return None
    vectors, made = _vectors(known), _made(known)
    projection = project(vectors, method=method, seed=seed, progress=progress)
    real = np.arange(len(vectors)) < len(known.texts)
    of_text = [] if themes is None else themes.of_text.tolist()
    titles = [] if themes is None else [theme.title for theme in themes.found]
    return MapPoints(
        name=known.name,
        positions=projection.positions,
        method=projection.method,
        ids=[*(text.id for text in known.texts), *(text.id for text in made)],
        contents=[*known.contents, *(text.content for text in made)],
        columns=_columns(known, titles, of_text, real),
        labels=labels_at(projection.positions[real], titles, of_text),
        selectable=None if real.all() else real,
    )


def _made(known: Known) -> Sequence[SyntheticText]:
    return () if known.synthetic_vectors is None else known.synthetic


def _vectors(known: Known) -> Vectors:
    assert known.vectors is not None
    if known.synthetic_vectors is None:
        return known.vectors
    return np.concatenate([known.vectors, known.synthetic_vectors])


def _columns(known: Known, titles: Sequence[str], of_text: Sequence[int], real: Bools) -> list[MapColumn]:
    made = _made(known)
    blank = [""] * len(made)
    columns = []
    if known.taxonomy is not None:
        of_made = known.taxonomy.space.indicators([text.categories for text in made])
        membership = np.concatenate([known.categories, of_made])
        names = list(known.titles.values())
        columns.append(MapColumn.of_groups("Category", names, membership, nothing="none or no label"))
    if titles:
        themes = [titles[place] if place >= 0 else "" for place in of_text]
        columns.append(MapColumn.of_names("Theme", [*themes, *blank], levels=titles))
    statuses = [*(_STATUSES[origin] for origin in known.origin.tolist()), *[SYNTHETIC] * len(made)]
    columns += [
        MapColumn.of_names("Status", statuses, levels=[*_STATUSES.values(), SYNTHETIC]),
        MapColumn.of_names("Source", [*(text.source for text in known.texts), *blank]),
        MapColumn.of_numbers("Confidence of the teachers", _padded(known.agreement, len(made))),
        MapColumn.of_times("Time", [*(text.time for text in known.texts), *[None] * len(made)]),
        MapColumn.of_names("Real or synthetic", ["real" if one else SYNTHETIC for one in real.tolist()]),
    ]
    return [column for column in columns if column.varies]


def _padded(values: Floats, more: int) -> Floats:
    return np.concatenate([values, np.full(more, np.nan)])
