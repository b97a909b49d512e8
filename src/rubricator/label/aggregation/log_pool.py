"""From the opinions of several teachers to one label per text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.special import expit, logit, softmax

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.aggregation.dawid_skene import dawid_skene
from rubricator.label.aggregation.votes import decide, majority
from rubricator.records import Label, Origin, Text
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.losses import binary_cross_entropy
from rubricator.taxonomy import Taxonomy

Method = Literal["pool", "majority", "dawid-skene"]

_SURE = 1e-6
_LEAST_WEIGHT = 0.05
_COUNTED_AS = 10.0  # golden texts that a teacher's overall skill is worth in one category's
_USUAL_SKILL = 0.5


def weigh(
    opinions: Sequence[TeacherProbabilities], truth: Mapping[int, Bools], taxonomy: Taxonomy
) -> dict[str, Floats]:
    """How much each teacher's word counts in each category, measured on golden texts.

    The weight is the share of the uncertainty about a golden text that the teacher takes away where
    it has an opinion: 1 minus its log loss over that of the base rate. A category with few golden
    opinions borrows from the teacher's others; in single-label work all have the same, drawn to one
    half where golden texts are few.

    Args:
        opinions: Cross-fitted on the golden texts (see `opinions_of`).
        truth: Row of a golden text → its categories, shape [categories].
        taxonomy: Order of the categories.

    Returns:
        Weights between 0.05 and 1 by teacher, shape [categories]; all 1 without golden texts.
    """
    if not truth:
        return {opinion.teacher: np.ones(len(taxonomy.keys)) for opinion in opinions}
    rows = np.array(sorted(truth), dtype=np.intp)
    known = np.array([truth[row] for row in rows], dtype=bool)
    base = np.broadcast_to((known.sum(axis=0) + 0.5) / (len(rows) + 1), known.shape)
    return {o.teacher: _skill(o.probabilities[rows], known, base, single=taxonomy.single) for o in opinions}


def _skill(probabilities: Floats, known: Bools, base: Floats, *, single: bool) -> Floats:
    seen = np.isfinite(probabilities)
    own = np.where(seen, binary_cross_entropy(np.where(seen, probabilities, 0.5), known, floor=_SURE), 0.0)
    blind = np.where(seen, binary_cross_entropy(base, known, floor=_SURE), 0.0)
    overall = 1 - own.sum() / max(blind.sum(), _SURE)
    if single:
        # Categories share one distribution, so a teacher speaks equally loudly about all of them;
        # how loudly, a handful of texts cannot tell.
        heard = float(seen.any(axis=1).sum())
        drawn = (heard * overall + _COUNTED_AS * _USUAL_SKILL) / (heard + _COUNTED_AS)
        return np.full(known.shape[1], np.clip(drawn, _LEAST_WEIGHT, 1.0))
    borrowed = _COUNTED_AS * blind.sum() / max(seen.sum(), 1)
    skill = 1 - (own.sum(axis=0) + borrowed * (1 - overall)) / np.maximum(blind.sum(axis=0) + borrowed, _SURE)
    return np.asarray(np.clip(skill, _LEAST_WEIGHT, 1.0))


def log_opinion_pool(
    opinions: Sequence[TeacherProbabilities], taxonomy: Taxonomy, *, weights: Mapping[str, Floats]
) -> TeacherProbabilities:
    """One opinion from several: the weighted mean of their log-odds, abstentions left out.

    This is the logarithmic opinion pool (Genest and Zidek, "Combining probability distributions",
    1986): unlike a sum of log-odds it does not become surer because teachers repeat one another.
    Multi-label, a cell about which every teacher abstains gets the category's mean probability.
    Single-label, a text about which every teacher abstains stays NaN.

    Args:
        opinions: At least one; same texts.
        taxonomy: Single- or multi-label.
        weights: By teacher, shape [categories] (see `weigh`).

    Returns:
        The opinion of a teacher named `agreement`.
    """
    stacked = np.stack([np.clip(opinion.probabilities, _SURE, 1 - _SURE) for opinion in opinions])
    seen = np.isfinite(stacked)
    loud = np.where(seen, np.stack([weights[opinion.teacher] for opinion in opinions])[:, None, :], 0.0)
    evidence = np.log(stacked) if taxonomy.single else logit(stacked)
    total = loud.sum(axis=0)
    mean = (np.where(seen, evidence, 0.0) * loud).sum(axis=0) / np.where(total > 0, total, np.nan)
    answered = np.any([opinion.answered for opinion in opinions], axis=0)
    probabilities = np.asarray(softmax(mean, axis=1) if taxonomy.single else expit(mean))
    if not taxonomy.single:
        silent = answered[:, None] & ~np.isfinite(probabilities)
        rate = np.nansum(probabilities, axis=0) / max(answered.sum(), 1)
        probabilities = np.where(silent, rate, probabilities)
    return TeacherProbabilities("agreement", probabilities, answered)


def aggregate(
    opinions: Sequence[TeacherProbabilities],
    taxonomy: Taxonomy,
    *,
    method: Method,
    truth: Mapping[int, Bools],
    weights: Mapping[str, Floats],
) -> TeacherProbabilities:
    """One opinion from several, by the method that the config names.

    Args:
        opinions: At least one; same texts.
        taxonomy: Single- or multi-label.
        method: `log_opinion_pool`, `majority` or `dawid-skene`.
        truth: Row of a golden text that may set things → its categories; Dawid–Skene learns from it.
        weights: By teacher, shape [categories] (see `weigh`); the pool's.

    Returns:
        The opinion of a teacher named `agreement`. About golden texts it is what the teachers say of
        them, not what is known, so that it can be measured there.
    """
    if method == "majority":
        return majority(opinions, taxonomy)
    if method == "dawid-skene":
        return dawid_skene(opinions, taxonomy, truth).opinion
    return log_opinion_pool(opinions, taxonomy, weights=weights)


def aggregate_labels(
    agreed: TeacherProbabilities,
    opinions: Sequence[TeacherProbabilities],
    texts: Sequence[Text],
    taxonomy: Taxonomy,
    golden: Mapping[str, Collection[str]],
) -> list[Label]:
    """Decide on labels: golden ones as they are, the others as the teachers agree.

    A teacher stands for a label if it decides likewise wherever it has an opinion: single-label on
    the same category; multi-label on the same categories among those it speaks about, at least one
    of them if the label has any.

    Args:
        agreed: What the teachers agree on (see `aggregate`).
        opinions: Of the teachers; same texts.
        texts: Rows of the opinions.
        taxonomy: Columns of the opinions.
        golden: Text id → category keys; outranks every teacher.

    Returns:
        Labels in the order of the texts. A text that no teacher has an opinion about gets none.
    """
    decided = decide(agreed.probabilities, single=taxonomy.single)
    standing = {o.teacher: _stands(o.probabilities, decided, single=taxonomy.single) for o in opinions}
    labels = []
    for row, text in enumerate(texts):
        if text.id in golden:
            labels.append(person_label(text.id, golden[text.id], taxonomy, Origin.GOLDEN))
        elif np.isfinite(agreed.probabilities[row]).all():
            teachers = tuple(teacher for teacher, stands in standing.items() if stands[row])
            labels.append(_agreed_label(text.id, agreed.probabilities[row], decided[row], teachers, taxonomy))
    return labels


def _stands(probabilities: Floats, decided: Bools, *, single: bool) -> Bools:
    """Whether the teacher stands for what was decided, shape [texts]."""
    seen, own = np.isfinite(probabilities), decide(probabilities, single=single)
    same = ((own == decided) | ~seen).all(axis=1) & seen.any(axis=1)
    return np.asarray(same & ((own & decided).any(axis=1) | ~decided.any(axis=1)))


def person_label(text_id: str, keys: Collection[str], taxonomy: Taxonomy, origin: Origin) -> Label:
    """The label of a text that a person labelled: certain, and standing by itself."""
    return Label(
        text_id=text_id,
        probabilities={key: float(key in keys) for key in taxonomy.keys},
        categories=tuple(key for key in taxonomy.keys if key in keys),
        origin=origin,
    )


def _agreed_label(
    text_id: str, probabilities: Floats, decided: Bools, teachers: tuple[str, ...], taxonomy: Taxonomy
) -> Label:
    return Label(
        text_id=text_id,
        probabilities=dict(zip(taxonomy.keys, probabilities.tolist(), strict=True)),
        categories=tuple(key for key, given in zip(taxonomy.keys, decided, strict=True) if given),
        origin=Origin.AGREEMENT,
        teachers=teachers,
    )
