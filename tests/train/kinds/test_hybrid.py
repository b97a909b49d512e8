import logging
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax
from small_examples import make_folds
from small_features import make_bench, make_hybrid

from rubricator.config import Imbalance
from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import MissingExtraError, TrainingError
from rubricator.label_space import LabelSpace
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.network import NetworkModel
from rubricator.models.registry import read_model
from rubricator.models.stacking import StackingModel
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.kinds.hybrid import boosting, network, stacking
from rubricator.train.kinds.hybrid import fit as hybrid
from rubricator.train.time_limit import EarlyStoppedError
from rubricator.train.trainers import fit

WAYS = {"network": NetworkModel, "stacking": StackingModel}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(network, "_EPOCHS", 12)
    monkeypatch.setattr(network, "_NETWORKS", 2)
    monkeypatch.setattr(network, "_UNITS", 16)
    monkeypatch.setattr(network, "_BATCH", 8)
    monkeypatch.setattr(network, "_RATE", 1e-2)
    monkeypatch.setattr(stacking, "_ROUNDS", 10)
    monkeypatch.setattr(stacking, "_EVERY", 5)
    monkeypatch.setitem(boosting.SETTINGS, "learning_rate", 0.3)


def fitted(folder, examples, *, single=True, imbalance=None, **settings):
    context = make_bench(folder, single=single, imbalance=imbalance, **settings)
    return fit("hybrid", examples, folds=make_folds(len(examples)), context=context)


def right(logits, examples):
    """Share of the texts whose likeliest category is one of theirs."""
    return examples.targets[np.arange(len(examples)), logits.argmax(axis=1)].mean()


@pytest.mark.slow
@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_learns_what_the_text_alone_does_not_say(tmp_path, way, single):
    examples, others = make_hybrid(48, single=single), make_hybrid(40, seed=1, single=single)
    found = fitted(tmp_path, examples, way=way, single=single)
    assert isinstance(found.model, WAYS[way])
    assert found.oof_logits.shape == examples.targets.shape
    assert right(found.model.logits(others.inputs()), others) > 0.8
    assert right(found.oof_logits, examples) > 0.8
    blank = replace(others, features=())
    assert 0.3 < right(found.model.logits(blank.inputs()), others) < 0.8


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_training_twice_gives_the_same_files_and_they_the_same_model(tmp_path, way):
    examples = make_hybrid(36)
    first, second = (fitted(tmp_path, examples, way=way) for _ in range(2))
    assert first.model.files() == second.model.files()
    assert (first.oof_logits == second.oof_logits).all()
    again, logits = read_model(first.model.files()), first.model.logits(examples.inputs())
    assert (again.logits(examples.inputs()) == logits).all()
    alone = Inputs([examples.contents[3]], [examples.features[3]], vectors={BASE: examples.vectors[[3]]})
    assert (again.logits(alone)[0] == logits[3]).all()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_text_without_features_is_as_sure_as_the_text_allows(tmp_path, way):
    examples, others = make_hybrid(120), make_hybrid(300, seed=1)
    found = fitted(tmp_path, examples, way=way)
    rule = fit_rule(
        found.oof_logits, examples.targets, examples.weights, space=LabelSpace.of_size(3, single=True)
    )
    said = rule.probabilities(found.model.logits(replace(others, features=()).inputs()))
    assert said.max(axis=1).mean() == pytest.approx(right(said, others), abs=0.12)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_missing_column_or_one_of_another_type_costs_little(tmp_path, way, caplog):
    examples, others = make_hybrid(60), make_hybrid(40, seed=1)
    model = fitted(tmp_path, examples, way=way).model
    changed = [
        {name: cell for name, cell in row.items() if name != "length"} | {"live": "perhaps"}
        for row in others.features
    ]
    with caplog.at_level(logging.WARNING):
        logits = model.logits(replace(others, features=changed).inputs())
    assert right(logits, others) > 0.7
    assert sorted(message.split("'")[1] for message in caplog.messages) == ["length", "live"]


