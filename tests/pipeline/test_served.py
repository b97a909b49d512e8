"""A training result keeps its meaning on the way through the disk, and self-training does what it says."""

from dataclasses import replace

import numpy as np
import pytest
from small_artifacts import taxonomy_of

from rubricator.config import Config, Data
from rubricator.dataset.examples import Examples
from rubricator.dataset.training_data import TrainingData
from rubricator.errors import TrainingError
from rubricator.models.training_files import read_training, write_training
from rubricator.models.training_result import OutOfFoldPredictions
from rubricator.taxonomy import Task
from rubricator.train.search import candidates
from rubricator.train.search.model_search import train_models

WORDS = (("выборы", "парламент", "закон"), ("банк", "цены", "биржа"), ("матч", "тренер", "гол"))


def examples(rows: int = 60) -> Examples:
    rng = np.random.default_rng(4)
    targets = np.eye(3)[np.arange(rows) % 3]
    vectors = targets @ rng.normal(size=(3, 8)) + rng.normal(scale=0.5, size=(rows, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    contents = [" ".join(rng.choice(WORDS[row % 3], size=4)) for row in range(rows)]
    return Examples(
        contents=contents,
        vectors=vectors.astype(np.float32),
        targets=targets,
        weights=np.ones(rows),
        groups=[str(row) for row in range(rows)],
    )


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0.0, 0.3, "auto"])
@pytest.mark.parametrize("single", [True, False])
def test_a_road_survives_its_way_through_the_disk(single: bool, weight: float | str, tmp_path) -> None:
    some = examples()
    golden = np.arange(60) < 45
    data = TrainingData(some, golden, golden, np.array(["train"] * 60), np.full(60, -1))
    config = Config(
        data=Data.model_validate({"files": ["x.csv"], "columns": {"body": "t"}}),
        train={"weak_label_weight": weight},
    )
    nobody = np.zeros(60, dtype=bool)
    trained, seen = train_models(
        data,
        some.targets,
        train=~nobody,
        validation=nobody,
        taxonomy=taxonomy_of(Task.SINGLE_LABEL if single else Task.MULTI_LABEL),
        config=config,
        folder=tmp_path / "training",
    )
    assert not seen.nested
    assert seen.rows.tolist() == list(range(45)), "what people labelled, and nothing else"
    held = OutOfFoldPredictions(
        np.arange(3), {"chosen": np.full((3, 3), 0.5)}, {"chosen": np.ones((3, 3), dtype=bool)}
    )
    write_training(tmp_path, trained, held)
    again, held_again = read_training(tmp_path)
    assert again.choice == trained.choice
    assert again.weights_tried == trained.weights_tried
    assert bool(trained.weights_tried) == (weight == "auto")
    for name, model in trained.models.items():
        np.testing.assert_array_equal(again.models[name].logits(some.inputs()), model.logits(some.inputs()))
        np.testing.assert_array_equal(again.rules[name].threshold, trained.rules[name].threshold)
    assert held_again is not None
    np.testing.assert_array_equal(held_again.decisions["chosen"], held.decisions["chosen"])


def test_notes_are_those_of_the_winner_and_no_model_of_an_earlier_training_stays(
    tmp_path, monkeypatch
) -> None:
    some = examples()
    everything = np.ones(60, dtype=bool)
    data = TrainingData(some, everything, everything, np.array(["train"] * 60), np.full(60, -1))
    plain = candidates.fit

    def fit_with_note(kind, learning, *, folds, context):
        fitted = plain(kind, learning, folds=folds, context=context)
        poor = fitted.oof_logits if kind == "heads" else -fitted.oof_logits
        return replace(fitted, oof_logits=poor, notes={0: f"a note of {kind}"})

    monkeypatch.setattr(candidates, "fit", fit_with_note)
    for models in (["linear", "heads"], ["heads"]):
        config = Config(
            data=Data.model_validate({"files": ["x.csv"], "columns": {"body": "t"}}),
            train={"models": models, "ensemble": False},
        )
        trained, _ = train_models(
            data,
            some.targets,
            train=everything,
            validation=~everything,
            taxonomy=taxonomy_of(Task.SINGLE_LABEL),
            config=config,
            folder=tmp_path / "training",
        )
        assert trained.choice.name == "heads"
        assert trained.scarce[0] == "a note of heads"
        write_training(tmp_path, trained, None)
        assert sorted(path.name for path in (tmp_path / "stages/models").iterdir()) == sorted(models)


@pytest.mark.slow
def test_self_training_leaves_golden_labels_and_moves_the_others(tmp_path) -> None:
    some = examples()
    golden = np.arange(60) < 45
    doubtful = np.where(golden[:, None], some.targets, 1 / 3)
    data = TrainingData(some, golden, golden, np.array(["train"] * 60), np.full(60, -1))
    nobody = np.zeros(60, dtype=bool)
    results = []
    for wanted in (False, True):
        config = Config(
            data=Data.model_validate({"files": ["x.csv"], "columns": {"body": "t"}}),
            train={"self_training": wanted, "weak_label_weight": 1.0, "models": ["heads"]},
        )
        trained, _ = train_models(
            data,
            doubtful,
            train=~nobody,
            validation=nobody,
            taxonomy=taxonomy_of(Task.SINGLE_LABEL),
            config=config,
            folder=tmp_path,
        )
        results.append(trained)
    plain, taught = (
        trained.models["heads"].logits(some.inputs())[~golden].max(axis=1).mean() for trained in results
    )
    assert taught > plain, "doubtful texts have become surer"


def test_one_category_alone_is_refused_where_a_text_has_exactly_one(tmp_path) -> None:
    some = replace(examples(), targets=np.tile([1.0, 0.0, 0.0], (60, 1)))
    everyone = np.ones(60, dtype=bool)
    data = TrainingData(some, everyone, everyone, np.array(["train"] * 60), np.full(60, -1))
    config = Config(data=Data.model_validate({"files": ["x.csv"], "columns": {"body": "t"}}))
    with pytest.raises(TrainingError, match="there is nothing to tell apart"):
        train_models(
            data,
            some.targets,
            train=everyone,
            validation=~everyone,
            taxonomy=taxonomy_of(Task.SINGLE_LABEL),
            config=config,
            folder=tmp_path,
        )
