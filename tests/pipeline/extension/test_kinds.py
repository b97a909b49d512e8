"""Every kind follows the list: columns that stand alone stay bit by bit, else old and new are compared."""

import csv

import pytest
from small_encoder import write_encoder
from small_project import CATEGORIES, TEXTS

from rubricator.config import read_config
from rubricator.pipeline.category import apply_change, run_of_list
from rubricator.pipeline.extension.apply import extend
from rubricator.pipeline.stage import run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.predict import Predictor
from rubricator.records import Text
from rubricator.taxonomy import Category, changes

CONFIG = """
name: kinds
data:
  files: [texts.csv]
  columns: {id: id, body: text, features: [length]}
label: {teachers: [rules]}
split: {folds: 3, test: 0.2}
encode: {encoder: ./encoder, max_tokens: 48, threads: 1, cache: ./cache, precision: fp32}
evaluate: {bootstrap: 100, plots: false}
train:
  models: [KINDS]
  learning_curve: false
  finetune: {epochs: 1, layers: 1, learning_rate: 0.005, precision: fp32, contrastive: off}
  cascade: {precision: auto}
  static: {width: 16}
  hybrid: {rare_level_count: 2}
"""
TOWN = Category(key="town", description="улица, соседи", keywords=("сосед*", "мост", "библиотек*", "кот"))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.mark.slow
@pytest.mark.parametrize("kinds", ["static", "cascade", "hybrid", "heads, linear", "finetune"])
def test_a_category_comes_to_a_model_of_any_kind(tmp_path, encoder, kinds):
    with (tmp_path / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("id", "text", "length"))
        table.writerows((number, text, len(text)) for number, text in enumerate(TEXTS))
    (tmp_path / "taxonomy.yaml").write_text(f"task: multi-label\n{CATEGORIES}", encoding="utf-8")
    config = CONFIG.replace("KINDS", kinds).replace("./encoder", str(encoder))
    (tmp_path / "rubricator.yaml").write_text(
        config.replace("./cache", str(encoder.parent / "cache")), encoding="utf-8"
    )
    run = run_of_list(read_config(tmp_path / "rubricator.yaml", []), tmp_path / "run")
    run_stages(run, STAGES)

    def served():
        predictor = Predictor.load(run.folder / "artifact")
        texts = [Text(id=str(n), body=text, features={"length": len(text)}) for n, text in enumerate(TEXTS)]
        return [one.probabilities for one in predictor.predict(texts)]

    before = served()
    apply_change(run, lambda t, r: changes.add(t, TOWN, retired=r), by="Анна")
    done = extend(run_of_list(run.config, run.folder), anyway=True)
    after = served()
    assert all("town" in one for one in after)
    if kinds == "finetune":
        assert "trains its encoder for all" in done.extension.whole
        assert done.comparison is not None
    else:
        assert not done.extension.whole
        for old, now in zip(before, after, strict=True):
            assert {key: now[key] for key in old} == dict(old)