@pytest.mark.slow
def test_auto_tries_both_and_says_what_each_reached(tmp_path):
    found = fitted(tmp_path, make_hybrid(60))
    assert set(found.facts["ways"]) == {"network", "stacking", "both"}
    best = max(found.facts["ways"], key=lambda way: found.facts["ways"][way]["accuracy"])
    assert found.facts["ways"][found.facts["way"]] == found.facts["ways"][best]
    assert isinstance(found.model, (WAYS | {"both": EnsembleModel})[found.facts["way"]])
    assert found.facts["columns"] == {
        "length": "duration",
        "views": "numeric",
        "slot": "categorical",
        "live": "boolean",
        "shown": "date",
    }


def test_auto_without_torch_stacks(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(hybrid.importlib.util, "find_spec", lambda _name: None)
    with caplog.at_level(logging.WARNING):
        assert fitted(tmp_path, make_hybrid(36)).facts["way"] == "stacking"
    assert "torch is not installed" in caplog.text


def test_the_network_without_torch_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"rubricator\[train\]"):
        fitted(tmp_path, make_hybrid(36), way="network")


@pytest.mark.slow
def test_rows_with_too_many_missing_features_are_left_out(tmp_path):
    examples = make_hybrid(48)
    features = [dict.fromkeys(row, None) if i < 6 else row for i, row in enumerate(examples.features)]
    features[6] = features[6] | dict.fromkeys(("length", "views", "slot"), "")
    examples = replace(examples, features=features)
    for limit, count in ((0.8, 6), (2, 7), (None, 0)):
        found = fitted(tmp_path, examples, way="stacking", max_missing=limit)
        assert found.facts["rows_left_out"] == count
        assert np.isfinite(found.oof_logits).all()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_rows_of_no_weight_teach_nothing_and_get_held_out_logits(tmp_path, way):
    examples = make_hybrid(48)
    weights = np.where(np.arange(48) < 12, 0.0, 1.0)
    one = replace(examples, weights=weights)
    wrong = np.roll(examples.targets, 1, axis=1)
    other = replace(one, targets=np.where(weights[:, None] == 0, wrong, examples.targets))
    found, same = (fitted(tmp_path, some, way=way) for some in (one, other))
    assert found.model.files() == same.model.files()
    assert right(found.oof_logits[:12], examples.subset(np.arange(12))) > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_category_without_texts_in_a_fold_or_at_all_is_possible(tmp_path, way):
    examples = make_hybrid(36)
    targets = np.hstack([examples.targets, np.zeros((36, 2))])
    targets[0] = [0, 0, 0, 1, 0]
    found = fitted(tmp_path, replace(examples, targets=targets), way=way)
    assert found.oof_logits.shape == (36, 5)
    assert (found.model.logits(examples.inputs())[1:].argmax(axis=1) < 4).all()


@pytest.mark.slow
@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_two_categories_and_soft_targets(tmp_path, way, single):
    examples = make_hybrid(48)
    soft = examples.targets[:, :2] * 0.8 + 0.1
    soft[:, 1] = 1 - soft[:, 0]
    found = fitted(tmp_path, replace(examples, targets=soft), way=way, single=single)
    rows = np.arange(48) % 3 == 0
    assert (found.model.logits(examples.inputs()).argmax(axis=1) == np.where(rows, 0, 1)).mean() > 0.85


@pytest.mark.slow
@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_imbalance_changes_the_model(tmp_path, way, single):
    examples = make_hybrid(36, single=single)
    settings = Imbalance(logit_adjustment=1.0, sampling="balanced", loss="focal", label_smoothing=0.1)
    plain = fitted(tmp_path, examples, way=way, single=single)
    found = fitted(tmp_path, examples, way=way, single=single, imbalance=settings)
    assert not np.allclose(found.oof_logits, plain.oof_logits)
    assert right(found.oof_logits, examples) > 0.6


def test_a_model_that_cannot_win_is_given_up_after_a_fold(tmp_path):
    examples = make_hybrid(36)
    asked = []

    def should_continue(logits, rows):
        asked.append((logits.shape, int(rows.sum())))
        return False

    for way in WAYS:
        context = replace(make_bench(tmp_path, way=way), should_continue=should_continue)
        with pytest.raises(EarlyStoppedError):
            fit("hybrid", examples, folds=make_folds(36), context=context)
    assert asked == [((36, 3), 9)] * 2


