"""What runs reach on the same texts: every figure with its difference, and every text that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import compress

import numpy as np

from rubricator.evaluate.comparison.goals import ComparedGoal, compare_goals
from rubricator.evaluate.comparison.runs import EvaluatedRun, common_space, common_texts
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import LabelSpace
from rubricator.pages.formatting import series
from rubricator.stats.arrays import Bools
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.significance import (
    Difference,
    McNemar,
    Resampled,
    difference,
    exchange,
    holm,
    mcnemar,
    resample,
)

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
    """One run's figures on the common texts, by name (see `figure_name`), and F1 by category.

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

    McNemar's test is over the texts that are all right. Every p-value is corrected (Holm) for what stands
    beside it in the comparison: the figures and the texts of all new runs are one family, F1 of the
    categories another.
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
        goals: Where the goals of the last run's settings stand in each run.
    """

    texts: int
    groups: int
    left_out: tuple[str, ...]
    titles: dict[str, str]
    support: dict[str, int]
    space: LabelSpace
    old: Side
    new: tuple[Against, ...]
    goals: tuple[ComparedGoal, ...] = ()


def compare_runs(runs: Sequence[EvaluatedRun]) -> Comparison:
    """Compare runs with the first, on the texts that every one of them was measured on with the same truth.

    Of each run the part counts that its report leads with. Only the categories that all runs know are
    compared.

    Raises:
        DataError: They have no category or no text in common.
    """
    space = common_space(runs)
    keys, names = space.keys, compared_figures(space)
    parts, left_out = common_texts(runs, space)
    sampled = [
        resample(part.truth, part.decisions, part.groups, draws=DRAWS, confidence=CONFIDENCE, seed=_SEED)
        for part in parts
    ]
    sides = [_side(run, figures, names, keys) for run, figures in zip(runs, sampled, strict=True)]
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
        new=_corrected(
            [
                _against(side, (parts[0], part), (sampled[0], figures))
                for side, figures, part in zip(sides[1:], sampled[1:], parts[1:], strict=True)
            ],
        ),
        goals=compare_goals(runs[-1].goals, parts, space, draws=DRAWS, confidence=CONFIDENCE, seed=_SEED),
    )


def compared_figures(space: LabelSpace) -> tuple[str, ...]:
    """Names of the figures that runs are compared by; the first is the one that a model is judged by."""
    if space.single:  # micro-F1 is the accuracy there, and the same evidence must not be weighed twice
        return ("subset_accuracy", "macro_f1", "weighted_f1")
    return ("macro_f1", "weighted_f1", "micro_f1", "subset_accuracy")


def _against(
    side: Side, parts: tuple[ScoredPredictions, ScoredPredictions], sampled: tuple[Resampled, Resampled]
) -> Against:
    """The new run (the second of each pair) against the old one, p-values not yet corrected."""
    old, new = parts
    exchanged = exchange(old.truth, old.decisions, new.decisions, old.groups, draws=DRAWS, seed=_SEED)
    return Against(
        side=side,
        figures={name: difference(*sampled, exchanged, name) for name in side.figures},
        f1={key: difference(*sampled, exchanged, "f1", column) for column, key in enumerate(side.f1)},
        mcnemar=mcnemar(_right(old), _right(new), old.groups),
        changes=_changes(old, new, list(side.f1)),
    )


def _corrected(new: Sequence[Against]) -> tuple[Against, ...]:
    """The same with p-values corrected for all that is tested beside them."""
    overall = [evidence for against in new for evidence in (*against.figures.values(), against.mcnemar)]
    by_category = [f1 for against in new for f1 in against.f1.values()]
    p_overall, p_by_category = (
        iter(holm([evidence.p_value for evidence in family])) for family in (overall, by_category)
    )
    return tuple(
        replace(
            against,
            figures={
                name: replace(gain, corrected_p=next(p_overall)) for name, gain in against.figures.items()
            },
            mcnemar=replace(against.mcnemar, corrected_p=next(p_overall)),
            f1={key: replace(gain, corrected_p=next(p_by_category)) for key, gain in against.f1.items()},
        )
        for against in new
    )


def _side(run: EvaluatedRun, figures: Resampled, names: Sequence[str], keys: Sequence[str]) -> Side:
    return Side(
        name=run.name,
        model=run.model,
        measured=len(run.part),
        about=run.part.about,
        figures={name: figures.estimate(name) for name in names},
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
