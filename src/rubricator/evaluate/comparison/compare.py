"""What runs reach on the same texts: every figure with its difference, and every text that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress

import numpy as np

from rubricator.evaluate.comparison.runs import EvaluatedRun, common_space, common_texts
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import LabelSpace
from rubricator.pages.formatting import plural, series
from rubricator.stats.arrays import Bools
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.significance import Difference, McNemar, Resampled, difference, mcnemar, resample

FIGURES = ("macro_f1", "weighted_f1", "micro_f1", "subset_accuracy")
DRAWS = 10_000
CONFIDENCE = 0.95
_SEED = 13


class Kind(StrEnum):
    """What a changed answer did to a text."""

    FIXED = "fixed"
    BROKEN = "broken"
    OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class Change:
    """A text that two runs answer differently.

    Attributes:
        content: Its beginning.
        old: Categories the old run gave, each with its probability; `new` are those of the new run.
        confidence: How sure the new run is of all that it changed: of the changed categories, the least
            of the probabilities of what it decides now.
    """

    id: str
    content: str
    kind: Kind
    truth: tuple[str, ...]
    old: dict[str, float]
    new: dict[str, float]
    confidence: float


@dataclass(frozen=True, slots=True)
class Side:
    """One run's figures on the common texts, by the names in `FIGURES`, and F1 by category.

    `measured` is how many texts the run was measured on, `about` what its truth is and how its predictions
    were made; its name is its folder, as short as the runs can be told apart by.
    """

    name: str
    model: str
    measured: int
    about: str
    figures: dict[str, Estimate]
    f1: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Against:
    """A new run against the old one: figures are new minus old, changes come with the surest first.

    McNemar's test is over the texts that are all right.
    """

    side: Side
    figures: dict[str, Difference]
    f1: dict[str, Difference]
    mcnemar: McNemar
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """An old run and new ones on the same texts.

    Attributes:
        texts: How many texts the runs are compared on.
        groups: How many groups of near-duplicates those are.
        left_out: What was left out and why, one sentence each.
        titles: Names for people of the common categories, by key.
        support: How many of the texts have each.
        space: The common categories, and whether a text has one of them in every run.
    """

    texts: int
    groups: int
    left_out: tuple[str, ...]
    titles: dict[str, str]
    support: dict[str, int]
    space: LabelSpace
    old: Side
    new: tuple[Against, ...]


def compare_runs(runs: Sequence[EvaluatedRun]) -> Comparison:
    """Compare runs with the first, on the texts that every one of them was measured on with the same truth.

    Of each run the part counts that its report leads with. Only the categories that all runs know are
    compared.

    Raises:
        DataError: They have no category or no text in common.
    """
    space = common_space(runs)
    keys = space.keys
    parts, left_out = common_texts(runs, space)
    sampled = [
        resample(part.truth, part.decisions, part.groups, draws=DRAWS, confidence=CONFIDENCE, seed=_SEED)
        for part in parts
    ]
    sides = [_side(run, figures, keys) for run, figures in zip(runs, sampled, strict=True)]
    support = dict(zip(keys, parts[0].truth.sum(axis=0).tolist(), strict=True))
    if unmeasured := [key for key in keys if not support[key]]:
        left_out.append(f"Macro-F1 leaves out what no text has: {series(unmeasured)}.")
    return Comparison(
        texts=len(parts[0]),
        groups=len(set(parts[0].groups)),
        left_out=tuple(left_out),
        titles={key: runs[0].predictions.titles[key] for key in keys},
        support=support,
        space=space,
        old=sides[0],
        new=tuple(
            Against(
                side=side,
                figures={name: difference(sampled[0], figures, name) for name in FIGURES},
                f1={key: difference(sampled[0], figures, "f1", j) for j, key in enumerate(keys)},
                mcnemar=mcnemar(_right(parts[0]), _right(part)),
                changes=_changes(parts[0], part, keys),
            )
            for side, figures, part in zip(sides[1:], sampled[1:], parts[1:], strict=True)
        ),
    )


def headline(comparison: Comparison) -> str:
    """The one of `FIGURES` that a model is judged by."""
    return "subset_accuracy" if comparison.space.single else "macro_f1"


def figure_name(name: str, space: LabelSpace) -> str:
    """One of `FIGURES` in words, as the report calls it."""
    if name == "subset_accuracy":
        return "Accuracy" if space.single else "Exact match"
    return {"macro_f1": "Macro-F1", "weighted_f1": "Weighted F1", "micro_f1": "Micro-F1"}[name]


def signed(value: float) -> str:
    """`+0.021`, `−0.050`, and `0.000` for what rounds to it."""
    written = f"{value:+.3f}".replace("-", "−")
    return "0.000" if written in ("+0.000", "−0.000") else written


def verdict(comparison: Comparison, against: Against) -> str:
    """What the comparison comes to, for someone who reads nothing else."""
    gain, new, old = against.figures[headline(comparison)], against.side.name, comparison.old.name
    if gain.change.value is None or gain.p_value is None:
        return f"Nothing can be said of {new} and {old}: there are too few texts."
    figure = "accuracy" if comparison.space.single else "Macro-F1"
    size = f"{figure} {signed(gain.change.value)}, p = {gain.p_value:.2g}"
    size += f", on {plural(comparison.texts, 'text')}"
    if not gain.beyond_chance:
        return f"No difference between {new} and {old} that could not be chance: {size}."
    return f"{new} is {'better' if gain.change.value > 0 else 'worse'} than {old}: {size}."


def _side(run: EvaluatedRun, figures: Resampled, keys: Sequence[str]) -> Side:
    return Side(
        name=run.name,
        model=run.model,
        measured=len(run.part),
        about=run.part.about,
        figures={name: figures.estimate(name) for name in FIGURES},
        f1={key: figures.estimate("f1", column) for column, key in enumerate(keys)},
    )


def _right(part: ScoredPredictions) -> Bools:
    return np.asarray((part.truth == part.decisions).all(axis=1))


def _changes(old: ScoredPredictions, new: ScoredPredictions, keys: Sequence[str]) -> tuple[Change, ...]:
    changed = old.decisions != new.decisions
    sureness = np.where(new.decisions, new.probabilities, 1 - new.probabilities)
    confidence = np.where(changed, sureness, 1.0).min(axis=1)
    was, now = _right(old), _right(new)
    rows = np.flatnonzero(changed.any(axis=1))
    return tuple(
        Change(
            id=new.ids[row],
            content=new.contents[row],
            kind=Kind.FIXED if now[row] else Kind.BROKEN if was[row] else Kind.OTHERWISE,
            truth=tuple(compress(keys, new.truth[row])),
            old=_decided(old, row, keys),
            new=_decided(new, row, keys),
            confidence=float(confidence[row]),
        )
        for row in rows[np.argsort(-confidence[rows], kind="stable")]
    )


def _decided(part: ScoredPredictions, row: int, keys: Sequence[str]) -> dict[str, float]:
    return {key: float(part.probabilities[row, j]) for j, key in enumerate(keys) if part.decisions[row, j]}
