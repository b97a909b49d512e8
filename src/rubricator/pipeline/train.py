"""Train: the models, and how the way they came about fares on golden texts.

Where golden texts train, everything is trained once more per fold of the golden texts, with teachers
that never saw the fold: that is how well the procedure does on texts nobody labelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from rubricator.config import Config
from rubricator.dataset import files
from rubricator.dataset.labels import LabelSet, read_labels
from rubricator.dataset.split import DatasetSplit
from rubricator.dataset.synthetic import SYNTHETIC, read_synthetic
from rubricator.dataset.training_data import TrainingData, training_data
from rubricator.encode import open_named
from rubricator.encode.phrasings import pieces
from rubricator.models.cascade import CascadeModel
from rubricator.models.training_files import write_training
from rubricator.models.training_result import OutOfFoldPredictions, TrainingResult
from rubricator.pipeline.stage import Run, Stage
from rubricator.pipeline.synthetic_rows import with_synthetic_texts
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Floats
from rubricator.taxonomy import Taxonomy
from rubricator.text_rules.rules_file import given_rules, rules_text, taxonomy_rules
from rubricator.train.search.candidates import is_costly
from rubricator.train.search.encoding import encode_for_training
from rubricator.train.search.learning_curve import learning_curve
from rubricator.train.search.model_search import train_models
from rubricator.train.search.refit import refit
from rubricator.train.search.serving_cost import cost_of
from rubricator.train.time_limit import TimeLimit


def train(
    data: TrainingData,
    split: DatasetSplit,
    label_set: LabelSet,
    taxonomy: Taxonomy,
    config: Config,
    *,
    folder: Path,
    limit: TimeLimit | None = None,
    progress: Progress = silent,
) -> tuple[TrainingResult, OutOfFoldPredictions | None]:
    """Train, calibrate and choose; then the same per golden fold, where golden texts train.

    Where that would take too long, golden texts are measured by the held-out predictions that the
    models were chosen by.

    Raises:
        TrainingError: Nothing to train or to validate on.
    """
    folds = sorted(set(split.fold.values()))
    nested = folds and not is_costly(config.train)
    with progress("Training", total=1 + (len(folds) if nested else 0)) as done:
        trained, held_out = train_models(
            data,
            label_set.targets,
            train=data.part == "train",
            validation=data.part == "validation",
            taxonomy=taxonomy,
            config=config,
            folder=folder / "all",
            limit=limit,
            progress=progress,
        )
        done(1)
        curve = learning_curve(
            data, label_set.targets, trained.weak_label_weight, taxonomy=taxonomy, config=config
        )
        trained = replace(trained, curve=curve)
        if not nested:
            return trained, held_out if folds else None
        parts = []
        for fold in folds:
            place = folder / f"without-{fold}"
            parts.append(_predict_fold(data, label_set.fold_targets[fold], fold, taxonomy, config, place))
            done(1)
    return trained, _joined(parts)


def _predict_fold(
    data: TrainingData, targets: Floats, fold: int, taxonomy: Taxonomy, config: Config, folder: Path
) -> OutOfFoldPredictions:
    """Predict the golden texts of one fold by models trained without the fold and its duplicates."""
    away = data.fold == fold
    trained, _ = train_models(
        replace(data, golden=data.golden & ~away, unbiased=data.unbiased & ~away),
        targets,
        train=(data.part == "train") & ~away,
        validation=(data.part == "validation") & ~away,
        taxonomy=taxonomy,
        config=config,
        folder=folder,
    )
    rows = np.flatnonzero(away & data.golden)
    inputs = data.examples.subset(rows).inputs(trained.open(config))
    probabilities = {
        name: trained.rules[name].probabilities(model.logits(inputs))
        for name, model in trained.models.items()
    }
    decisions = {name: trained.rules[name].decide(p) for name, p in probabilities.items()}
    winner = trained.choice.name
    return OutOfFoldPredictions(
        rows, probabilities | {"chosen": probabilities[winner]}, decisions | {"chosen": decisions[winner]}
    )


def _joined(parts: Sequence[OutOfFoldPredictions]) -> OutOfFoldPredictions:
    first = parts[0]
    return OutOfFoldPredictions(
        np.concatenate([part.rows for part in parts]),
        {name: np.concatenate([part.probabilities[name] for part in parts]) for name in first.probabilities},
        {name: np.concatenate([part.decisions[name] for part in parts]) for name in first.decisions},
    )


def _work(run: Run) -> list[str]:
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    limit = TimeLimit(run.config.train.time_limit)
    vectors = encode_for_training(dataset.texts, run.taxonomy, run.config, limit, progress=run.progress)
    data = training_data(dataset, label_set, vectors.first, vectors.more, vectors.described)
    data, usable = with_synthetic_texts(data, read_synthetic(run.file(SYNTHETIC)), dataset, split, run)
    # The products are too small to share: a second thread mostly waits, the more on a busy machine.
    with threadpool_limits(limits=1, user_api="blas"):
        trained, held_out = train(
            data,
            split,
            label_set,
            run.taxonomy,
            run.config,
            folder=run.file("stages/training/all").parent,
            limit=limit,
            progress=run.progress,
        )
        if run.config.train.refit == "all":
            again = refit(
                trained,
                data,
                label_set.probabilities,
                label_set.sources.human,
                taxonomy=run.taxonomy,
                config=run.config,
                folder=run.file("stages/training/refitted/any").parent,
                progress=run.progress,
            )
            trained = replace(trained, refitted=again)
    named = [*trained.untrained, *trained.encoders]
    encoders = open_named(named, trained.encoders, run.config, progress=run.progress)
    costs = {name: cost_of(model, dataset.texts, encoders) for name, model in trained.models.items()}
    write_training(run.folder, replace(trained, costs=costs), held_out)
    lines = [trained.choice.reason, trained.validated_on, *vectors.notes, *_rules(run, trained)]
    lines += [f"! {note}" for note in usable.notes]
    if trained.synthetic:
        lines.append(trained.synthetic_about({}))
    if trained.refitted is not None:
        lines.append(trained.refitted.about)
    if trained.weights_tried:
        lines.append(f"A label agreed between teachers counts {trained.weak_label_weight:g} of a golden one.")
    return lines


def _rules(run: Run, trained: TrainingResult) -> list[str]:
    """Write the rules of a cascade where people can read and edit them."""
    path = run.file(RULES)
    path.unlink(missing_ok=True)
    cascade = trained.models.get("cascade")
    if not isinstance(cascade, CascadeModel):
        return []
    facts = trained.facts["cascade"]
    path.write_text(rules_text(cascade.rules, run.taxonomy, facts), encoding="utf-8")
    return [f"The cascade has {len(cascade.rules)} rules, in {path}; correct them: train.cascade.rules."]


def _depends(run: Run) -> dict[str, str]:
    config = run.config
    inputs = {
        "config": config.model_dump_json(include={"train", "encode", "split", "seed", "decision"}),
        "taxonomy": f"{run.taxonomy.keys} {run.taxonomy.task}",
    }
    if config.augment is not None:
        inputs["synthetic"] = str(config.augment.pays.weight)
    if config.train.models != ("linear",):
        inputs["descriptions"] = repr([pieces(category) for category in run.taxonomy.categories])
    if "cascade" in config.train.models or config.train.models == "auto":
        inputs["keywords"] = repr(taxonomy_rules(run.taxonomy))
        inputs["rules"] = repr(given_rules(config, run.taxonomy))
    return inputs


RULES = "rules.yaml"
STAGE = Stage(
    name="train",
    about="Train every model, calibrate and set thresholds on validation, choose the better one.",
    depends=_depends,
    after=("read", "split", "label", "pays"),
    writes=("stages/train.json", "stages/models", "stages/training", RULES),
    work=_work,
)
