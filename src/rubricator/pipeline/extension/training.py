"""Columns of what is new, or all of them: trained and calibrated on the parts of the run as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

import numpy as np
from threadpoolctl import threadpool_limits

from rubricator.config import Config
from rubricator.config.train import Kind
from rubricator.dataset import files
from rubricator.dataset.labels import LabelSet, read_labels
from rubricator.dataset.training_data import TrainingData, training_data
from rubricator.errors import TrainingError
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.models.columns import ColumnsModel
from rubricator.models.training_result import TrainingResult
from rubricator.pages.formatting import series
from rubricator.pipeline.evaluate import EvaluationInputs
from rubricator.pipeline.extension.plan import Extension
from rubricator.pipeline.stage import Run
from rubricator.stats.arrays import Bools, Floats
from rubricator.taxonomy import Taxonomy
from rubricator.train.search.case_control import Sample, draw_cases
from rubricator.train.search.encoding import encode_for_training
from rubricator.train.search.model_search import train_models
from rubricator.train.search.refit import refit
from rubricator.train.time_limit import TimeLimit

_HAS = 0.5  # probability of a label from which on a text teaches that it has the category
_BY_COUNTS = frozenset({"heads", "linear"})
"""Kinds that take a text which counts for several as they would take the several."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """A model of the list of today.

    Attributes:
        kind: What the model is called among those that were tried.
        served: What goes into the artifact.
        measured: What figures are of: it has not seen the test part, which `refit: all` trains on, too.
        rule: Calibration and thresholds of both.
        encoders: Folders of the encoders that were trained, by name.
        inputs: What a part is cut out of; its encoders are opened by whoever measures.
    """

    kind: str
    served: Model
    measured: Model
    rule: DecisionRule
    encoders: Mapping[str, Path]
    inputs: EvaluationInputs


def learn(plan: Extension, sub: Run) -> Learnt:
    """Train what the plan names on the texts of a labelled run beside the run, and join it to what is kept.

    Raises:
        TrainingError: The labels do not allow it.
        EncoderError: An encoder cannot be had or exported.
    """
    artifact = plan.artifact
    dataset = files.read_dataset(sub.folder)
    label_set = read_labels(sub.folder, dataset, sub.taxonomy)
    config = _config(plan, sub.config)
    limit = TimeLimit(config.train.time_limit)
    vectors = encode_for_training(dataset.texts, sub.taxonomy, config, limit, progress=sub.progress)
    data = training_data(dataset, label_set, vectors.first, vectors.more, vectors.described)
    inputs = EvaluationInputs(data, dataset, label_set, {})
    kind, size = artifact.manifest.kind, len(artifact.manifest.taxonomy.keys)
    picked = tuple(
        plan.kept[key] if key in plan.kept else size + plan.new.index(key) for key in sub.taxonomy.keys
    )
    if not plan.learns:
        model = ColumnsModel.of(artifact.model, picked)
        return Learnt(kind, model, model, _picked(artifact.rule, None, picked, sub), {}, inputs)
    _refuse_bare(plan.new, label_set, sub.taxonomy)
    trained = _trained(plan.learns, data, label_set, sub, config, limit)
    served, encoders = trained.served
    rule = trained.rules[trained.choice.name]
    if plan.whole:
        return Learnt(trained.choice.name, served, trained.winner, rule, encoders, inputs)
    rule = _picked(artifact.rule, rule, picked, sub)
    model = measured = ColumnsModel.of(artifact.model, picked, served)
    if trained.winner is not served:
        measured = ColumnsModel.of(artifact.model, picked, trained.winner)
    return Learnt(kind, model, measured, rule, encoders, inputs)


def _config(plan: Extension, config: Config) -> Config:
    """The settings with the kind of the artifact; several kinds at once are tried as the settings say."""
    kind = plan.artifact.manifest.kind
    if kind not in get_args(Kind):
        return config
    train = config.train.model_copy(update={"models": (cast(Kind, kind),)})
    return config.model_copy(update={"train": train})


def _refuse_bare(new: tuple[str, ...], label_set: LabelSet, taxonomy: Taxonomy) -> None:
    """What no text of the training part has cannot be learnt."""
    teaches = label_set.sources.part == "train"
    has = np.nan_to_num(label_set.targets[teaches]) >= _HAS
    bare = [key for key in new if not has[:, taxonomy.keys.index(key)].any()]
    if bare:
        raise TrainingError(
            f"No text of the training part is labelled {series(bare)}, by people or by teachers: there is "
            "nothing to learn from, and the model stays as it is.",
            fix="Say what belongs there, `rubricator category describe KEY --description … --keywords …`, or "
            "add texts and run `rubricator run`.",
        )


def _trained(
    keys: tuple[str, ...],
    data: TrainingData,
    label_set: LabelSet,
    sub: Run,
    config: Config,
    limit: TimeLimit,
) -> TrainingResult:
    taxonomy = sub.taxonomy
    columns = [taxonomy.keys.index(key) for key in keys]
    if keys != taxonomy.keys:
        # A list of one category is none that people may write, but one that can be learnt.
        taxonomy = Taxonomy.model_construct(
            name=taxonomy.name,
            task=taxonomy.task,
            none=None,
            categories=tuple(taxonomy[key] for key in keys),
        )
    own = replace(
        data,
        examples=replace(data.examples, targets=data.examples.targets[:, columns]),
        described={name: directions[columns] for name, directions in data.described.items()},
    )
    targets, train = label_set.targets[:, columns], data.part == "train"
    sample = _sample(own, targets, train, config) if keys != sub.taxonomy.keys else None
    with threadpool_limits(limits=1, user_api="blas"):
        trained, _ = train_models(
            own,
            targets,
            train=train if sample is None else sample.drawn,
            stands_for=None if sample is None else sample.stands_for,
            validation=data.part == "validation",
            taxonomy=taxonomy,
            config=config,
            folder=sub.folder / "stages/training",
            limit=limit,
            progress=sub.progress,
        )
        if config.train.refit != "all":
            return trained
        again = refit(
            trained,
            own,
            label_set.probabilities[:, columns],
            label_set.sources.human,
            taxonomy=taxonomy,
            config=config,
            folder=sub.file("stages/training/refitted/any").parent,
            progress=sub.progress,
        )
    return replace(trained, refitted=again)


def _sample(data: TrainingData, targets: Floats, train: Bools, config: Config) -> Sample | None:
    """The texts that new columns learn from, where few say as much as all; None for all of them."""
    if not set(config.train.models) <= _BY_COUNTS or config.train.models == "auto":
        return None
    labelled = train & np.isfinite(targets).all(axis=1)
    return draw_cases(np.nan_to_num(targets), labelled, data.golden, seed=config.seed)


def _picked(old: DecisionRule, new: DecisionRule | None, picked: tuple[int, ...], run: Run) -> DecisionRule:
    def column(name: str) -> Floats:
        parts = [getattr(rule, name) for rule in (old, new) if rule is not None]
        return np.asarray(np.concatenate(parts)[list(picked)])

    return DecisionRule(run.taxonomy.space, column("slope"), column("intercept"), column("threshold"))
