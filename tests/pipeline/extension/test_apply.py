"""After a change of the list the artifact learns what is new; what stayed is the same to the last bit."""

import numpy as np
import pytest
import yaml
from several_encoders import write_two
from small_project import TEXTS, project

from rubricator.artifact import read_artifact
from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.inputs import Inputs
from rubricator.errors import ArtifactError, RubricatorError, TaxonomyError
from rubricator.pipeline.category import apply_change, run_of_list
from rubricator.pipeline.extension import apply as module
from rubricator.pipeline.extension import training
from rubricator.pipeline.extension.apply import extend
from rubricator.pipeline.extension.plan import plan_extension
from rubricator.pipeline.stage import run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.predict import Predictor
from rubricator.taxonomy import Category, changes
from rubricator.train.search import case_control
from rubricator.train.search.model_search import train_models

ANIMALS = Category(key="town", description="улица, соседи", keywords=("сосед*", "мост", "библиотек*", "кот"))


def add(taxonomy, retired):
    return changes.add(taxonomy, ANIMALS, retired=retired)


@pytest.fixture
def run(tmp_path):
    made = run_of_list(read_config(project(tmp_path, single=False), []), tmp_path / "run")
    run_stages(made, STAGES)
    return made


def again(run):
    return run_of_list(run.config, run.folder)


def said(run):
    artifact = read_artifact(run.folder / "artifact")
    found = artifact.rule.probabilities(artifact.model.logits(Inputs(list(TEXTS))))
    return dict(zip(artifact.manifest.taxonomy.keys, found.T, strict=True))


def test_what_stayed_is_the_same_to_the_last_bit_through_every_change(run):
    first = said(run)
    apply_change(run, add, by="Анна")
    done = extend(again(run))
    second = said(run)
    assert (done.extension.new, done.texts) == (("town",), len(TEXTS))
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert np.ptp(second["town"]) > 0
    apply_change(again(run), lambda t, r: changes.rename(t, "sport", "games", retired=r), by="Анна")
    apply_change(again(run), lambda t, _: changes.remove(t, "food"), by="Анна")
    done = extend(again(run))
    third = said(run)
    assert (set(third), done.extension.new, done.texts) == ({"weather", "games", "town"}, (), 0)
    assert np.array_equal(third["games"], first["sport"])
    assert np.array_equal(third["town"], second["town"])


def test_a_category_that_is_described_anew_is_named_once(run):
    apply_change(run, lambda t, _: changes.describe(t, "sport", {"description": "соревнования"}), by="Анна")
    about = [line for line in plan_extension(again(run)).lines() if line.startswith("sport")]
    assert about == ["sport: labelled, trained and calibrated, in place of what it meant before"]


def test_a_kill_before_the_end_leaves_the_old_artifact(run, monkeypatch):
    before = read_artifact(run.folder / "artifact").manifest.identifier
    apply_change(run, add, by="Анна")
    for step in ("label_beside", "learn", "measure_extension", "write_artifact", "propose_reviews"):
        with monkeypatch.context() as patch:

            def killed(*_, **__):
                raise KeyboardInterrupt

            patch.setattr(module, step, killed)
            with pytest.raises(KeyboardInterrupt):
                extend(again(run))
        assert read_artifact(run.folder / "artifact").manifest.identifier == before
    assert extend(again(run)).identifier != before


def test_what_cannot_be_extended_is_refused(run, tmp_path):
    with pytest.raises(TaxonomyError, match="nothing to apply"):
        extend(run)
    file = tmp_path / "taxonomy.yaml"
    source = file.read_text(encoding="utf-8")
    file.write_text(source.replace("Погода", "Небо"), encoding="utf-8")
    with pytest.raises(TaxonomyError, match="has no version"):
        plan_extension(again(run))
    file.write_text(source, encoding="utf-8")
    apply_change(again(run), add, by="Анна")
    texts = tmp_path / "texts.csv"
    texts.write_text(texts.read_text(encoding="utf-8").replace("гавани", "порту"), encoding="utf-8")
    before = said(run)
    with pytest.raises(RubricatorError, match="texts have changed"):
        extend(again(run))
    assert said(run).keys() == before.keys()


