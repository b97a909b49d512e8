"""From what the teachers agree on to one label per text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from rubricator.config import Config
from rubricator.dataset.annotations import TeacherProbabilities, TeacherScores
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.sources import LabelSources
from rubricator.label.aggregation.aggregator import Aggregation, aggregate
from rubricator.label_space import LabelSpace
from rubricator.records import Label, Origin, Text
from rubricator.stats.arrays import Bools, Floats
from rubricator.taxonomy import Taxonomy


def label_texts(
    scores: Sequence[TeacherScores],
    dataset: Dataset,
    sources: LabelSources,
    taxonomy: Taxonomy,
    config: Config,
) -> tuple[list[Label], Aggregation]:
    """Labels of all texts: what people said of those that may teach, what the teachers agree on elsewhere.

    Args:
        scores: Of each teacher.
        dataset: The texts.
        sources: Who labelled each text; the unbiased labels that may teach correct and weigh the teachers.
        taxonomy: The categories.
        config: Method and seed.
    """
    aggregation = aggregate(
        scores,
        taxonomy,
        method=config.label.agreement,
        truth=sources.truth(sources.unbiased & sources.teaches),
        groups=[dataset.groups[text.id] for text in dataset.texts],
        seed=config.seed,
    )
    known = {
        sources.ids[row]: keys_of(said, taxonomy) for row, said in sources.truth(sources.teaches).items()
    }
    labels = aggregate_labels(
        aggregation.agreement, aggregation.probabilities, dataset.texts, taxonomy, known
    )
    return labels, aggregation


def keys_of(chosen: Bools, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Keys of the chosen categories, shape [categories]."""
    return tuple(key for key, yes in zip(taxonomy.keys, chosen, strict=True) if yes)


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
        agreed: What the teachers agree on.
        opinions: Of the teachers; same texts.
        texts: Rows of the opinions.
        taxonomy: Columns of the opinions.
        golden: Text id → category keys; outranks every teacher.

    Returns:
        Labels in the order of the texts. A text that no teacher has an opinion about gets none.
    """
    decided = taxonomy.space.decide(agreed.probabilities)
    standing = {o.teacher: _stands(o.probabilities, decided, taxonomy.space) for o in opinions}
    labels = []
    for row, text in enumerate(texts):
        if text.id in golden:
            labels.append(person_label(text.id, golden[text.id], taxonomy, Origin.GOLDEN))
        elif np.isfinite(agreed.probabilities[row]).all():
            teachers = tuple(teacher for teacher, stands in standing.items() if stands[row])
            labels.append(_agreed_label(text.id, agreed.probabilities[row], decided[row], teachers, taxonomy))
    return labels


def _stands(probabilities: Floats, decided: Bools, space: LabelSpace) -> Bools:
    """Whether the teacher stands for what was decided, shape [texts]."""
    seen, own = np.isfinite(probabilities), space.decide(probabilities)
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
