"""A person's word outranks every teacher, and judges only where it is a fair sample."""

from pathlib import Path

import numpy as np
import pytest
from small_project import labelled

from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.dataset.reviews import Review
from rubricator.dataset.sources import label_sources
from rubricator.dataset.training_data import training_data
from rubricator.label_space import LabelSpace
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.records import Origin
from rubricator.review.reviews import answer_of, judged
from rubricator.review.uncertainty import product_of_experts


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return labelled(tmp_path_factory.mktemp("people"), single=False)


def parts(run: Run) -> dict[str, list[str]]:
    split = files.read_split(run.folder)
    return {part: sorted(id_ for id_, of in split.part.items() if of == part) for part in ("train", "test")}


def reviews(run: Run) -> dict[str, Review]:
    """Three texts of train, two of them drawn at random and one of these shown blind, and one of test."""
    train, test = parts(run)["train"], parts(run)["test"]
    shown = {
        train[0]: ("gain", "suggested"),
        train[1]: ("random", "blind"),
        train[2]: ("random", "suggested"),
        test[0]: ("gain", "suggested"),
    }
    return {
        id_: Review(text_id=id_, judged=judged(["food"], run.taxonomy), by="anna", chosen=chosen, shown=how)
        for id_, (chosen, how) in shown.items()
    }


def test_what_may_teach_and_what_may_judge(run):
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    found = reviews(run)
    people = label_sources(dataset, split, found, run.taxonomy)
    train, ids = parts(run)["train"], np.array(people.ids)
    assert set(ids[people.origin == Origin.REVIEW]) == set(found)
    assert set(ids[people.teaches]) == set(train[:3])
    assert set(ids[people.unbiased]) == {train[1]}


def test_a_golden_label_outranks_a_review(run):
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    found = reviews(run)
    some = next(iter(found))
    dataset.golden[some] = ("sport",)
    people = label_sources(dataset, split, found, run.taxonomy)
    row = people.ids.index(some)
    assert people.categories[row].tolist() == [False, True, False]
    assert people.origin[row] == Origin.GOLDEN


def test_reviews_become_labels_when_the_label_stage_next_runs(run, tmp_path: Path):
    mine = labelled(tmp_path, single=False)
    dataset = files.read_dataset(mine.folder)
    contents = {text.id: text.content for text in dataset.texts}
    found = reviews(mine)
    with open_store(mine) as store:
        store.save([answer_of(review, contents[id_], mine.taxonomy) for id_, review in found.items()])
    said: list[str] = []
    run_stages(Run(mine.config, mine.taxonomy, mine.folder, say=said.append), STAGES, until="label")
    assert "unchanged" not in said[-1]
    result = read_labels(mine.folder, dataset, mine.taxonomy)
    for id_ in found:
        assert (result.labels[id_].origin, result.labels[id_].categories) == (Origin.REVIEW, ("food",))
    vectors = np.zeros((len(dataset.texts), 1), dtype=np.float32)
    data = training_data(dataset, result, vectors)
    rows = {text.id: row for row, text in enumerate(dataset.texts)}
    judging = {id_ for id_ in rows if data.unbiased[rows[id_]]}
    assert judging == {id_ for id_, review in found.items() if review.measures}
    assert {id_ for id_ in rows if data.golden[rows[id_]]} == set(found) & set(parts(mine)["train"])


@pytest.mark.parametrize("single", [True, False])
def test_together_agreeing_opinions_are_surer_and_opposed_ones_unsure(single):
    agreed = np.array([[0.8, 0.2], [0.8, 0.2], [np.nan, np.nan]])
    own = np.array([[0.7, 0.3], [0.2, 0.8], [0.4, 0.6]])
    both = product_of_experts(agreed, own, LabelSpace(("a", "b"), single))
    assert both[0, 0] == pytest.approx(0.56 / 0.62)
    np.testing.assert_allclose(both[1], 0.5)
    np.testing.assert_array_equal(both[2], own[2])