def test_before_any_run_there_is_nothing_to_extend(tmp_path):
    run = run_of_list(read_config(project(tmp_path, single=False), []), tmp_path / "run")
    with pytest.raises(ArtifactError, match="is no artifact"):
        plan_extension(run)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1])
def test_heads_over_encoders_serve_the_same_bits(tmp_path, count):
    write_two(tmp_path)
    path = project(tmp_path, single=False)
    encoders = [str(folder.parent) for folder in sorted(tmp_path.glob("*/config.json"))][:count]
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["encode"] = {
        "encoder": encoders,
        "max_tokens": 48,
        "threads": 1,
        "precision": "fp32",
        "cache": str(tmp_path / "cache"),
    }
    content["train"] = {"models": ["heads"], "learning_curve": False}
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    run = run_of_list(read_config(path, []), tmp_path / "run")
    run_stages(run, STAGES)

    def served():
        predictor = Predictor.load(run.folder / "artifact")
        return [one.probabilities for one in predictor.predict(list(TEXTS))]

    before = served()
    apply_change(run, add, by="Анна")
    extend(again(run))
    for old, now in zip(before, served(), strict=True):
        assert {key: now[key] for key in old} == dict(old)
        assert "town" in now


def test_new_columns_learn_from_a_sample_where_texts_are_many(run, monkeypatch):
    first = said(run)
    monkeypatch.setattr(case_control, "TEXTS", 6)
    for name in ("_POSITIVE", "_NEAR", "_FAR"):
        monkeypatch.setattr(case_control, name, 3)
    counts = []

    def counted(data, targets, *, train, stands_for, **rest):
        counts.append((int(train.sum()), stands_for[train].sum()))
        return train_models(data, targets, train=train, stands_for=stands_for, **rest)

    monkeypatch.setattr(training, "train_models", counted)
    apply_change(run, add, by="Анна")
    extend(again(run))
    ((drawn, stand_for),) = counts
    teaching = sum(part == "train" for part in files.read_split(run.folder).part.values())
    assert drawn < teaching
    assert stand_for > drawn
    second = said(run)
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert np.ptp(second["town"]) > 0


def test_kinds_that_do_not_learn_by_counts_learn_from_all_texts(run):
    data, targets, train = object(), np.zeros((3, 1)), np.ones(3, bool)
    for models in (("cascade", "heads"), ("finetune",), "auto"):
        config = run.config.model_copy(
            update={"train": run.config.train.model_copy(update={"models": models})}
        )
        assert training._sample(data, targets, train, config) is None


SAID = {0: "weather", 1: "weather", 2: "weather", 6: "sport", 7: "sport", 8: "sport", 12: "food", 13: "food"}
SAID_LATER = {3: "weather", 4: "weather", 9: "weather,sport", 10: "sport", 14: "food", 15: "food", 20: "-"}


def test_the_artifact_is_measured_on_its_own_test_part_though_golden_labels_drew_another(tmp_path):
    def write(labels):
        rows = "".join(f'{id_},"{keys}"\n' for id_, keys in labels.items())
        (tmp_path / "golden.csv").write_text(f"id,labels\n{rows}", encoding="utf-8")

    path = project(tmp_path, single=False)
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["golden"] = {"file": "golden.csv", "use": "train"}
    content["split"] = {"test": 0.25, "validation": 0.25, "min_per_category": 1, "folds": 2}
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    write(SAID)
    run = run_of_list(read_config(path, []), tmp_path / "run")
    run_stages(run, STAGES)
    trained = files.read_split(run.folder)
    write(SAID | SAID_LATER)
    run_stages(run, STAGES, until="split")  # as `rubricator review` does
    assert files.read_split(run.folder).part != trained.part
    apply_change(again(run), add, by="Анна")
    done = extend(again(run))
    kept = files.read_split(run.folder / "extension")
    assert kept.part == trained.part
    human = {str(id_) for id_ in SAID | SAID_LATER}
    assert kept.teaching == {id_ for id_ in human if kept.part[id_] != "test"}
    assert kept.fold.keys() >= kept.teaching
    assert done.before.texts == sum(part == "test" for part in kept.part.values())
    (run.folder / "stages/artifact.split.json").unlink()
    apply_change(again(run), lambda t, _: changes.remove(t, "town"), by="Анна")
    with pytest.raises(RubricatorError, match="is missing"):
        extend(again(run))
