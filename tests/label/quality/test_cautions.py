"""What must be said of labels before anybody trains on them."""

import numpy as np
import pytest

from rubricator.config import Config
from rubricator.dataset.annotations import Annotations, Scale, TeacherScores
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet
from rubricator.dataset.sources import label_sources
from rubricator.dataset.split import DatasetSplit
from rubricator.label.quality.cautions import label_cautions
from rubricator.pipeline.label import label
from rubricator.records import Origin, Text
from rubricator.taxonomy import Taxonomy

KEYS = ("a", "b", "c")


def labelled(golden, answers, *, teaching=999) -> tuple[Annotations, LabelSet, Taxonomy]:
    """Labels of as many texts as there are answers, 0 or 1 for each category.

    The first ones are golden, and of these the first ones, so many, may teach; the others are the test.
    """
    taxonomy = Taxonomy.model_validate({"categories": [{"key": key} for key in KEYS]})
    texts = [Text(id=str(row), body=f"text {row}") for row in range(len(next(iter(answers.values()))))]
    people = {str(row): keys for row, keys in enumerate(golden)}
    dataset = Dataset(texts, {one.id: one.id for one in texts}, people, [], {})
    tested = [id_ for id_ in dataset.golden if int(id_) >= teaching]
    split = DatasetSplit(
        part={one.id: "test" if one.id in tested else "train" for one in texts},
        fold={},
        teaching=frozenset(dataset.golden) - frozenset(tested),
        by="given",
        validation="folds",
        notes=(),
    )
    scores = [
        TeacherScores(
            name,
            Scale.PROBABILITY,
            np.array(rows, dtype=float),
            np.ones(len(texts), bool),
            np.array([], "S1"),
        )
        for name, rows in answers.items()
    ]
    config = Config.model_validate({"data": {"files": ["texts.csv"], "columns": {"body": "text"}}})
    sources = label_sources(dataset, split, {}, taxonomy)
    label_set, aggregation = label(dataset, scores, sources, taxonomy, config)
    annotations = Annotations(
        scores,
        aggregation.probabilities,
        aggregation.agreement,
        aggregation.weights.teachers,
        aggregation.weights.meaning,
        usage=[],
    )
    return annotations, label_set, taxonomy


def marks(rows) -> np.ndarray:
    return np.array([[key in row for key in KEYS] for row in rows], dtype=float)


FAIR = [("a",), ("b",), ("c",), ("a", "b")] * 30


def test_nothing_is_said_where_all_is_well():
    assert label_cautions(*labelled(FAIR[:60], {"good": marks(FAIR)})) == []


@pytest.mark.parametrize(
    ("golden", "answers", "sentence"),
    [
        ([("a",), ("b",), ("c",)] * 20, FAIR, "has exactly one category, though the taxonomy allows several"),
        ([("a",), (), (), ("b", "c")] * 15 + [()] * 5, FAIR, "have no category, which means"),
        ((), [("a",)] * 40, "Every label is a: a model has nothing to tell apart"),
        (FAIR[:60], FAIR[:60] + [("a", "b", "c")] * 60, "c: teachers agree on it for"),
        (FAIR[:60], [("a",), ("b",), (), ("a", "b")] * 30, "good never gave c, to none of 120 texts"),
    ],
)
def test_what_damages_labels_is_said(golden, answers, sentence):
    cautions = label_cautions(*labelled(golden, {"good": marks(answers)}))
    assert any(sentence in caution for caution in cautions), cautions


def test_a_teacher_that_knows_nothing_is_not_heard_and_that_is_said():
    rng = np.random.default_rng(3)
    lost = marks([KEYS[place : place + 1] for place in rng.integers(0, 3, len(FAIR))])
    annotations, label_set, taxonomy = labelled(FAIR[:100], {"good": marks(FAIR), "lost": lost})
    cautions = label_cautions(annotations, label_set, taxonomy)
    assert any(caution.startswith("lost tells nothing about the 100 golden texts") for caution in cautions)
    _, alone, _ = labelled(FAIR[:100], {"good": marks(FAIR)})
    # Beside a teacher that is always right, it moves no label.
    assert (label_set.decided == alone.decided).all()


def test_labels_of_people_are_theirs_also_where_they_teach_nobody():
    _, label_set, _ = labelled(FAIR[:60], {"good": marks([("c",)] * 120)}, teaching=20)
    assert all(label_set.labels[str(row)].categories == FAIR[row] for row in range(60))
    assert {label_set.labels[str(row)].origin for row in range(60)} == {Origin.GOLDEN}
