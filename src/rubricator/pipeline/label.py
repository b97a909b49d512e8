"""Label: teachers answer, their answers are stored, and agreement makes labels with probabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rubricator.config import Config, EncoderTeacherConfig, LlmTeacherConfig, ReplayEngineConfig
from rubricator.dataset import files
from rubricator.dataset.annotations import ARRAYS, FACTS, Annotations, TeacherScores, write_annotations
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet, decided_of, targets_of, write_labels
from rubricator.dataset.sources import SOURCES, LabelSources, label_sources
from rubricator.errors import DataError
from rubricator.label.aggregation.aggregator import Aggregation
from rubricator.label.aggregation.labels import keys_of, label_texts, person_label
from rubricator.label.aggregation.probabilities import teacher_scores
from rubricator.label.asking.runner import Asked, ask
from rubricator.label.quality.cautions import label_cautions
from rubricator.label.quality.inter_annotator import teacher_usage
from rubricator.label.quality.teacher_metrics import measure_teachers
from rubricator.llm.limits import Limits
from rubricator.pages.formatting import plural
from rubricator.pipeline.stage import Run, Stage
from rubricator.records import Origin, Status, Text, content_hash, file_digest
from rubricator.review.reviews import read_reviews, reviews_digest
from rubricator.review.stale import unjudged_golden, with_judged_golden
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import History

if TYPE_CHECKING:  # half a second to import
    from rubricator.store import Store

ASKED = "stages/asked.json"
_EXCERPT = 80


def label(
    dataset: Dataset,
    scores: Sequence[TeacherScores],
    sources: LabelSources,
    taxonomy: Taxonomy,
    config: Config,
) -> tuple[LabelSet, Aggregation]:
    """Agree on labels; people outrank every teacher.

    Texts that people labelled have their labels, whatever part they are in. Models learn from those that may
    teach, and elsewhere from what the teachers agree on; the unbiased ones among them set weights and
    probabilities; all unbiased texts measure.
    """
    texts = dataset.texts
    agreed, aggregation = label_texts(scores, dataset, sources, taxonomy, config)
    fold_targets = {}
    for fold in np.unique(sources.fold[sources.fold >= 0]).tolist():
        without, _ = label_texts(scores, dataset, sources.without(sources.fold == fold), taxonomy, config)
        fold_targets[fold] = targets_of(without, texts, taxonomy)
    labels = {one.text_id: one for one in agreed} | {
        texts[row].id: person_label(
            texts[row].id, keys_of(categories, taxonomy), taxonomy, Origin(str(sources.origin[row]))
        )
        for row, categories in sources.truth(sources.human).items()
    }
    golden = sources.truth(sources.unbiased)
    opinions = [*aggregation.probabilities, aggregation.agreement]
    label_set = LabelSet(
        labels,
        targets_of(agreed, texts, taxonomy),
        decided_of(labels, texts, taxonomy),
        fold_targets,
        measure_teachers(opinions, golden, taxonomy.space) if golden else [],
        sources.with_agreed(labels.keys()),
    )
    return label_set, aggregation


def in_order_of_asking(dataset: Dataset) -> list[Text]:
    """Golden texts first, the others shuffled: whatever is asked before a limit is a fair sample."""

    def turn(text: Text) -> tuple[bool, str]:
        return text.id not in dataset.golden, content_hash("turn:1", text.content)

    return sorted(dataset.texts, key=turn)


def open_store(run: Run) -> Store:
    """The store of the run: a file of its own, or the shared one that the config names."""
    from rubricator.store import Store

    return Store.open(run.config.store or run.file(files.ANSWERS))


def _work(run: Run) -> list[str]:
    from rubricator.label.teachers.factory import open_teachers  # the engines of language models

    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    with open_store(run) as store:
        reviews = read_reviews(store, dataset.texts, run.taxonomy)
    dataset, unjudged = with_judged_golden(dataset, reviews, run.taxonomy, _history(run))
    settings, texts = run.config.label, in_order_of_asking(dataset)
    limits = Limits(settings.max_cost, settings.max_minutes, settings.max_texts)
    with (
        open_store(run) as store,
        open_teachers(dataset, split, run.taxonomy, run.config, progress=run.progress) as teachers,
    ):
        outcome = ask(
            teachers,
            texts,
            store,
            limits=limits,
            again=run.again,
            stamp=run.taxonomy.version,
            progress=run.progress,
        )
        scores = [
            teacher_scores(one.name, one.scale, outcome.answers[one.name], dataset.texts, run.taxonomy.space)
            for one in teachers
        ]
    sources = label_sources(dataset, split, reviews, run.taxonomy)
    label_set, aggregation = label(dataset, scores, sources, run.taxonomy, run.config)
    if not label_set.labels:
        raise _no_label(outcome)
    write_labels(run.folder, label_set, dataset, run.taxonomy)
    annotations = Annotations(
        scores,
        aggregation.probabilities,
        aggregation.agreement,
        aggregation.weights.teachers,
        aggregation.weights.meaning,
        usage=[teacher_usage(outcome.answers[one.teacher], one) for one in aggregation.probabilities],
    )
    write_annotations(run.folder, annotations, run.taxonomy.keys)
    state = _state(outcome, dataset)
    files.write_json(run.file(ASKED), state)
    cautions = [f"! {caution}" for caution in label_cautions(annotations, label_set, run.taxonomy)]
    if unjudged:
        cautions.append(
            f"! {plural(unjudged, 'golden label')} from before a category came count for nothing until they "
            "are judged again: `rubricator review --stale`, with `--import FILE` where a file has the answers"
        )
    return [*_lines(label_set, run.taxonomy), *cautions, *_unfinished(state)]


def _history(run: Run) -> History:
    return History.beside(run.config.path(run.config.taxonomy))


_NOT_OK = {
    Status.UNPARSED: "could not be read",
    Status.REFUSED: "were refused",
    Status.FAILED: "failed",
}


def _no_label(asked: Asked) -> DataError:
    """Why there is nothing to go on with: what became of each teacher's answers."""
    lines = ""
    for name, answers in asked.answers.items():
        statuses = Counter(answer.status for answer in answers.values())
        for status, what in _NOT_OK.items():
            if count := statuses[status]:
                raw = next(answer.raw for answer in answers.values() if answer.status is status)
                first = f"said '{' '.join(raw.split())[:_EXCERPT]}'" if raw.strip() else "was empty"
                lines += f"\n  {name}: {count:,} of {len(answers):,} answers {what}, the first {first}"
        if silent := statuses[Status.OK]:
            lines += f"\n  {name}: {silent:,} of {len(answers):,} answers named no category"
    return DataError(
        f"No text has a label, and no person labelled one:{lines or ' no teacher was asked.'}",
        fix="Add keywords or descriptions to the taxonomy, another teacher under `label.teachers`, or golden "
        "labels; `rubricator label --plan` shows what language models are asked.",
    )


