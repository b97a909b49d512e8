"""Where categories share a decision all learn anew; the old model stays unless the new one is no worse."""

import numpy as np
import pytest
import yaml
from small_project import TEXTS, project

from rubricator.artifact import read_artifact
from rubricator.config import read_config
from rubricator.dataset.inputs import Inputs
from rubricator.pipeline.category import apply_change, run_of_list
from rubricator.pipeline.extension import figures as module
from rubricator.pipeline.extension.apply import extend
from rubricator.pipeline.extension.estimate import estimate
from rubricator.pipeline.extension.plan import plan_extension
from rubricator.pipeline.stage import run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.significance import Difference
from rubricator.taxonomy import Category, changes

TOWN = Category(key="town", description="улица, соседи", keywords=("сосед*", "мост", "библиотек*", "кот"))


def add(taxonomy, retired):
    return changes.add(taxonomy, TOWN, retired=retired)


def made(folder, *, single, **train):
    path = project(folder, single=single)
    if train:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        content["train"] = {**content.get("train", {}), **train}
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    run = run_of_list(read_config(path, []), folder / "run")
    run_stages(run, STAGES)
    return run


def again(run):
    return run_of_list(run.config, run.folder)


def served(run):
    artifact = read_artifact(run.folder / "artifact")
    found = artifact.rule.probabilities(artifact.model.logits(Inputs(list(TEXTS))))
    return artifact.manifest, found


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    return made(tmp_path_factory.mktemp("single"), single=True)


def test_where_one_category_is_right_all_learn_anew_and_are_compared(single, monkeypatch):
    old, _ = served(single)
    apply_change(single, add, by="Анна")
    run = again(single)
    plan = plan_extension(run)
    assert "share one decision" in plan.whole
    assert plan.learns == run.taxonomy.keys
    assert estimate(run, plan).seconds > 0
    worse = Difference(change=Estimate(-0.3, -0.5, -0.1), p_value=0.001, corrected_p=0.003)
    compare = module.compare_runs

    def surely_worse(runs):
        from dataclasses import replace

        found = compare(runs)
        return replace(found, new=(replace(found.new[0], f1={**found.new[0].f1, "sport": worse}),))

    with monkeypatch.context() as patch:
        patch.setattr(module, "compare_runs", surely_worse)
        done = extend(run)
        assert not done.in_place
        assert "surely worse for sport" in " ".join(done.figures.doubts)
        assert served(run)[0].id == old.id
        assert read_artifact(done.folder).manifest.taxonomy.keys == run.taxonomy.keys
        assert extend(run, anyway=True).in_place
    manifest, said = served(run)
    assert manifest.taxonomy.keys == run.taxonomy.keys
    assert np.allclose(said.sum(axis=1), 1)


def test_another_key_trains_nothing_even_where_one_is_right(single):
    _, before = served(single)
    apply_change(again(single), lambda t, r: changes.rename(t, "sport", "games", retired=r), by="Анна")
    done = extend(again(single))
    manifest, after = served(single)
    assert done.texts == 0
    assert "games" in manifest.taxonomy.keys
    assert np.array_equal(before, after)


def test_a_model_no_worse_takes_the_place_and_says_why(tmp_path):
    run = made(tmp_path, single=True)
    apply_change(run, add, by="Анна")
    done = extend(again(run))
    assert done.in_place
    assert done.comparison is not None
    assert set(done.comparison.support) == {"weather", "sport", "food"}
    assert "No category is surely worse" in " ".join(done.figures.reasons)
    assert done.review is not None
    proposed = done.review.file.read_text(encoding="utf-8").split()
    assert len(set(proposed)) == len(proposed) == done.review.positive + done.review.negative
    assert min(done.review.positive, done.review.negative) > 0


def test_refitted_columns_stay_the_same_bits(tmp_path):
    run = made(tmp_path, single=False, refit="all")
    _, before = served(run)
    apply_change(run, add, by="Анна")
    done = extend(again(run))
    _, after = served(run)
    assert np.array_equal(before, after[:, : before.shape[1]])
    assert [one.key for one in done.after.categories] == ["town"]
    assert done.before is None