def faulty(**changes):
    return replace(make_hybrid(24), **changes)


@pytest.mark.parametrize(
    ("examples", "settings", "said"),
    [
        (faulty(features=()), {}, "these texts have none"),
        (
            faulty(features=[{"a": None, "b": "same", "c": str(i) + "x"} for i in range(24)]),
            {},
            "says anything",
        ),
        (faulty(vectors=None), {}, "have none"),
        (faulty(targets=np.eye(3)[np.zeros(24, int)]), {}, "one category"),
        (faulty(weights=np.zeros(24)), {}, "not a single labelled text"),
        (faulty(weights=(np.arange(24) < 3).astype(float)), {}, "lie in one fold"),
        (make_hybrid(24), {"columns": {"lenght": "numeric"}}, "did you mean 'length'"),
        (make_hybrid(24), {"columns": {"slot": "date"}}, "no cell is"),
    ],
)
def test_bad_input_says_what_to_do(tmp_path, examples, settings, said):
    with pytest.raises(TrainingError, match=said) as caught:
        fitted(tmp_path, examples, **settings)
    assert caught.value.fix


def test_multi_label_without_two_sides_says_what_to_do(tmp_path):
    with pytest.raises(TrainingError, match="with and without"):
        fitted(tmp_path, faulty(targets=np.ones((24, 3))), single=False)


def test_empty_columns_are_left_out_and_told(tmp_path, caplog):
    examples = make_hybrid(36)
    features = [row | {"nothing": None, "nan": float("nan")} for row in examples.features]
    with caplog.at_level(logging.WARNING):
        found = fitted(tmp_path, replace(examples, features=features), way="stacking")
    assert found.facts["columns_left_out"] == ["nothing", "nan"]
    assert "left out of the features: nothing, nan;" in caplog.text
    assert "nothing" not in found.model.columns


@pytest.mark.slow
def test_kinds_can_be_prescribed_and_rare_levels_are_pooled(tmp_path):
    examples = make_hybrid(36)
    features = [row | {"code": str(i % 4)} for i, row in enumerate(examples.features)]
    examples = replace(examples, features=features)
    plain = fitted(tmp_path, examples, way="stacking", rare_level_count=9)
    told = fitted(tmp_path, examples, way="stacking", columns={"code": "categorical"}, rare_level_count=9)
    assert plain.facts["columns"]["code"] == "numeric"
    assert told.facts["columns"]["code"] == "categorical"
    by_name = {column.name: column for column in told.model.table.columns}
    assert by_name["code"].levels == ["0", "1", "2", "3"]
    assert "noon" not in by_name["slot"].levels


@pytest.mark.parametrize("single", [True, False])
def test_trees_say_what_scikit_learn_says(tmp_path, single):
    examples, context = make_hybrid(48), make_bench(tmp_path, single=single)
    task, _ = hybrid._prepare(examples, make_folds(48), context)
    boosters = boosting.boost(task, task.numbers, np.arange(48), rounds=15)
    *_, last = boosters.stages(task.numbers)
    assert boosters.trees().logits(task.numbers) == pytest.approx(last, abs=1e-9)


def test_of_two_categories_the_softmax_is_what_scikit_learn_says(tmp_path):
    examples = make_hybrid(48)
    two = np.stack([examples.targets[:, 0], 1 - examples.targets[:, 0]], axis=1)
    task, _ = hybrid._prepare(replace(examples, targets=two), make_folds(48), make_bench(tmp_path))
    boosters = boosting.boost(task, task.numbers, np.arange(48), rounds=15)
    said = softmax(boosters.trees().logits(task.numbers), axis=1)
    assert said == pytest.approx(boosters.fitted[0].predict_proba(task.numbers))


def test_two_folds_are_enough_for_the_network_only(tmp_path, caplog):
    examples, folds = make_hybrid(24), np.arange(24) // 4 % 2
    found = fit("hybrid", examples, folds=folds, context=make_bench(tmp_path, way="auto"))
    assert found.facts["way"] == "network"
    assert "only the network" in caplog.text
    with pytest.raises(TrainingError, match="needs 3"):
        fit("hybrid", examples, folds=folds, context=make_bench(tmp_path, way="stacking"))
