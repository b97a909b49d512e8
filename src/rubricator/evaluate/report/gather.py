"""Report: the facts of a run gathered from its stages into one page and one file of figures."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
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
from rubricator.dataset.split import DatasetSplit
from rubricator.evaluate.metrics.beside_teachers import BesideTeachers
from rubricator.evaluate.metrics.errors import PredictionError
from rubricator.evaluate.metrics.mistaken import mistaken_for
from rubricator.evaluate.plots.plot import Plot
from rubricator.evaluate.report.model_descriptions import described
from rubricator.evaluate.report.model_table import compared_models
from rubricator.evaluate.report.next_steps import next_steps
from rubricator.evaluate.report.report_data import (
    DataFacts,
    Evaluated,
    ReportData,
    Reproduction,
)
from rubricator.masking import masked_settings
from rubricator.models.training_result import TrainingResult
from rubricator.pages.formatting import figure, plural
from rubricator.records import Origin
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
        "goals": [asdict(goal) for goal in evaluated.goals],
        "costs": None if evaluated.costs is None else asdict(evaluated.costs),
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
    errors: Sequence[PredictionError],
    folder: Path,
    command: str,
    options: str,
) -> ReportData:
    """The facts of a run in the form the report is written from."""
    winner = trained.choice.name
    encoder = f" ({config.encode.written(trained.winner.encoders)})" if trained.winner.encoders else ""
    return ReportData(
        name=config.name,
        created=datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
        titles={category.key: category.title for category in taxonomy.categories},
        space=taxonomy.space,
        model=described(winner, trained.facts[winner]) + encoder,
        metrics=tuple(evaluated.metrics),
        plots=tuple(plots),
        errors=tuple(errors),
        mistaken=None
        if taxonomy.single
        else mistaken_for(evaluated.scored[0].truth, evaluated.scored[0].decisions),
        data=_data(dataset, split, label_set, taxonomy, config, notes=_synthetic(trained, taxonomy)),
        teachers=tuple(label_set.reports),
        models=compared_models(trained, evaluated),
        goals=evaluated.goals,
        costs=evaluated.costs,
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


def _synthetic(trained: TrainingResult, taxonomy: Taxonomy) -> tuple[str, ...]:
    titles = {category.key: category.title for category in taxonomy.categories}
    return (trained.synthetic_about(titles),) if trained.synthetic else ()


def _data(
    dataset: Dataset,
    split: DatasetSplit,
    label_set: LabelSet,
    taxonomy: Taxonomy,
    config: Config,
    *,
    notes: Sequence[str] = (),
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
        notes=(*split.notes, *notes),
    )
