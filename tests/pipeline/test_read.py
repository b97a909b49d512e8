"""Golden labels of two places meet in one dataset."""

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
