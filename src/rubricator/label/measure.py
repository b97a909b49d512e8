"""How good the teachers are, measured on golden texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import accuracy_score, cohen_kappa_score

from rubricator.label.calibration import Bools, Floats
from rubricator.label.opinions import Opinion
from rubricator.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class CategoryReport:
    """One teacher in one category. A measure that is not defined (0 / 0) is None.

    Attributes:
        key: The category.
        support: Golden texts in the category, whatever the teacher said.
        answered: Share of the golden texts on which the teacher has an opinion here.
        precision: Of the texts it puts here, the share that belongs here.
        recall: Of the texts that belong here, the share it puts here; silence counts as missed.
        f1: Harmonic mean of the two.
        kappa: Cohen's kappa with the golden labels, silence counting as "not here".
    """

    key: str
    support: int
    answered: float
    precision: float | None
    recall: float | None
    f1: float | None
    kappa: float | None


@dataclass(frozen=True, slots=True)
class TeacherReport:
    """One teacher against the golden texts, at its own probabilities cut at one half.

    Attributes:
        teacher: Its name.
        texts: Number of golden texts.
        answered: Share of them on which it has any opinion.
        macro_f1: Mean of the F1 of categories where it is defined.
        kappa: Cohen's kappa: single-label over the categories (on answered texts), multi-label the
            mean over categories where it is defined.
        accuracy: Single-label only: share of the answered texts whose best category is right.
        categories: In taxonomy order.
    """

    teacher: str
    texts: int
    answered: float
    macro_f1: float | None
    kappa: float | None
    accuracy: float | None
    categories: tuple[CategoryReport, ...]


def measure_teachers(
    opinions: Sequence[Opinion], truth: Mapping[int, Bools], taxonomy: Taxonomy
) -> list[TeacherReport]:
    """Compare opinions with golden labels.

    Fair only where the opinions about golden texts were cross-fitted, as `opinions_of` does, or
    where the golden texts set nothing.

    Args:
        opinions: Of teachers, or of their agreement (`pool`).
        truth: Row of a golden text → its categories, shape [categories]; at least one.
        taxonomy: Order of the categories.

    Returns:
        One report per opinion, in order.

    Raises:
        ValueError: There is no golden text.
    """
    if not truth:
        raise ValueError("no golden texts to measure teachers on")
    rows = np.array(sorted(truth), dtype=np.intp)
    known = np.array([truth[row] for row in rows], dtype=bool)
    return [_measure(opinion.teacher, opinion.probabilities[rows], known, taxonomy) for opinion in opinions]


def _measure(teacher: str, probabilities: Floats, known: Bools, taxonomy: Taxonomy) -> TeacherReport:
    seen = np.isfinite(probabilities)
    decided = _decide(probabilities, single=taxonomy.single)
    categories = tuple(
        _category(key, decided[:, j], known[:, j], float(seen[:, j].mean()))
        for j, key in enumerate(taxonomy.keys)
    )
    heard = seen.any(axis=1)
    accuracy, kappa = None, _mean([category.kappa for category in categories])
    if taxonomy.single:
        said, true = decided[heard].argmax(axis=1), known[heard].argmax(axis=1)
        accuracy = float(accuracy_score(true, said)) if heard.any() else None
        kappa = _kappa(true, said)
    return TeacherReport(
        teacher=teacher,
        texts=len(known),
        answered=float(heard.mean()),
        macro_f1=_mean([category.f1 for category in categories]),
        kappa=kappa,
        accuracy=accuracy,
        categories=categories,
    )


def _decide(probabilities: Floats, *, single: bool) -> Bools:
    likely = np.nan_to_num(probabilities)
    if not single:
        return np.asarray(likely >= 0.5)
    best = np.zeros(likely.shape, dtype=bool)
    best[np.arange(len(likely)), likely.argmax(axis=1)] = True
    return best & np.isfinite(probabilities)


def _category(key: str, decided: Bools, known: Bools, answered: float) -> CategoryReport:
    both, said, support = int((decided & known).sum()), int(decided.sum()), int(known.sum())
    return CategoryReport(
        key=key,
        support=support,
        answered=answered,
        precision=both / said if said else None,
        recall=both / support if support else None,
        f1=2 * both / (said + support) if said + support else None,
        kappa=_kappa(known, decided),
    )


def _kappa(one: np.ndarray, other: np.ndarray) -> float | None:
    # Where both always say the same single thing, chance explains everything: 0 / 0.
    if len(one) == 0 or len(set(one.tolist()) | set(other.tolist())) < 2:
        return None
    return float(cohen_kappa_score(one, other))


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
