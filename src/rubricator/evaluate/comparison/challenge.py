"""A challenger beside the champion, on the same reviews: what both say, what it comes to, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.dataset.reviews import Review, label_of
from rubricator.errors import TaxonomyError
from rubricator.pages.formatting import plural, series
from rubricator.records import Prediction
from rubricator.stats.arrays import Bools
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.promotion import POWER, CategoryEvidence, Evidence, Verdict, weigh
from rubricator.stats.significance import change, resample
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import History

_DRAWS = 2000
_SEED = 13


@dataclass(frozen=True, slots=True)
class CommonCategories:
    """Categories of today by the key that the champion has for the same meaning; `notes` on the others."""

    old_key: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryFigures:
    """F1 of one category: of the champion, of the challenger, and the difference with its interval."""

    key: str
    support: int
    old: float | None
    new: float | None
    change: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What the comparison came to.

    Attributes:
        texts: How many reviews both models were measured on.
        groups: How many groups of near-duplicates those are.
        right: Share of the texts that the champion gets all right, and the challenger.
        macro: Macro-F1: the champion's, the challenger's, and the difference with its interval.
        notes: What was left out and why, one sentence each.
    """

    evidence: Evidence
    texts: int
    groups: int
    right: tuple[float, float]
    macro: CategoryFigures
    categories: tuple[CategoryFigures, ...]
    notes: tuple[str, ...]


def common_categories(champion: Taxonomy, today: Taxonomy, history: History) -> CommonCategories:
    """Pair the categories of two lists that mean the same, whatever their keys.

    Where no history tells what the champion's categories mean, equal keys count as equal meanings, and the
    notes say so.

    Raises:
        TaxonomyError: They have none in common.
    """
    then = next((v.meanings for v in reversed(history.versions) if v.digest == champion.version), None)
    now = history.meanings(today)
    notes: list[str] = []
    if champion.version == today.version or then is None or not now:
        old_key = {key: key for key in today.keys if key in champion.keys}
        if champion.version != today.version:
            notes.append(
                "No history tells what the champion's categories mean: those with the same key are compared."
            )
    else:
        of_meaning = {then[key]: key for key in champion.keys if key in then}
        old_key = {key: of_meaning[now[key]] for key in today.keys if now.get(key) in of_meaning}
    if not old_key:
        raise TaxonomyError(
            "The champion and the list of today have no category in common: nothing can be compared.",
            fix="Compare by hand, and promote with `rubricator models promote`.",
        )
    if unknown := [key for key in today.keys if key not in old_key]:
        notes.append(f"Not compared, for the champion does not know them as they are: {series(unknown)}.")
    if gone := [key for key in champion.keys if key not in old_key.values()]:
        notes.append(f"Not compared, for they are no longer in the list: {series(gone)}.")
    return CommonCategories(old_key, tuple(notes))


def challenge(
    reviews: Sequence[Review],
    old: Sequence[Prediction],
    new: Sequence[Prediction],
    groups: Sequence[str],
    *,
    common: CommonCategories,
    taxonomy: Taxonomy,
    margin: float,
    confidence: float,
    look: int,
) -> Challenge:
    """Compare what two models say of reviewed texts, in the categories that both know; see `weigh`."""
    keys = list(common.old_key)
    truths = [_truth(review, keys, taxonomy) for review in reviews]
    rows = [row for row, truth in enumerate(truths) if truth is not None]
    truth = np.array([truths[row] for row in rows], dtype=bool).reshape(-1, len(keys))
    said_old = _said([old[row] for row in rows], [common.old_key[key] for key in keys])
    said_new = _said([new[row] for row in rows], keys)
    of_text = [groups[row] for row in rows]
    evidence = weigh(
        truth, said_old, said_new, of_text, keys=keys, margin=margin, confidence=confidence, look=look
    )
    notes = list(common.notes)
    if lost := len(reviews) - len(rows):
        notes.append(f"{plural(lost, 'review')} left out: what they say is open in the compared categories.")
    macro, categories = _figures(truth, said_old, said_new, of_text, keys, confidence)
    return Challenge(
        evidence=evidence,
        texts=len(rows),
        groups=evidence.overall.groups,
        right=(_right(truth, said_old), _right(truth, said_new)),
        macro=macro,
        categories=categories,
        notes=tuple(notes),
    )


