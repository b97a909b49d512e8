"""What more labels should bring."""

import numpy as np
import pytest
from small_artifacts import taxonomy_of

from rubricator.config import Config, Data
from rubricator.dataset.examples import Examples
from rubricator.dataset.training_data import TrainingData
from rubricator.taxonomy import Task
from rubricator.train.search.learning_curve import MORE, learning_curve

ROWS, WIDTH = 240, 12


def data(noise: float, golden: int = ROWS) -> TrainingData:
    rng = np.random.default_rng(5)
    targets = np.eye(3)[np.arange(ROWS) % 3]
    vectors = targets @ np.eye(3, WIDTH) + rng.normal(scale=noise, size=(ROWS, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    examples = Examples(
        contents=[""] * ROWS,
        vectors=vectors.astype(np.float32),
        targets=targets,
        weights=np.ones(ROWS),
        groups=[str(row) for row in range(ROWS)],
    )
    people = np.arange(ROWS) < golden
    return TrainingData(examples, people, people, np.array(["train"] * ROWS), np.full(ROWS, -1))


def curve(some: TrainingData, weight: float = 1.0, **train):
    columns = Data.model_validate({"files": ["x.csv"], "columns": {"body": "t"}})
    config = Config(data=columns, train={"models": ["heads"], **train})
    taxonomy = taxonomy_of(Task.SINGLE_LABEL)
    return learning_curve(some, some.examples.targets, weight, taxonomy=taxonomy, config=config)


@pytest.mark.slow
def test_where_labels_are_scarce_more_of_them_promise_more():
    hard = curve(data(noise=1.2))
    assert [point.texts for point in hard.points] == [60, 120, 240]
    assert hard.points[-1].value > hard.points[0].value
    assert hard.more == MORE
    assert 0 < hard.gain < 0.2
    easy = curve(data(noise=0.05))
    assert easy.points[0].value > 0.95
    assert easy.gain < hard.gain


def test_too_few_labels_of_people_make_no_curve_and_it_can_be_left_out():
    assert curve(data(noise=0.5, golden=40)) is None
    assert curve(data(noise=0.5), learning_curve=False) is None


@pytest.mark.slow
def test_labels_of_teachers_teach_beside_but_take_nobodys_place():
    some = data(noise=1.2, golden=80)
    alone, beside = curve(some, weight=0.0), curve(some, weight=1.0)
    assert [point.texts for point in alone.points] == [point.texts for point in beside.points] == [20, 40, 80]
    assert beside.points[0].value > alone.points[0].value
