"""Runs that were measured, and the texts that all of them were measured on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from rubricator.dataset.files import read_json
from rubricator.dataset.goals import GoalStanding
from rubricator.dataset.metrics import METRICS
from rubricator.errors import DataError
from rubricator.evaluate.metrics.prediction_table import SCORED, Predictions, read_scored
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import LabelSpace
from rubricator.pages.formatting import plural
from rubricator.records import Origin
from rubricator.stats.arrays import Bools, Indices

_TRUSTED = (Origin.GOLDEN, Origin.REVIEW, Origin.AGREEMENT)
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class EvaluatedRun:
    """What is compared of a run; `name` is its folder, as short as the runs can be told apart by."""

    name: str
    model: str
    predictions: Predictions
    goals: tuple[GoalStanding, ...] = ()

    @property
    def part(self) -> ScoredPredictions:
        """The part that the run's report leads with."""
        return self.predictions.parts[0]


def read_runs(folders: Sequence[Path]) -> list[EvaluatedRun]:
    """Read what runs left behind.

    Raises:
        DataError: Fewer than two folders, or one without a measured run.
    """
    if len(folders) < 2:
        raise DataError("One run alone cannot be compared.", fix="Name two or more folders of runs.")
    short = [folder.resolve().name for folder in folders]
    names = short if len(set(short)) == len(short) else [str(folder) for folder in folders]
    return [_read(folder, name) for folder, name in zip(folders, names, strict=True)]


def _read(folder: Path, name: str) -> EvaluatedRun:
    if not (folder / "stages").is_dir():
        fault = "is no folder of a run" if folder.exists() else "is not there"
        raise DataError(
            f"{folder} {fault}.", fix="Name a folder that `rubricator run` wrote, like runs/news."
        )
    if not (folder / "stages/evaluate.done").exists() or not (folder / SCORED).exists():
        raise DataError(
            f"The run {folder} holds no predictions to compare ({SCORED}): it never came to its evaluation, "
            "or is older than this command.",
            fix=f"Run `rubricator evaluate -c SETTINGS --out {folder}` with the settings of that run.",
        )
    metrics = read_json(folder / METRICS)
    goals = TypeAdapter(tuple[GoalStanding, ...]).validate_python(metrics.get("goals", ()))
    return EvaluatedRun(name, metrics["model"], read_scored(folder / SCORED), goals)


def common_space(runs: Sequence[EvaluatedRun]) -> LabelSpace:
    """Categories that every run knows, in the order of the first; one of them where every run gives one.

    Raises:
        DataError: There is none.
    """
    spaces = [run.predictions.space for run in runs]
    keys = [key for key in spaces[0].keys if all(key in space.keys for space in spaces)]
    if not keys:
        raise DataError(
            "The runs have no category in common.", fix="Compare runs whose categories share keys."
        )
    return replace(spaces[0].subset(keys), single=all(space.single for space in spaces))


def common_texts(
    runs: Sequence[EvaluatedRun], space: LabelSpace
) -> tuple[list[ScoredPredictions], list[str]]:
    """The runs' leading parts, cut to common categories and to the texts that all share with the same truth.

    What a person said in one run is the truth for all.

    Returns:
        One part per run with the same texts in the same order and the groups of the first run, and
        one sentence on everything that was left out.

    Raises:
        DataError: There is no such text.
    """
    places = [{id_: row for row, id_ in enumerate(run.part.ids)} for run in runs]
    shared = [id_ for id_ in places[0] if all(id_ in place for place in places)]
    parts = [
        _cut(
            run.part,
            np.array([place[id_] for id_ in shared], dtype=np.intp),
            [run.predictions.space.keys.index(key) for key in space.keys],
        )
        for run, place in zip(runs, places, strict=True)
    ]
    parts, corrected = _with_trusted_truth(parts)
    left_out = [*_unknown_categories(runs, space.keys), *_not_shared(runs, len(shared))]
    if corrected:
        left_out.append(
            f"Of {plural(corrected, 'text')} not every run has the label that a person gave: it is what is "
            "true for all of them."
        )
    comparable = np.ones(len(shared), dtype=bool)
    for passes, why in _demands(parts, space):
        lost = int((comparable & ~passes).sum())
        comparable &= passes
        if lost:
            left_out.append(f"{plural(lost, 'text')} in common left out: {why}.")
    if not comparable.any():
        raise DataError(
            " ".join(["The runs were measured on no text in common.", *left_out]),
            fix="Compare runs on the same data: the same files, ids, `split`, `golden` and `seed`.",
        )
    rows, columns = np.flatnonzero(comparable), list(range(len(space)))
    parts = [_cut(part, rows, columns) for part in parts]
    return [replace(part, groups=parts[0].groups) for part in parts], left_out


