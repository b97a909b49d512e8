"""Reports and cards say whose labels they stand on."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from small_project import TEXTS, labelled

from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.dataset.reviews import Review
from rubricator.dataset.sources import label_sources, read_sources, write_sources
from rubricator.dataset.training_data import training_data
from rubricator.errors import DataError
from rubricator.evaluate.report.gather import _data
from rubricator.pipeline.evaluate import EvaluationInputs
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.review.reviews import answer_of, judged
from rubricator.taxonomy import Taxonomy


def test_reviewed_texts_of_the_test_part_are_not_called_agreed_between_teachers(tmp_path: Path) -> None:
    run = labelled(tmp_path, single=False)
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    drawn, doubtful, prompted = [text for text in dataset.texts if split.part[text.id] == "test"][:3]
    with open_store(run) as store:
        store.save(
            answer_of(
                Review(text_id=text.id, judged=judged(["food"], run.taxonomy), by="a", chosen=why, shown=how),
                text.content,
                run.taxonomy,
            )
            for text, why, how in (
                (drawn, "random", "blind"),
                (doubtful, "gain", "suggested"),
                (prompted, "random", "suggested"),
            )
        )
    run_stages(run, STAGES, until="label")
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    data = training_data(dataset, label_set, np.zeros((len(dataset.texts), 2), dtype=np.float32))
    inputs = EvaluationInputs(data, dataset, label_set, {})
    row = {text.id: number for number, text in enumerate(dataset.texts)}
    assert inputs.human[row[drawn.id]], "a person drew and labelled it: it measures"
    assert label_set.sources.categories[row[drawn.id]].tolist() == [False, False, True]
    assert not inputs.human[row[doubtful.id]], "it was chosen for being doubtful"
    assert not inputs.human[row[prompted.id]], "the person saw what the teachers think"
    assert not inputs.agreed[[row[text.id] for text in (drawn, doubtful, prompted)]].any()
    assert inputs.agreed.any()
    assert {report.texts for report in label_set.reports} == {1}, "teachers are measured by what was drawn"
    origins = _data(dataset, split, label_set, run.taxonomy, run.config).parts["test"]
    assert origins["review"] == 3, "the report's table of parts says that people labelled them"


def test_who_labelled_survives_its_way_through_the_disk(tmp_path: Path) -> None:
    run = labelled(tmp_path, single=False)
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    first, second, *_ = (text.id for text in dataset.texts)
    dataset.golden[first] = ()
    review = Review(text_id=second, judged=judged(["sport", "food"], run.taxonomy), by="a", chosen="gain")
    sources = label_sources(dataset, split, {second: review}, run.taxonomy)
    write_sources(run.folder, sources, run.taxonomy)
    back = read_sources(run.folder, run.taxonomy)
    for field in fields(sources):
        np.testing.assert_array_equal(getattr(back, field.name), getattr(sources, field.name))


def test_golden_texts_that_only_tune_are_not_counted_as_training_texts(tmp_path: Path) -> None:
    run = labelled(tmp_path, single=False)
    golden = "".join(f"{number},food\n" for number in range(8))
    (tmp_path / "golden.csv").write_text("id,labels\n" + golden, encoding="utf-8")
    settings = ["golden.file=golden.csv", "golden.use=tune"]
    run = Run(read_config(tmp_path / "rubricator.yaml", settings), run.taxonomy, tmp_path / "tuned")
    run_stages(run, STAGES, until="label")
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    assert len(split.teaching) == 4
    assert not (label_set.sources.teaches & (label_set.sources.part == "train")).any()


def test_rules_that_never_hit_end_in_a_sentence(tmp_path: Path) -> None:
    folder = labelled(tmp_path, single=False).folder
    taxonomy = Taxonomy.model_validate(
        {
            "task": "single-label",
            "categories": [{"key": "a", "keywords": ["никогда"]}, {"key": "b", "keywords": ["нигде"]}],
        }
    )
    run = Run(read_config(tmp_path / "rubricator.yaml", []), taxonomy, tmp_path / "silent")
    with pytest.raises(
        DataError, match=r"No text has a label(?s:.*)rules: \d+ of \d+ answers named no category"
    ):
        run_stages(run, STAGES, until="label")
    assert not (run.folder / "labels.csv").exists()
    assert not (run.folder / "stages/labels.parquet").exists()
    assert len(files.read_dataset(folder).texts) == len(TEXTS)


def test_answers_that_cannot_be_read_end_in_a_sentence(tmp_path: Path) -> None:
    labelled(tmp_path, single=True)
    rows = "".join(f"{number},ни то ни сё\n" for number in range(len(TEXTS)))
    (tmp_path / "answers.csv").write_text("id,answer\n" + rows, encoding="utf-8")
    engine = "{kind: replay, file: answers.csv, id: id, generation: answer}"
    config = read_config(
        tmp_path / "rubricator.yaml",
        [f"label.teachers=[{{kind: llm, name: m, task: choose, engine: {engine}}}]"],
    )
    run = Run(config, Taxonomy.read(tmp_path / "taxonomy.yaml"), tmp_path / "silent")
    with pytest.raises(
        DataError, match=r"m: (\d+) of \1 answers could not be read, the first said 'ни то ни сё'"
    ):
        run_stages(run, STAGES, until="label")
    assert not (run.folder / "labels.csv").exists()
