"""From labelled texts to models: all kinds on the same examples, calibrated on validation, one chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rubricator.config import Config
from rubricator.dataset.examples import Examples
from rubricator.dataset.synthetic_examples import SyntheticExamples
from rubricator.dataset.training_data import TrainingData
from rubricator.errors import TrainingError
from rubricator.models.training_result import OutOfFoldPredictions, TrainingResult
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.folds import draw_share, group_counts
from rubricator.taxonomy import Taxonomy
from rubricator.text_rules.rules_file import given_rules, taxonomy_rules
from rubricator.train.calibration.thresholds import scarce
from rubricator.train.search.candidates import Candidate, ModelSearch
from rubricator.train.search.label_weights import self_trained, weak_label_weight
from rubricator.train.search.unlabelled import draw_unlabelled
from rubricator.train.search.validation import ValidationSet, make_validation_set, spread_folds
from rubricator.train.selection import metric_of
from rubricator.train.synthetic_rows import joining, synthetic_for
from rubricator.train.time_limit import TimeLimit
from rubricator.train.training_context import TrainingContext


def train_models(
    data: TrainingData,
    targets: Floats,
    *,
    train: Bools,
    validation: Bools,
    taxonomy: Taxonomy,
    config: Config,
    folder: Path,
    stands_for: Floats | None = None,
    limit: TimeLimit | None = None,
    progress: Progress = silent,
) -> tuple[TrainingResult, OutOfFoldPredictions]:
    """Train every model on the `train` rows and calibrate it on the `validation` rows.

    Without any of these it is cross-fitted on `train`. `targets` are the probability of each category, shape
    [texts, categories], NaN where there is no label. Training keeps in `folder` what must outlive it; `limit`
    is that of the settings, from now on, unless it began before. Where `train` is a sample, `stands_for` says
    for how many texts each stands, shape [texts].

    Returns:
        The models, and their predictions of those validation texts that people labelled.

    Raises:
        TrainingError: No row to train on.
    """
    labelled = np.isfinite(targets).all(axis=1)
    own, unlabelled = train, train & ~labelled
    targets, train, validation = np.nan_to_num(targets), train & labelled, validation & labelled
    train = _sampled(data, targets, train, config)
    if not train.any():
        raise TrainingError(
            "No text is left to train on.", fix="Lower split.test and split.validation, or add texts."
        )
    space = taxonomy.space
    occurring = (targets[train] >= 0.5).any(axis=0)
    if space.single and occurring.sum() == 1:
        raise TrainingError(
            f"Every text to train on has the category '{space.keys[int(occurring.argmax())]}': there is "
            "nothing to tell apart.",
            fix="Label texts of other categories, or give these keywords and descriptions.",
        )
    context = replace(
        TrainingContext.of(config, space=space, folder=folder, progress=progress),
        keywords=taxonomy_rules(taxonomy),
        rules=given_rules(config, taxonomy),
        limit=limit or TimeLimit(config.train.time_limit),
        described=data.described,
        synthetic=synthetic_for(data, own, train),
    )
    folds = spread_folds(data, targets, train, config)
    weight, tried = weak_label_weight(data, targets, train, folds, context)
    counted = np.where(data.golden, 1.0, weight) * (1.0 if stands_for is None else stands_for)
    context = replace(context, synthetic=synthetic_for(data, own, train & (counted > 0)))
    if config.train.self_training:
        targets = self_trained(data, targets, counted, train, folds, context)
    everything = replace(data.examples, targets=targets, weights=counted)
    if config.train.heads.co_training:
        taught = unlabelled | (train & (counted == 0))
        learnt = train & (counted > 0)
        context = replace(
            context, unlabelled=draw_unlabelled(everything, taught, learnt=learnt, seed=config.seed)
        )
    validation_set = make_validation_set(
        data, everything, train=train, validation=validation, folds=folds, space=space, config=config
    )
    learning = everything.subset(train).hardened(space)
    search = ModelSearch(learning, everything.subset(unlabelled), folds, validation_set, context)
    choice = search.run()
    candidates = search.candidates
    trained = TrainingResult(
        models={name: candidate.fitted.model for name, candidate in candidates.items()},
        rules={name: candidate.validated.rule for name, candidate in candidates.items()},
        choice=choice,
        weak_label_weight=weight,
        weights_tried=tried,
        seconds={name: candidate.seconds for name, candidate in candidates.items()},
        validated_on=validation_set.about,
        scarce={
            **scarce(
                validation_set.examples.targets,
                validation_set.examples.weights,
                fitted=not space.single and validation_set.thresholds is None,
            ),
            **candidates[choice.name].fitted.notes,
        },
        encoders={name: path for one in candidates.values() for name, path in one.fitted.encoders.items()},
        facts={name: candidate.fitted.facts for name, candidate in candidates.items()},
        dropped=search.dropped,
        metric=metric_of(config.train.metric, space),
        coverage=validation_set.coverage(
            candidates[choice.name].validated, data.unbiased[validation_set.rows]
        ),
        synthetic=_synthetic_counts(context.synthetic, learning, folds, space.keys),
    )
    return trained, _golden_predictions(validation_set, candidates, choice.name, data.unbiased)


def _synthetic_counts(
    synthetic: SyntheticExamples | None, learning: Examples, folds: Indices, keys: Sequence[str]
) -> dict[str, dict[str, int]]:
    """How many synthetic texts of each making taught each category; nothing where none did."""
    if synthetic is None:
        return {}
    rows = joining(synthetic, learning, folds).rows
    has = synthetic.examples.targets[rows] >= 0.5
    making = np.array([synthetic.making[row] for row in rows.tolist()])
    counts = {
        key: Counter(making[has[:, column]].tolist())
        for column, key in enumerate(keys)
        if has[:, column].any()
    }
    return {key: dict(count) for key, count in counts.items()}


def _sampled(data: TrainingData, targets: Floats, train: Bools, config: Config) -> Bools:
    if config.train.sample == 1 or not train.any():
        return train
    rows = np.flatnonzero(train)
    number, counts = group_counts(targets[rows], [data.examples.groups[row] for row in rows.tolist()])
    drawn = draw_share(counts, share=config.train.sample, seed=config.seed)
    chosen = np.zeros_like(train)
    chosen[rows[np.isin(number, drawn)]] = True
    return chosen


def _golden_predictions(
    validation_set: ValidationSet, candidates: Mapping[str, Candidate], winner: str, unbiased: Bools
) -> OutOfFoldPredictions:
    golden = unbiased[validation_set.rows]
    validations = {name: candidate.validated for name, candidate in candidates.items()}
    validations["chosen"] = validations[winner]
    return OutOfFoldPredictions(
        validation_set.rows[golden],
        {name: validated.probabilities[golden] for name, validated in validations.items()},
        {name: validated.decisions[golden] for name, validated in validations.items()},
        nested=False,
    )