def _truth(review: Review, keys: Sequence[str], taxonomy: Taxonomy) -> list[bool] | None:
    """What a review says of some categories; None where it leaves one of them open, or says another."""
    if taxonomy.single:
        label = label_of(review, taxonomy)
        return None if label is None or label[0] not in keys else [key in label for key in keys]
    values = [review.judged.get(key) for key in keys]
    return None if None in values else [bool(value) for value in values]


def _said(predictions: Sequence[Prediction], keys: Sequence[str]) -> Bools:
    rows = [[key in one.categories for key in keys] for one in predictions]
    return np.array(rows, dtype=bool).reshape(-1, len(keys))


def _right(truth: Bools, said: Bools) -> float:
    return float((truth == said).all(axis=1).mean()) if len(truth) else 0.0


def _figures(
    truth: Bools, old: Bools, new: Bools, groups: Sequence[str], keys: Sequence[str], confidence: float
) -> tuple[CategoryFigures, tuple[CategoryFigures, ...]]:
    if not len(truth):
        nothing = [CategoryFigures(key=k, support=0, old=None, new=None, change=Estimate(None)) for k in keys]
        return CategoryFigures(key="", support=0, old=None, new=None, change=Estimate(None)), tuple(nothing)
    one, other = (
        resample(truth, said, groups, draws=_DRAWS, confidence=confidence, seed=_SEED) for said in (old, new)
    )

    def figures(key: str, name: str, support: int, column: int | None = None) -> CategoryFigures:
        return CategoryFigures(
            key=key,
            support=support,
            old=one.estimate(name, column).value,
            new=other.estimate(name, column).value,
            change=change(one, other, name, column),
        )

    supports = truth.sum(axis=0).tolist()
    each = [figures(key, "f1", supports[column], column) for column, key in enumerate(keys)]
    return figures("", "macro_f1", len(truth)), tuple(each)


def reasons(evidence: Evidence) -> Iterator[str]:
    """Why the verdict is what it is, a sentence each, and what would decide where it is open."""
    overall, level = evidence.overall, evidence.level
    counts = (
        f"of {plural(overall.groups, 'blind review')} the challenger gets {overall.ahead:,} right that the "
        f"champion gets wrong, and {overall.behind:,} the other way round"
    )
    if evidence.worse:
        yield f"It is worse: {counts} (p = {overall.worse_p:.2g}, needed {level:.2g})."
    elif evidence.better:
        yield f"It is better: {counts} (p = {overall.better_p:.2g}, needed {level:.2g})."
    else:
        yield f"Chance may explain the difference: {counts} (p = {overall.better_p:.2g}, needed {level:.2g})."
    if evidence.harmed:
        named = series([f"{one.key} ({_lost(one)})" for one in evidence.harmed])
        yield f"Worse by more than the margin of {evidence.margin:g}: {named}."
    if evidence.verdict is Verdict.REJECT:
        return
    if not evidence.unclear:
        yield f"No category is worse by more than the margin of {evidence.margin:g}."
        return
    named = series([_missing(one) for one in evidence.unclear])
    yield f"Not known to be within the margin of {evidence.margin:g}: {named}."


def what_would_decide(evidence: Evidence) -> str:
    """About how many more blind reviews would decide, or why none would; empty where nothing is open."""
    if evidence.verdict is not Verdict.HOLD:
        return ""
    if evidence.more is not None:
        return (
            f"If it goes on like this, about {evidence.more:,} more blind reviews would decide "
            f"({POWER:.0%} of the time)."
        )
    if not evidence.better and evidence.overall.ahead <= evidence.overall.behind:
        return (
            "As it looks, more blind reviews would not show it to be better: it needs more corrections to "
            "learn from."
        )
    return (
        "How many more blind reviews would decide cannot be told: a category has none yet, or it would take "
        "more than a hundred times as many."
    )


def _lost(one: CategoryEvidence) -> str:
    return f"F1 {one.change.gain:+.3f} ± {one.change.spread:.3f} in {plural(one.change.support, 'review')}"


def _missing(one: CategoryEvidence) -> str:
    return f"{one.key} ({_lost(one)})" if one.change.support else f"{one.key} (no review has it)"
