"""Golden labels of two places meet in one dataset."""

import pytest

from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.taxonomy import Taxonomy

TEXTS = """id,text,labels
1,Гроза над заливом собирается к вечеру,weather
2,Матч перенесли на воскресенье,sport
3,Суп из крапивы варят весной,
4,Соседский кот сидит на крыше,-
"""
TAXONOMY = "categories: [{key: weather}, {key: sport}, {key: food}]"
CONFIG = (
    "data: {files: [texts.csv], columns: {id: id, body: text, labels: labels}}\ngolden: {file: golden.csv}"
)


def read(folder, golden):
    for name, content in (
        ("texts.csv", TEXTS),
        ("golden.csv", golden),
        ("taxonomy.yaml", TAXONOMY),
        ("rubricator.yaml", CONFIG),
    ):
        (folder / name).write_text(content, encoding="utf-8")
    lines: list[str] = []
    config = read_config(folder / "rubricator.yaml", [])
    run = Run(config, Taxonomy.read(folder / "taxonomy.yaml"), folder / "run", say=lines.append)
    run_stages(run, STAGES, until="read")
    return files.read_dataset(run.folder).golden, "\n".join(lines)


def test_a_file_and_a_column_that_contradict_each_other_are_said_and_the_file_counts(tmp_path, caplog):
    golden, lines = read(tmp_path, 'id,labels\n1,weather\n2,"sport,food"\n3,food\n4,food\n')
    assert golden == {"1": ("weather",), "2": ("sport", "food"), "3": ("food",), "4": ("food",)}
    assert (
        "golden.csv and the column 'labels' label 2 texts differently, '2' as sport, food and as sport"
        in caplog.text
    )
    assert "4 golden texts" in lines


def test_where_they_agree_nothing_is_said_and_texts_without_a_category_are_counted(tmp_path, caplog):
    golden, lines = read(tmp_path, "id,labels\n1,weather\n3,-\n")
    assert golden == {"1": ("weather",), "2": ("sport",), "3": (), "4": ()}
    assert not caplog.text
    assert "4 golden texts, 2 of them with no category" in lines


def test_after_a_change_of_the_list_only_golden_labels_are_read_again(tmp_path, monkeypatch):
    texts = TEXTS.replace("labels", "note", 1) + "5,,\n"
    for name, content in (
        ("texts.csv", texts),
        ("golden.csv", "id,labels\n1,weather\n5,sport\n"),
        ("taxonomy.yaml", TAXONOMY),
        ("rubricator.yaml", CONFIG.replace(", labels: labels", "")),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")

    def run():
        config = read_config(tmp_path / "rubricator.yaml", [])
        now = Run(config, Taxonomy.read(tmp_path / "taxonomy.yaml"), tmp_path / "run")
        run_stages(now, STAGES, until="read")
        return files.read_dataset(now.folder)

    first = run()
    (tmp_path / "taxonomy.yaml").write_text(TAXONOMY.replace("food}", "food}, {key: town}"), "utf-8")
    (tmp_path / "golden.csv").write_text("id,labels\n1,weather\n4,town\n5,sport\n", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr("rubricator.pipeline.read.read_texts", lambda *_, **__: pytest.fail("read again"))
        second = run()
    assert second.golden == {"1": ("weather",), "4": ("town",)}
    assert (second.texts, second.groups, second.facts["golden"]) == (first.texts, first.groups, 2)
    (tmp_path / "run/stages/texts.parquet").write_bytes(b"cut off")
    assert run().golden == second.golden, "a file that is not as it was left is read anew"
    (tmp_path / "texts.csv").write_text(texts.replace("крапивы", "щавеля"), encoding="utf-8")
    assert "щавеля" in run().texts[2].content