def _state(asked: Asked, dataset: Dataset) -> dict[str, Any]:
    """How far asking came: what the next run has left to ask."""
    statuses = {
        name: Counter(one.status for one in answers.values()) for name, answers in asked.answers.items()
    }
    failed = {name: counts[Status.FAILED] for name, counts in statuses.items() if counts[Status.FAILED]}
    return {
        "texts": len(dataset.texts),
        "missing": dict(asked.missing),
        "failed": failed,
        "reached": asked.reached,
    }


def _unfinished(state: dict[str, Any]) -> Iterator[str]:
    if state["reached"]:
        missing = ", ".join(f"{name} {count:,}" for name, count in state["missing"].items())
        yield f"stopped at {state['reached']}; texts not asked about yet: {missing}. Run again to go on"
    for name, count in state["failed"].items():
        share = f"{count:,} of {state['texts']:,} answers failed"
        yield f"{name}: {share}; they are asked for again on the next run"


def _settled(run: Run) -> bool:
    state = files.read_json(run.file(ASKED))
    return not state["missing"] and not state["failed"]


def _lines(label_set: LabelSet, taxonomy: Taxonomy) -> list[str]:
    mix = Counter(key for label in label_set.labels.values() for key in label.categories)
    origins = Counter(label.origin for label in label_set.labels.values())
    counts = ", ".join(f"{mix[key]:,} {key}" for key in taxonomy.keys)
    by_origin = ", ".join(f"{count:,} {origin}" for origin, count in sorted(origins.items()))
    teachers = [
        f"{report.teacher}: macro-F1 {report.macro_f1:.3f} on {report.texts} golden texts"
        for report in label_set.reports
        if report.macro_f1 is not None
    ]
    return [f"{len(label_set.labels):,} labels ({by_origin}): {counts}", *teachers]


def _depends(run: Run) -> dict[str, str]:
    dataset = files.read_dataset(run.folder)
    with open_store(run) as store:
        reviews = reviews_digest(store, dataset.texts, run.taxonomy)
    # Only descriptions are compared through every encoder.
    compares = any(isinstance(section, EncoderTeacherConfig) for section in run.config.label.teachers)
    encode = run.config.encode
    return {
        "config": run.config.model_dump_json(include={"label", "seed"}),
        "encode": (encode if compares else encode.first).model_dump_json(),
        "taxonomy": run.taxonomy.version,
        "reviews": reviews,
        "unjudged": ",".join(sorted(unjudged_golden(dataset.golden, run.taxonomy, _history(run)))),
    } | {
        f"file:{path}": file_digest(path) if path.is_file() else "absent" for path in _read_files(run.config)
    }


def _read_files(config: Config) -> list[Path]:
    """Files beside the config that change answers: prompts, and answers generated elsewhere."""
    sections = [section for section in config.label.teachers if isinstance(section, LlmTeacherConfig)]
    names = [section.prompt for section in sections if section.prompt]
    names += [s.engine.file for s in sections if isinstance(s.engine, ReplayEngineConfig)]
    return [config.path(name) for name in names]


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
