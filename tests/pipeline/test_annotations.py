"""What the label stage keeps is enough for audit, report, review and export: no teacher is opened again."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from small_project import labelled

from rubricator.dataset import files
from rubricator.dataset.annotations import read_annotations
from rubricator.dataset.labels import read_labels
from rubricator.dataset.sources import label_sources
from rubricator.errors import DataError
from rubricator.label.aggregation.labels import label_texts
from rubricator.label.teachers.factory import TeacherFactory
from rubricator.label.teachers.zero_shot_encoder import EncoderTeacher
from rubricator.pipeline import label
from rubricator.pipeline.audit import write_audit
from rubricator.pipeline.label_outputs import write_label_report, write_label_table
from rubricator.pipeline.review import open_review
from rubricator.pipeline.stage import Run


@pytest.fixture(scope="module", params=[False, True], ids=["multi", "single"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return labelled(tmp_path_factory.mktemp("kept"), single=request.param)


def refuse(*_args: object, **_options: object) -> NoReturn:
    raise AssertionError("a teacher is opened")


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No teacher can be made or asked."""
    monkeypatch.setattr(TeacherFactory, "__init__", refuse)
    monkeypatch.setattr(EncoderTeacher, "__init__", refuse)
    monkeypatch.setattr(label, "ask", refuse)


@pytest.mark.slow
@pytest.mark.usefixtures("closed")
def test_no_teacher_is_opened_again(run: Run, tmp_path: Path) -> None:
    assert write_label_report(run).texts > 0
    assert write_audit(run) is not None
    with open_review(run, by="anna") as session:
        assert session.questions(2)
    name = run.config.label.teachers[0].name
    assert write_label_table(run, tmp_path / "labels.csv") > 0
    assert write_label_table(run, tmp_path / "answers.csv", teacher=name) > 0
    assert "1" in (tmp_path / "answers.csv").read_text(encoding="utf-8")


def test_aggregating_what_was_kept_gives_the_labels_that_were_kept(run: Run) -> None:
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    annotations = read_annotations(run.folder, len(dataset.texts), run.taxonomy.keys)
    sources = label_sources(dataset, split, {}, run.taxonomy)
    labels, aggregation = label_texts(annotations.scores, dataset, sources, run.taxonomy, run.config)
    assert {one.text_id: one for one in labels} == read_labels(run.folder, dataset, run.taxonomy).labels
    np.testing.assert_array_equal(aggregation.agreement.probabilities, annotations.agreement.probabilities)
    for fresh, kept in zip(aggregation.probabilities, annotations.probabilities, strict=True):
        assert fresh.teacher == kept.teacher
        np.testing.assert_array_equal(fresh.probabilities, kept.probabilities)
    assert aggregation.weights.teachers == list(annotations.weights)


def test_what_is_kept_must_fit_the_texts_and_the_categories(run: Run, tmp_path: Path) -> None:
    texts = len(files.read_dataset(run.folder).texts)
    with pytest.raises(DataError, match="of other texts or of other categories"):
        read_annotations(run.folder, texts + 1, run.taxonomy.keys)
    with pytest.raises(DataError, match="of other texts or of other categories"):
        read_annotations(run.folder, texts, [*run.taxonomy.keys, "more"])
    with pytest.raises(DataError, match="not been labelled"):
        read_annotations(tmp_path, texts, run.taxonomy.keys)
