"""Label: teachers answer, their answers are stored, and agreement makes labels with probabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from rubricator.config import Config
from rubricator.dataset import files
from rubricator.dataset.annotations import ARRAYS, FACTS, Annotations, Scale, TeacherScores, write_annotations
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet, decided_of, targets_of, write_labels
from rubricator.dataset.sources import SOURCES, LabelSources, label_sources
from rubricator.dataset.split import DatasetSplit
from rubricator.label.aggregation.aggregator import Aggregation
from rubricator.label.aggregation.labels import keys_of, label_texts, person_label
from rubricator.label.aggregation.probabilities import teacher_scores
from rubricator.label.asking.limits import Limits
from rubricator.label.asking.runner import Asked, ask
from rubricator.label.quality.inter_annotator import teacher_usage
from rubricator.label.quality.teacher_metrics import measure_teachers
from rubricator.label.teachers.factory import open_teachers, read_files
from rubricator.pipeline.stage import Run, Stage
from rubricator.records import Origin, Status, Text, content_hash, file_digest
from rubricator.review.reviews import read_reviews, reviews_digest
from rubricator.store import Store
from rubricator.taxonomy import Taxonomy

ASKED = "stages/asked.json"


def label(
    dataset: Dataset,
    scores: Sequence[TeacherScores],
    sources: LabelSources,
    taxonomy: Taxonomy,
    config: Config,
) -> tuple[LabelSet, Aggregation]:
    """Agree on labels.

    Texts that people labelled and that may teach have their labels; the unbiased ones among them set
    weights and probabilities; all golden texts measure.

    Args:
        dataset: The texts.
        scores: Of each teacher.
        sources: Who labelled each text; people outrank every teacher.
        taxonomy: The categories.
        config: The settings.
    """
    texts = dataset.texts
    agreed, aggregation = label_texts(scores, dataset, sources, taxonomy, config)
    fold_targets = {}
    for fold in np.unique(sources.fold[sources.fold >= 0]).tolist():
        others = sources.without(sources.fold == fold)
        fold_targets[fold] = targets_of(
            label_texts(scores, dataset, others, taxonomy, config)[0], texts, taxonomy
        )
    # A corrected text of the test part teaches nobody, but its label is what the person said.
    labels = {one.text_id: one for one in agreed} | {
        texts[row].id: person_label(texts[row].id, keys_of(said, taxonomy), taxonomy, Origin.REVIEW)
        for row, said in sources.truth(sources.origin == Origin.REVIEW).items()
    }
    golden = sources.truth(sources.origin == Origin.GOLDEN)
    opinions = [*aggregation.probabilities, aggregation.agreement]
    label_set = LabelSet(
        labels,
        targets_of(labels.values(), texts, taxonomy),
        decided_of(labels, texts, taxonomy),
        fold_targets,
        measure_teachers(opinions, golden, taxonomy.space) if golden else [],
        sources.with_agreed(labels.keys()),
    )
    return label_set, aggregation


def ask_teachers(
    run: Run, dataset: Dataset, split: DatasetSplit, store: Store
) -> tuple[Asked, dict[str, Scale]]:
    """Ask the teachers of the config what is not stored yet.

    Returns:
        The answers, and what their scores are, by teacher name.

    Raises:
        EncoderError: A teacher needs an encoder that cannot be had.
        EngineError: A language model is out of reach; what it had answered is stored.
        StoreError: The database refused.
    """
    settings = run.config.label
    limits = Limits(settings.max_cost, settings.max_minutes, settings.max_texts)
    texts = in_order_of_asking(dataset)
    with open_teachers(dataset, split, run.taxonomy, run.config, progress=run.progress) as teachers:
        asked = ask(teachers, texts, store, limits=limits, again=run.again, progress=run.progress)
        return asked, {teacher.name: teacher.scale for teacher in teachers}


def in_order_of_asking(dataset: Dataset) -> list[Text]:
    """Golden texts first, the others shuffled: whatever is asked before a limit is a fair sample."""

    def turn(text: Text) -> tuple[bool, str]:
        return text.id not in dataset.golden, content_hash("turn:1", text.content)

    return sorted(dataset.texts, key=turn)


def open_store(run: Run) -> Store:
    """The store of the run: a file of its own, or the shared one that the config names."""
    return Store.open(run.config.store or run.file("answers.sqlite"))


def _work(run: Run) -> list[str]:
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    with open_store(run) as store:
        asked, scales = ask_teachers(run, dataset, split, store)
        reviews = read_reviews(store, dataset.texts, run.taxonomy)
    sources = label_sources(dataset, split, reviews, run.taxonomy)
    scores = [
        teacher_scores(name, scales[name], answers, dataset.texts, run.taxonomy.space)
        for name, answers in asked.answers.items()
    ]
    label_set, aggregation = label(dataset, scores, sources, run.taxonomy, run.config)
    write_labels(run.folder, label_set, dataset, run.taxonomy)
    annotations = Annotations(
        scores,
        aggregation.probabilities,
        aggregation.agreement,
        aggregation.weights.teachers,
        aggregation.weights.meaning,
        usage=[teacher_usage(asked.answers[one.teacher], one) for one in aggregation.probabilities],
    )
    write_annotations(run.folder, annotations, run.taxonomy.keys)
    state = _state(asked, dataset)
    files.write_json(run.file(ASKED), state)
    return _lines(label_set, run.taxonomy) + _unfinished(state)


def _state(asked: Asked, dataset: Dataset) -> dict[str, Any]:
    """How far asking came: what the next run has left to ask."""
    failed = {
        name: sum(answer.status is Status.FAILED for answer in answers.values())
        for name, answers in asked.answers.items()
    }
    return {
        "texts": len(dataset.texts),
        "missing": dict(asked.missing),
        "failed": {name: count for name, count in failed.items() if count},
        "reached": asked.reached,
    }


def _unfinished(state: dict[str, Any]) -> list[str]:
    lines = []
    if state["reached"]:
        missing = ", ".join(f"{name} {count:,}" for name, count in state["missing"].items())
        lines.append(
            f"stopped at {state['reached']}; texts not asked about yet: {missing}. Run again to go on"
        )
    lines += [
        f"{name}: {count:,} of {state['texts']:,} answers failed; they are asked for again on the next run"
        for name, count in state["failed"].items()
    ]
    return lines


def _settled(run: Run) -> bool:
    state = files.read_json(run.file(ASKED))
    return not state["missing"] and not state["failed"]


def _lines(label_set: LabelSet, taxonomy: Taxonomy) -> list[str]:
    mix = Counter(key for label in label_set.labels.values() for key in label.categories)
    origins = Counter(label.origin for label in label_set.labels.values())
    counts = ", ".join(f"{mix[key]:,} {key}" for key in taxonomy.keys)
    lines = [
        f"{len(label_set.labels):,} labels ("
        + ", ".join(f"{count:,} {origin}" for origin, count in sorted(origins.items()))
        + f"): {counts}"
    ]
    lines += [
        f"{report.teacher}: macro-F1 {report.macro_f1:.3f} on {report.texts} golden texts"
        for report in label_set.reports
        if report.macro_f1 is not None
    ]
    return lines


def _depends(run: Run) -> dict[str, str]:
    dataset = files.read_dataset(run.folder)
    with open_store(run) as store:
        reviews = reviews_digest(store, dataset.texts, run.taxonomy)
    return {
        "config": run.config.model_dump_json(include={"label", "encode", "seed"}),
        "taxonomy": run.taxonomy.version,
        "reviews": reviews,
    } | {f"file:{path}": file_digest(path) if path.is_file() else "absent" for path in read_files(run.config)}


STAGE = Stage(
    name="label",
    about="Ask the teachers, store their answers, agree on labels.",
    depends=_depends,
    after=("read", "split"),
    writes=(
        "stages/labels.parquet",
        SOURCES,
        "stages/fold_targets.npz",
        "stages/teachers.json",
        ARRAYS,
        FACTS,
        ASKED,
        "labels.csv",
    ),
    work=_work,
    settled=_settled,
)
