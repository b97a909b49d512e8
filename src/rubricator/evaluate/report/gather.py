"""Report: the facts of a run gathered from its stages into one page and one file of figures."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rubricator.config import Config
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet
from rubricator.dataset.metrics import PartMetrics
from rubricator.dataset.split import DatasetSplit
from rubricator.evaluate.metrics.beside_teachers import BesideTeachers
from rubricator.evaluate.metrics.errors import worst_errors
from rubricator.evaluate.metrics.mistaken import mistaken_for
from rubricator.evaluate.plots.plot import Plot
from rubricator.evaluate.report.model_descriptions import described
from rubricator.evaluate.report.next_steps import next_steps
from rubricator.evaluate.report.report_data import (
    DataFacts,
    Evaluated,
    ModelFacts,
    ModelRow,
    ReportData,
    Reproduction,
)
from rubricator.masking import masked_settings
from rubricator.models.training_result import WORDS, Score, TrainingResult
from rubricator.pages.formatting import figure, plural
from rubricator.records import Origin
from rubricator.stats.bootstrap import Estimate
from rubricator.taxonomy import Taxonomy

_LIBRARIES = ("rubricator", "numpy", "scikit-learn", "tokenizers", "openvino", "onnxruntime", "polars")


def figures(
    evaluated: Evaluated, trained: TrainingResult, label_set: LabelSet, dataset: Dataset, config: Config
) -> dict[str, Any]:
    """Everything measured, as plain values for `metrics.json`."""
    return {
        "name": config.name,
        "model": trained.choice.name,
        "headline": evaluated.metrics[0].part,
        "parts": {part.part: part.as_dict() for part in evaluated.metrics},
        "models": {name: part.as_dict() for name, part in evaluated.rivals.items()},
        "validation": {name: asdict(score) for name, score in trained.choice.scores.items()},
        "weak_label_weight": trained.weak_label_weight,
        "weak_label_weights_tried": {
            str(weight): trial.log_loss for weight, trial in trained.weights_tried.items()
        },
        "weak_label_weights_scores": {
            str(weight): asdict(trial.score) for weight, trial in trained.weights_tried.items()
        },
        "teachers": [asdict(report) for report in label_set.reports],
        "beside_teachers": None if evaluated.beside_teachers is None else asdict(evaluated.beside_teachers),
        "latency": asdict(evaluated.latency),
        "data": dict(dataset.facts),
    }


def report_data(
    evaluated: Evaluated,
    trained: TrainingResult,
    label_set: LabelSet,
    dataset: Dataset,
    split: DatasetSplit,
    plots: Sequence[Plot],
    taxonomy: Taxonomy,
    config: Config,
    *,
    folder: Path,
    command: str,
    options: str,
) -> ReportData:
    """The facts of a run in the form the report is written from."""
    winner = trained.choice.name
    encoder = f" ({config.encode.encoder})" if trained.winner.encoders else ""
    return ReportData(
        name=config.name,
        created=datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
        titles={category.key: category.title for category in taxonomy.categories},
        space=taxonomy.space,
        model=described(winner, trained.facts[winner]) + encoder,
        metrics=tuple(evaluated.metrics),
        plots=tuple(plots),
        errors=tuple(worst_errors(evaluated.scored[0], taxonomy.keys, count=config.evaluate.worst)),
        mistaken=None
        if taxonomy.single
        else mistaken_for(evaluated.scored[0].truth, evaluated.scored[0].decisions),
        data=_data(dataset, split, label_set, taxonomy, config),
        teachers=tuple(label_set.reports),
        models=_models(trained, evaluated),
        latency=evaluated.latency,
        reproduction=Reproduction(
            command=command,
            config=yaml.safe_dump(
                masked_settings(config.model_dump(mode="json")), allow_unicode=True, sort_keys=False
            ),
            seed=config.seed,
            data_fingerprint=dataset.fingerprint,
            taxonomy_version=taxonomy.version,
            versions={library: version(library) for library in _LIBRARIES},
            machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, "
            f"Python {platform.python_version()}",
        ),
        next_steps=tuple(next_steps(trained, label_set, evaluated.metrics[0], folder, options=options)),
        cautions=(
            *outdone(evaluated.beside_teachers),
            *(f"{taxonomy.categories[j].title} {note}." for j, note in trained.scarce.items()),
        ),
    )


def outdone(beside: BesideTeachers | None) -> Iterator[str]:
    """A warning where the teachers that label for nothing do better than the model trained on them."""
    if beside is not None and beside.model_behind:
        yield (
            f"On the same {plural(beside.texts, 'text')} labelled by people, the teachers' agreement reaches "
            f"a macro-F1 of {figure(beside.teachers.value)} and the model that learned from it "
            f"{figure(beside.model.value)}: there are too few texts to train on."
        )


def _data(
    dataset: Dataset, split: DatasetSplit, label_set: LabelSet, taxonomy: Taxonomy, config: Config
) -> DataFacts:
    origins: dict[str, Counter[str]] = {}
    mix: dict[str, Counter[str]] = {key: Counter() for key in taxonomy.keys}
    bare: Counter[str] = Counter()
    sources = label_set.sources
    for id_, part in zip(sources.ids, sources.part.tolist(), strict=True):
        if (label := label_set.labels.get(id_)) is None:
            continue
        origins.setdefault(part, Counter())[label.origin] += 1
        bare[part] += not label.categories
        for key in label.categories:
            mix[key][part] += 1
    learning = (sources.part == "train") & np.isfinite(label_set.targets).all(axis=1)
    taught = np.where(sources.teaches, sources.origin, Origin.AGREEMENT)
    facts = dataset.facts
    return DataFacts(
        files=tuple(Path(file.path).name for file in config.data.files),
        read=facts["texts"],
        rejected=facts["rejected"],
        exact=facts["exact_duplicates"],
        near=facts["near_duplicates"],
        parts=origins,
        learned=Counter(taught[learning].tolist()),
        mix=mix,
        bare=bare,
        by_people=dict(
            zip(taxonomy.keys, sources.categories[sources.human].sum(axis=0).tolist(), strict=True)
        ),
        people_labelled=int(sources.human.sum()),
        notes=split.notes,
    )


def _models(trained: TrainingResult, evaluated: Evaluated) -> ModelFacts:
    """Which models competed, on what, what each costs, and why one won."""
    reason = trained.choice.reason
    if trained.weights_tried:
        tried = ", ".join(f"{weight:g}" for weight in trained.weights_tried)
        reason += (
            f" A label agreed between teachers counts {trained.weak_label_weight:g} of a golden one: of the "
            f"weights {tried} it fits held-out golden texts best."
        )
        if (alone := trained.weights_tried.get(0.0)) is not None:
            words = WORDS[trained.metric]
            with_teachers = trained.weights_tried[trained.weak_label_weight].score.merit(trained.metric)[0]
            reason += (
                f" Learning from golden texts alone, a quick model reaches {words} "
                f"{alone.score.merit(trained.metric)[0]:.3f} on them; with teachers' labels so weighted, "
                f"{with_teachers:.3f}."
            )
    if evaluated.metrics[0] != evaluated.rivals[trained.choice.name]:
        reason += (
            " The headline figures are those of the whole procedure, which chose between kinds anew without "
            f"the texts that it is measured on; the row {trained.choice.name} is that kind alone."
        )
    if trained.refitted is not None:
        reason += f" {trained.refitted.about}"
    return ModelFacts(
        chosen=trained.choice.name,
        reason=reason,
        measured_on=trained.validated_on,
        candidates=tuple(
            _candidate(name, score, trained, evaluated.rivals)
            for name, score in trained.choice.scores.items()
        ),
        dropped=tuple(f"{name}: {why}" for name, why in trained.dropped.items()),
        details=evaluated.details,
    )


def _candidate(
    name: str, score: Score, trained: TrainingResult, rivals: Mapping[str, PartMetrics]
) -> ModelRow:
    words, part, cost = WORDS[trained.metric], rivals[name], trained.costs.get(name)
    metric = "subset_accuracy" if trained.metric == "accuracy" else trained.metric
    low, high = score.intervals.get(trained.metric, (None, None))
    return ModelRow(
        name=name,
        about=described(name, trained.facts[name]),
        scores={
            f"{words} on validation": Estimate(score.merit(trained.metric)[0], low, high),
            f"{words} on {part.part}, not used to choose": getattr(part, metric),
        },
        seconds=trained.seconds[name],
        texts_per_second=None if cost is None else cost.texts_per_second,
        mebibytes=None if cost is None else cost.bytes / 2**20,
    )
