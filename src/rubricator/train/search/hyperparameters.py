"""Better settings for the winner, looked for where they matter: a few trials, judged as candidates are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rubricator.config import Kind, Train
from rubricator.errors import MissingExtraError

if TYPE_CHECKING:
    from optuna.trial import Trial

log = logging.getLogger(__name__)

_SPACES: Mapping[Kind, Callable[[Trial], dict[str, Any]]] = {
    "static": lambda trial: {"classifier": trial.suggest_categorical("classifier", ["lines", "network"])},
    "cascade": lambda trial: {
        "precision": trial.suggest_categorical("precision", ["auto", 0.8, 0.85, 0.9, 0.95, 0.97])
    },
    "finetune": lambda trial: {
        "learning_rate": trial.suggest_float("learning_rate", 5e-5, 5e-4, log=True),
        "layer_decay": trial.suggest_float("layer_decay", 0.7, 1.0),
    },
    "lora": lambda trial: {
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 3e-3, log=True),
        "rank": trial.suggest_categorical("rank", [4, 8, 16, 32]),
    },
}


def tuned(
    kind: Kind, settings: Train, merit: Callable[[Train], float], *, trials: int, seconds: float, seed: int
) -> tuple[Train, float, int]:
    """The best settings for a kind of model, their merit, and how many were tried.

    Optuna's tree-structured Parzen estimator (Bergstra et al., "Algorithms for hyper-parameter
    optimization", 2011) proposes them; for every kind it also tries treatments of imbalance. After so many
    `seconds` the trial under way is finished. `merit` is what settings are worth on validation, and raises
    `ValueError` for settings that cannot be trained.

    Raises:
        MissingExtraError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("optuna", extra="train", purpose="Tuning") from error
    tried: dict[int, Train] = {}

    def objective(trial: Trial) -> float:
        tried[trial.number] = _proposed(kind, settings, trial)
        return merit(tried[trial.number])

    # Optuna reports every trial to the terminal; only the command line prints here.
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        study.optimize(objective, n_trials=trials, timeout=seconds, catch=(ValueError,))
    finally:
        optuna.logging.set_verbosity(verbosity)
    if all(trial.value is None for trial in study.trials):
        return settings, float("-inf"), len(study.trials)
    best = study.best_trial
    log.info("%s: best of %d trials: %s", kind, len(study.trials), best.params)
    return tried[best.number], float(best.value or 0.0), len(study.trials)


def _proposed(kind: Kind, settings: Train, trial: Trial) -> Train:
    imbalance = settings.imbalance.model_copy(
        update={
            "weights": trial.suggest_categorical("weights", ["none", "balanced", "effective"]),
            "logit_adjustment": trial.suggest_float("logit_adjustment", 0.0, 1.0),
        }
    )
    update: dict[str, Any] = {"imbalance": imbalance}
    if kind in _SPACES:
        update[kind] = getattr(settings, kind).model_copy(update=_SPACES[kind](trial))
    return settings.model_copy(update=update)
