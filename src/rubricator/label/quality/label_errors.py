"""Labels that are worth a second look, the most doubtful first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.divergence import jensen_shannon

_SPLIT = 0.3
"""Smallest disagreement worth naming: two teachers, each 80% sure of the opposite, reach 0.28."""
# Of cleanlab's filters the one that copes, without a warning, with categories that have few texts.
_FILTER = "confident_learning"


class Reason(StrEnum):
    """Why a label is suspected."""

    MODEL = "model"
    DUPLICATE = "duplicate"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label worth a second look.

    Attributes:
        reasons: How much speaks for each reason, 0 to 1, largest first.
        suggestion: What the label may rather be: category keys in taxonomy order.
        probability: Of the label as it is, by models that never saw it (multi-label: of its least
            likely yes or no).
        score: 0 to 1, larger is more doubtful: the reasons together, as if independent.
    """

    row: int
    reasons: dict[Reason, float]
    suggestion: tuple[str, ...]
    probability: float
    score: float


def audit(
    labels: Bools,
    probabilities: Floats,
    space: LabelSpace,
    *,
    groups: Sequence[str],
    opinions: Sequence[TeacherProbabilities] = (),
    by_people: Bools | None = None,
) -> list[Suspect]:
    """Find labels that are probably wrong, and texts that need a person, the most doubtful first.

    Three reasons count. `model`: confident learning (Northcutt, Jiang and Chuang, "Confident
    learning: estimating uncertainty in dataset labels", 2021; the library cleanlab) finds that models
    which never saw the label disagree with it more than their usual errors explain. `duplicate`: a
    near-duplicate has another label. `split`: teachers are sure of different things.

    Args:
        labels: Decided categories, shape [texts, categories]; single-label one per text.
        probabilities: By models that saw neither the text nor a near-duplicate, same shape, finite.
        space: The categories.
        groups: Group of near-duplicates of each text.
        opinions: Of the teachers, about the same texts; may be empty.
        by_people: Which labels people gave, shape [texts]: there it does not matter that teachers split.
    """
    wrong, doubt = _by_model(labels, probabilities, space)
    differing, usual = _by_duplicates(labels, groups)
    split = np.zeros(len(labels))
    if opinions:
        split = disagreement([opinion.probabilities for opinion in opinions], single=space.single)
    if by_people is not None:
        split = np.where(by_people, 0.0, split)
    own = np.where(labels, probabilities, 1 - probabilities)
    stated = (probabilities * labels).sum(axis=1) if space.single else own.min(axis=1)
    likely = space.decide(probabilities)
    if not space.single:
        # Where cleanlab doubts categories, only those are turned round.
        likely = np.where(wrong.any(axis=1, keepdims=True), labels ^ wrong, likely)
    suspects = []
    for row in range(len(labels)):
        evidence = {
            Reason.MODEL: doubt[row] if wrong[row].any() else 0.0,
            Reason.DUPLICATE: differing[row],
            Reason.SPLIT: split[row] if split[row] >= _SPLIT else 0.0,
        }
        ranked = sorted(evidence.items(), key=lambda item: -item[1])
        reasons = {why: float(strength) for why, strength in ranked if strength > 0}
        if not reasons:
            continue
        rather = usual[row] if Reason.MODEL not in reasons and Reason.DUPLICATE in reasons else likely[row]
        keys = tuple(key for key, yes in zip(space.keys, rather, strict=True) if yes)
        score = 1 - float(np.prod([1 - strength for strength in reasons.values()]))
        suspects.append(Suspect(row, reasons, keys, float(stated[row]), score))
    return sorted(suspects, key=lambda suspect: (-suspect.score, suspect.row))


def _by_model(labels: Bools, probabilities: Floats, space: LabelSpace) -> tuple[Bools, Floats]:
    """Which cells cleanlab takes for errors [texts, categories], and how bad each text looks [texts]."""
    from cleanlab.filter import find_label_issues
    from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
    from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class
    from cleanlab.rank import get_label_quality_scores

    wrong, unsuspected = np.zeros(labels.shape, dtype=bool), np.zeros(len(labels))
    if space.single:
        columns = labels.argmax(axis=1)
        # cleanlab refuses labels that are all the same; there is no other category to mistake them for.
        if len(set(columns.tolist())) < 2:
            return wrong, unsuspected
        issues = find_label_issues(columns, probabilities, filter_by=_FILTER, n_jobs=1)
        wrong[issues] = labels[issues]
        return wrong, 1 - get_label_quality_scores(columns, probabilities)
    varied = np.flatnonzero(labels.any(axis=0) & ~labels.all(axis=0))
    if not len(varied):
        return wrong, unsuspected
    lists = [np.flatnonzero(row).tolist() for row in labels[:, varied]]
    wrong[:, varied] = find_multilabel_issues_per_class(
        lists, probabilities[:, varied], filter_by=_FILTER, n_jobs=1
    )
    quality = np.ones(labels.shape)
    quality[:, varied] = get_label_quality_scores_per_class(lists, probabilities[:, varied])
    return wrong, np.where(wrong, 1 - quality, 0.0).max(axis=1)


def _by_duplicates(labels: Bools, groups: Sequence[str]) -> tuple[Floats, Bools]:
    """Share of each text's group that is labelled otherwise [texts], and the group's commonest label."""
    members: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        members[group].append(row)
    differing, usual = np.zeros(len(labels)), labels.copy()
    for rows in members.values():
        counts = Counter(labels[row].tobytes() for row in rows)
        if len(counts) > 1:
            differing[rows] = [1 - counts[labels[row].tobytes()] / len(rows) for row in rows]
            usual[rows] = np.frombuffer(counts.most_common(1)[0][0], dtype=bool)
    return differing, usual


def disagreement(opinions: Sequence[Floats], *, single: bool) -> Floats:
    """How far teachers split over each text: 0 if they say the same, 1 if each is sure of another thing.

    Jensen-Shannon divergence of their probabilities (Lin, "Divergence measures based on the Shannon
    entropy", 1991) as a share of the largest possible; multi-label, of the category on which they
    split most. Hesitating together is no split. Where fewer than two have an opinion it is 0.

    Opinions have the shape [texts, categories], NaN for none; the result has the shape [texts].
    """
    stacked = np.stack(opinions)
    # The last axis holds outcomes: all categories, or yes and no of each.
    outcomes = stacked[:, :, None, :] if single else np.stack([stacked, 1 - stacked], axis=-1)
    counted = np.isfinite(outcomes).all(axis=-1).sum(axis=0)
    most = np.log(np.clip(counted, 2, outcomes.shape[-1]))
    return np.asarray(np.clip((jensen_shannon(outcomes) / most).max(axis=1), 0, 1))
