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
from rubricator.evaluate.metrics.errors import worst_errors
from rubricator.evaluate.plots.plot import Plot
from rubricator.evaluate.report.model_descriptions import described
from rubricator.evaluate.report.model_table import model_facts
from rubricator.evaluate.report.report_data import DataFacts, Evaluated, ReportData, Reproduction
from rubricator.models.training_result import TrainingResult
from rubricator.pages.formatting import figure, plural
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
        "weak_label_weights_tried": {str(weight): loss for weight, loss in trained.weights_tried.items()},
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
    encoder: str,
    command: str,
) -> ReportData:
    """The facts of a run in the form the report is written from."""
    winner = trained.choice.name
    about = described(winner, trained.facts[winner]) + (f" ({encoder})" if trained.winner.encoders else "")
    return ReportData(
        name=config.name,
        created=datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
        titles={category.key: category.title for category in taxonomy.categories},
        space=taxonomy.space,
        model=about,
        metrics=tuple(evaluated.metrics),
        plots=tuple(plots),
        errors=tuple(worst_errors(evaluated.scored[0], taxonomy.keys, count=config.evaluate.worst)),
        data=_data(dataset, split, label_set, taxonomy, config),
        teachers=tuple(label_set.reports),
        models=model_facts(trained, evaluated),
        latency=evaluated.latency,
        reproduction=_reproduction(dataset, taxonomy, config, command),
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
    keys = np.array(taxonomy.keys)
    for row, (id_, part) in enumerate(zip(sources.ids, sources.part.tolist(), strict=True)):
        label = label_set.labels.get(id_)
        if sources.counts[row]:
            origin, categories = str(sources.origin[row]), tuple(keys[sources.categories[row]].tolist())
        elif label is not None:
            origin, categories = str(label.origin), label.categories
        else:
            continue
        origins.setdefault(part, Counter())[origin] += 1
        bare[part] += not categories
        for key in categories:
            mix[key][part] += 1
    facts = dataset.facts
    return DataFacts(
        files=tuple(Path(file.path).name for file in config.data.files),
        read=facts["texts"],
        rejected=facts["rejected"],
        exact=facts["exact_duplicates"],
        near=facts["near_duplicates"],
        parts=origins,
        mix=mix,
        bare=bare,
        notes=split.notes,
    )


def _reproduction(dataset: Dataset, taxonomy: Taxonomy, config: Config, command: str) -> Reproduction:
    return Reproduction(
        command=command,
        config=yaml.safe_dump(config.model_dump(mode="json"), allow_unicode=True, sort_keys=False),
        seed=config.seed,
        data_fingerprint=dataset.fingerprint,
        taxonomy_version=taxonomy.version,
        versions={library: version(library) for library in _LIBRARIES},
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}",
    )
