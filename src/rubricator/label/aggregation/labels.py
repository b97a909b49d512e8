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

    The unbiased labels that may teach correct and weigh the teachers.
    """
    aggregation = aggregate(
        scores,
        taxonomy,
        method=config.label.agreement,
        truth=sources.truth(sources.unbiased & sources.teaches),
        groups=[dataset.groups[text.id] for text in dataset.texts],
        seed=config.seed,
    )
    golden = {
        sources.ids[row]: keys_of(chosen, taxonomy) for row, chosen in sources.truth(sources.teaches).items()
    }
    labels = aggregate_labels(
        aggregation.agreement, aggregation.probabilities, dataset.texts, taxonomy, golden
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
    of them if the label has any. Golden labels, by text id, outrank every teacher. A text that no
    teacher has an opinion about gets no label.
    """
    decided = taxonomy.space.decide(agreed.probabilities)
    standing = {o.teacher: _stands(o.probabilities, decided, taxonomy.space) for o in opinions}
    labels = []
    for row, text in enumerate(texts):
        if text.id in golden:
            labels.append(person_label(text.id, golden[text.id], taxonomy, Origin.GOLDEN))
        elif np.isfinite(agreed.probabilities[row]).all():
            labels.append(
                Label(
                    text_id=text.id,
                    probabilities=dict(zip(taxonomy.keys, agreed.probabilities[row].tolist(), strict=True)),
                    categories=keys_of(decided[row], taxonomy),
                    origin=Origin.AGREEMENT,
                    teachers=tuple(teacher for teacher, stands in standing.items() if stands[row]),
                )
            )
    return labels


def _stands(probabilities: Floats, decided: Bools, space: LabelSpace) -> Bools:
    """Whether the teacher stands for what was decided, shape [texts]."""
    stated, own = np.isfinite(probabilities), space.decide(probabilities)
    same = ((own == decided) | ~stated).all(axis=1) & stated.any(axis=1)
    return np.asarray(same & ((own & decided).any(axis=1) | ~decided.any(axis=1)))


def person_label(text_id: str, keys: Collection[str], taxonomy: Taxonomy, origin: Origin) -> Label:
    """The label of a text that a person labelled: certain, and standing by itself."""
    return Label(
        text_id=text_id,
        probabilities={key: float(key in keys) for key in taxonomy.keys},
        categories=tuple(key for key in taxonomy.keys if key in keys),
        origin=origin,
    )
