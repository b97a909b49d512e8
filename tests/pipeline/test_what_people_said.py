"""A person's word outranks every teacher, and judges only where it is a fair sample."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_project import TEXTS, labelled, project
from small_stages import CONFIG

from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.annotations import Annotations, Scale, TeacherScores, write_annotations
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import read_labels, write_labels
from rubricator.dataset.reviews import Review
from rubricator.dataset.sources import label_sources
from rubricator.dataset.split import DatasetSplit
from rubricator.dataset.training_data import training_data
from rubricator.evaluate.report.gather import _data
from rubricator.label_space import LabelSpace
from rubricator.pipeline.audit import write_audit
from rubricator.pipeline.label import label, open_store
from rubricator.pipeline.label_outputs import write_label_table
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.records import Origin, Text
from rubricator.review.reviews import answer_of, judged
from rubricator.review.uncertainty import product_of_experts
from rubricator.taxonomy import Taxonomy


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


def test_a_review_of_a_golden_text_says_nothing_of_its_exact_duplicates(run):
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    golden, copy, other = parts(run)["train"][:3]
    content = {text.id: text.content for text in dataset.texts}[golden]
    texts = [replace(text, content=content) if text.id == copy else text for text in dataset.texts]
    twins = replace(dataset, texts=texts, golden={golden: ("sport",)})
    given = {
        id_: Review(
            text_id=id_, judged=judged(["food"], run.taxonomy), by="anna", chosen="random", shown="blind"
        )
        for id_ in (golden, copy, other)
    }
    people = label_sources(twins, split, given, run.taxonomy)
    ids = np.array(people.ids)
    assert set(ids[people.human]) == set(ids[people.unbiased]) == {golden, other}


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


TAXONOMIES = {
    single: Taxonomy.model_validate(
        {"task": task, "categories": [{"key": "weather"}, {"key": "sport"}, {"key": "food"}]}
    )
    for single, task in ((True, "single-label"), (False, "multi-label"))
}
TEACHING = {"train": {"train", "validation"}, "tune": {"validation"}, "test": set[str]()}
LABELS = [("weather",), ("sport",), ("food",)]


@st.composite
def labelled_texts(draw):
    """Texts in any part, some of them golden and some reviewed, and what teachers make of them."""
    single, use = draw(st.booleans()), draw(st.sampled_from(sorted(TEACHING)))
    said = st.none() | st.sampled_from(LABELS if single else [*LABELS, (), ("weather", "food")])
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["train", "validation", "test", "left_out"]), said, said, st.booleans()
            ),
            min_size=4,
            max_size=9,
        )
    )
    texts = [Text(id=f"t{n}", body=f"слово {n}", content=f"слово {n}") for n in range(len(rows))]
    part = {text.id: row[0] for text, row in zip(texts, rows, strict=True)}
    golden = {text.id: row[1] for text, row in zip(texts, rows, strict=True) if row[1] is not None}
    taxonomy = TAXONOMIES[single]
    reviews = {
        text.id: Review(
            text_id=text.id,
            judged=judged(keys, taxonomy),
            by="anna",
            chosen="random" if blind else "gain",
            shown="blind" if blind else "suggested",
        )
        for text, (_, _, keys, blind) in zip(texts, rows, strict=True)
        if keys is not None
    }
    teaching = frozenset(id_ for id_ in golden if part[id_] in TEACHING[use])
    split = DatasetSplit(part, {}, teaching, "given", "folds", ())
    numbers = st.floats(0.01, 0.99)
    scores = np.array(draw(st.lists(st.tuples(*[numbers] * 3), min_size=len(rows), max_size=len(rows))))
    if single:
        scores /= scores.sum(axis=1, keepdims=True)
    return (
        taxonomy,
        Dataset(texts, {text.id: text.id for text in texts}, golden, [], {}),
        split,
        reviews,
        scores,
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(labelled_texts())
def test_what_people_said_is_kept_in_every_part_and_taught_only_where_it_may(tmp_path_factory, drawn):
    taxonomy, dataset, split, reviews, numbers = drawn
    answered = np.ones(len(numbers), dtype=bool)
    teacher = TeacherScores("t", Scale.PROBABILITY, numbers, answered, np.array([b""] * len(numbers)))
    sources = label_sources(dataset, split, reviews, taxonomy)
    label_set, aggregation = label(dataset, [teacher], sources, taxonomy, CONFIG)
    folder = tmp_path_factory.mktemp("kept")
    (folder / "stages").mkdir()
    write_labels(folder, label_set, dataset, taxonomy)
    weights = aggregation.weights
    kept = Annotations(
        [teacher], aggregation.probabilities, aggregation.agreement, weights.teachers, weights.meaning, []
    )
    write_annotations(folder, kept, taxonomy.keys)
    back = read_labels(folder, dataset, taxonomy)
    table = {row["id"]: row for row in pl.read_csv(folder / "labels.csv").to_dicts()}
    said = {id_: (Origin.REVIEW, review.categories) for id_, review in reviews.items()}
    said |= {id_: (Origin.GOLDEN, keys) for id_, keys in dataset.golden.items()}
    for row, id_ in enumerate(text.id for text in dataset.texts):
        learnt, agreed = label_set.targets[row], aggregation.agreement.probabilities[row]
        if id_ not in said:
            assert label_set.labels[id_].origin is Origin.AGREEMENT
            np.testing.assert_array_equal(learnt, agreed)
            continue
        origin, keys = said[id_]
        assert (label_set.labels[id_].origin, label_set.labels[id_].categories) == (origin, keys)
        assert (table[id_]["origin"], table[id_]["labels"] or "") == (origin, ",".join(keys))
        assert label_set.decided[row].tolist() == [key in keys for key in taxonomy.keys]
        truth = [float(key in keys) for key in taxonomy.keys]
        np.testing.assert_array_equal(learnt, truth if sources.teaches[row] else agreed)
        np.testing.assert_array_equal(label_set.probabilities[row], truth)
    assert back.labels == label_set.labels
    np.testing.assert_array_equal(back.targets, label_set.targets)
    np.testing.assert_array_equal(back.decided, label_set.decided)
    shutil.rmtree(folder)


@pytest.mark.parametrize("use", ["test", "tune", "train"])
def test_every_output_prints_what_people_said(tmp_path, monkeypatch, use):
    """Golden texts in all parts, those included that the input sends to train though they only measure."""
    project(tmp_path, single=False)
    said = {str(number): (key,) for number, key in enumerate(["sport", "food", "sport", "food", "food"])}
    said |= {"5": (), "12": ("weather", "sport"), "20": ("food",)}
    (tmp_path / "golden.csv").write_text(
        "id,labels\n" + "".join(f'{id_},"{",".join(keys)}"\n' for id_, keys in said.items()), encoding="utf-8"
    )
    rows = (tmp_path / "texts.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "texts.csv").write_text("".join([rows[0], *rows[1:13]]), encoding="utf-8")
    (tmp_path / "later.csv").write_text("".join([rows[0], *rows[13:]]), encoding="utf-8")
    parts = "data.files=[{path: texts.csv, part: train}, {path: later.csv, part: test}]"
    config = read_config(tmp_path / "rubricator.yaml", ["golden.file=golden.csv", f"golden.use={use}", parts])
    run = Run(config, Taxonomy.read(tmp_path / "taxonomy.yaml"), tmp_path / "run")
    run_stages(run, STAGES, until="label")
    table = {str(row["id"]): row for row in pl.read_csv(run.folder / "labels.csv").to_dicts()}
    assert {id_: (table[id_]["labels"] or "", table[id_]["origin"]) for id_ in said} == {
        id_: (",".join(keys), "golden") for id_, keys in said.items()
    }
    write_label_table(run, tmp_path / "export.csv")
    exported = pl.read_csv(tmp_path / "export.csv").to_dicts()
    for id_, keys in said.items():
        assert {key for key in run.taxonomy.keys if exported[int(id_)][key]} == set(keys)
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    facts = _data(dataset, split, label_set, run.taxonomy, run.config)
    assert {part: counts["golden"] for part, counts in facts.parts.items()} == {"train": 6, "test": 2}
    assert facts.learned.get("golden", 0) == (6 if use == "train" else 0)
    vectors = np.random.default_rng(0).normal(size=(len(TEXTS), 8)).astype(np.float32)
    monkeypatch.setattr("rubricator.pipeline.audit.encode_texts", lambda *_, **__: vectors)
    audited = {finding.text.id: finding.label for finding in write_audit(run)}
    assert audited.keys() & said.keys()
    for id_ in audited.keys() & said.keys():
        assert (audited[id_].origin, audited[id_].categories) == (Origin.GOLDEN, said[id_])