def _with_trusted_truth(parts: list[ScoredPredictions]) -> tuple[list[ScoredPredictions], int]:
    """The same with what people said as the truth of every run, golden before reviews; and of how many texts.

    A text that a person corrected between two runs would else be left out, and only those compared of which
    the teachers were right.
    """
    distrust = np.array([[_TRUSTED.index(Origin(one)) for one in part.origins] for part in parts])
    trusted = distrust.argmin(axis=0)
    truth = np.array([part.truth for part in parts])[trusted, np.arange(len(trusted))]
    weaker = distrust > distrust.min(axis=0)
    parts = [
        replace(part, truth=np.where(rows[:, None], truth, part.truth))
        for part, rows in zip(parts, weaker, strict=True)
    ]
    return parts, int(weaker.any(axis=0).sum())


def _cut(part: ScoredPredictions, rows: Indices, columns: list[int]) -> ScoredPredictions:
    lists = ("ids", "contents", "groups", "origins")
    arrays = ("truth", "probabilities", "decisions")
    cut: dict[str, Any] = {name: [getattr(part, name)[row] for row in rows] for name in lists}
    cut |= {name: getattr(part, name)[rows][:, columns] for name in arrays}
    return replace(part, **cut)


def _demands(parts: Sequence[ScoredPredictions], space: LabelSpace) -> list[tuple[Bools, str]]:
    """What a text must fulfil to be compared, as which texts do, and why the others do not."""
    first, *others = parts
    alike = [all(_alike(text, part.contents[i]) for part in others) for i, text in enumerate(first.contents)]
    same_truth = np.all([(part.truth == first.truth).all(axis=1) for part in others], axis=0)
    demands = [
        (np.array(alike, dtype=bool), "another text has the same id in another run"),
        (same_truth, "the runs do not agree on what is true"),
    ]
    if space.single:
        demands.append((first.truth.any(axis=1), "what is true is none of the common categories"))
    return demands


def _alike(one: str, other: str) -> bool:
    """Half of the words are shared: the same text, though perhaps cleaned in another way.

    Ids that are row numbers are shared by texts that have nothing else in common.
    """
    if one == other:
        return True
    words, others = set(_WORDS.findall(one.lower())), set(_WORDS.findall(other.lower()))
    return 2 * len(words & others) >= min(len(words), len(others))


def _unknown_categories(runs: Sequence[EvaluatedRun], keys: Sequence[str]) -> list[str]:
    left_out = {run.name: [key for key in run.predictions.titles if key not in keys] for run in runs}
    return [
        f"Not compared, as not every run knows them: {', '.join(unknown)} (in {name})."
        for name, unknown in left_out.items()
        if unknown
    ]


def _not_shared(runs: Sequence[EvaluatedRun], shared: int) -> list[str]:
    return [
        f"{plural(len(run.part) - shared, 'text')} of the {len(run.part):,} that {run.name} was measured on "
        "left out: not every run was measured on them."
        for run in runs
        if len(run.part) > shared
    ]
