"""The chosen model once more, from all labelled texts, those of validation and test among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from rubricator.config import Config, Train
from rubricator.dataset.training_data import TrainingData
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.training_result import Refitted, TrainingResult
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Bools, Floats
from rubricator.taxonomy import Taxonomy
from rubricator.text_rules.rules_file import given_rules, taxonomy_rules
from rubricator.train.search.unlabelled import draw_unlabelled
from rubricator.train.search.validation import spread_folds
from rubricator.train.synthetic_rows import synthetic_for
from rubricator.train.trainers import fit
from rubricator.train.training_context import FitResult, TrainingContext


def refit(
    trained: TrainingResult,
    data: TrainingData,
    targets: Floats,
    human: Bools,
    *,
    taxonomy: Taxonomy,
    config: Config,
    folder: Path,
    progress: Progress = silent,
) -> Refitted:
    """Train the winner with its settings on every text that has a label, whatever its part.

    Nothing measures it: every text has taught it. It is served with the rule of the model that was measured,
    and how often both decide alike is told.

    Args:
        trained: The search, and who won.
        data: All texts.
        targets: Probabilities of labels, shape [texts, categories]; NaN where there is none.
        human: Which labels are people's, shape [texts].
        taxonomy: The categories.
        config: The settings.
        folder: Where training keeps what must outlive it.
        progress: Display of long work.

    Raises:
        EncoderError: An encoder cannot be had or exported.
        TrainingError: The labels do not allow it.
    """
    labelled = np.asarray(np.isfinite(targets).all(axis=1))
    weights = np.where(human, 1.0, trained.weak_label_weight)
    folds = spread_folds(replace(data, golden=human), np.nan_to_num(targets), labelled, config)
    everything = replace(data.examples, targets=np.nan_to_num(targets), weights=weights)
    context = replace(
        TrainingContext.of(config, space=taxonomy.space, folder=folder, progress=progress),
        keywords=taxonomy_rules(taxonomy),
        rules=given_rules(config, taxonomy),
        described=data.described,
    )
    everywhere = np.ones_like(labelled)
    context = replace(context, synthetic=synthetic_for(data, everywhere, labelled & (weights > 0)))
    if config.train.heads.co_training:
        context = replace(
            context,
            unlabelled=draw_unlabelled(
                everything, ~labelled | (weights == 0), learnt=labelled & (weights > 0), seed=config.seed
            ),
        )
    winner = trained.choice.name
    members = trained.facts[winner].get("members", [winner])
    learning = everything.subset(labelled).hardened(taxonomy.space)

    def again(name: str) -> FitResult:
        settings = trained.facts[name].get("settings")
        tuned = context if settings is None else replace(context, settings=Train.model_validate(settings))
        return fit(name, learning, folds=folds, context=tuned)

    fitted = {name: again(name) for name in members}
    models = [one.model for one in fitted.values()]
    model = models[0]
    if members != [winner]:  # an ensemble: its members are brought to the scale of those that were measured
        model = EnsembleModel.mean_of(models, [trained.rules[name] for name in members])
    encoders = {name: path for one in fitted.values() for name, path in one.encoders.items()}
    result = Refitted(model, encoders, texts=int(labelled.sum()), same=0.0)
    rule, examples = trained.rules[winner], data.examples
    one, other = (
        rule.decide(rule.probabilities(each.logits(examples.inputs(opened))))
        for each, opened in ((trained.winner, trained.open(config)), (model, result.open(config)))
    )
    return replace(result, same=float((one == other).all(axis=1).mean()))
