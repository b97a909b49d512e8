"""Every fold, and the mean of what they learned."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from rubricator.dataset.examples import Examples
from rubricator.encode.export import export_trained
from rubricator.encode.folders import built
from rubricator.models.heads import HeadsModel
from rubricator.progress import Advance
from rubricator.stats.arrays import Floats
from rubricator.train.kinds.finetune.checkpoint import Checkpoint, State, Weights
from rubricator.train.kinds.finetune.fold_trainer import Fold, FoldInputs, FoldTrainer, logits_of
from rubricator.train.kinds.finetune.history import Epoch, Scores, measured, write_table
from rubricator.train.kinds.finetune.network import SCALE, served
from rubricator.train.kinds.finetune.oom import BatchPortions
from rubricator.train.kinds.finetune.plan import Plan
from rubricator.train.kinds.finetune.prepare import prepared
from rubricator.train.logistic import Folds
from rubricator.train.time_limit import EarlyStoppedError
from rubricator.train.torch_state import own_torch_state
from rubricator.train.training_context import FitResult, TrainingContext
from rubricator.whole_files import whole_file

TABLE = "epochs.csv"
Heads = tuple[Floats, Floats, Floats]
"""Weights, intercepts, and logits of rows in folds without any weight."""


def fit(plan: Plan, examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    """Train in every fold; the mean of their weights is the model.

    Trainings from one start end in one valley of the loss, where the mean of their weights is better than
    each of them and costs no more to serve (Wortsman et al., "Model soups", ICML 2022). All texts
    have taught it, each all folds but its own. What a fold contributes is its best epoch by its own
    texts; the logits of those texts are taken at the epoch that is best over all folds together, in which
    a text has a hundredth of a say. They are those of one training, so the mean is rather better
    than they promise. Of low-rank adapters it is the two factors that are averaged.

    Raises:
        EncoderError: The encoder cannot be loaded or exported.
        EarlyStoppedError: It was stopped, because it could not win.
        TrainingError: The settings or the memory do not allow it.
    """
    with own_torch_state(threads=plan.threads, gpus=True):
        return _Fit(plan, examples, folds, context).go()


class _Fit:
    def __init__(self, plan: Plan, examples: Examples, folds: Folds, context: TrainingContext) -> None:
        self._plan, self._examples, self._context = plan, examples, context
        self._key = plan.key(examples, folds)
        self._folder = context.folder / plan.kind
        self._lines: dict[str, list[Epoch]] = {}
        self._used = examples.weights > 0
        self._folds = [
            Fold(
                name=str(fold),
                train=np.flatnonzero(self._used & (folds != fold)),
                validation=np.flatnonzero((examples.judging > 0) & (folds == fold)),
                spare=np.flatnonzero(~self._used & (folds == fold)),
            )
            for fold in np.unique(folds[self._used])
        ]
        self._orphans = np.flatnonzero(~np.isin(folds, folds[self._used]))

    def go(self) -> FitResult:
        self._folder.mkdir(parents=True, exist_ok=True)
        logits = np.zeros(self._examples.targets.shape)
        heads = self._exported()
        states: dict[str, State] = {}
        mean: Weights = {}
        steps = sum(len(fold.train) for fold in self._folds) * self._plan.settings.epochs
        with self._context.progress(f"Training {self._plan.kind}", total=steps) as advance:
            for fold in self._folds:
                state = self._trained(fold, advance, weights=heads is None)
                # Summed at once: the weights of all folds together may not fit into memory.
                for name, weight in (state.best or {}).items():
                    mean[name] = mean.get(name, 0) + weight.cpu() / len(self._folds)
                states[fold.name] = replace(state, best=None)
                chosen, best = self._best(states)
                logits = self._oof_logits(states, chosen)
                self._ask(logits, len(states))
        coef, intercept, spare = heads or self._export(mean)
        logits[self._orphans] = spare
        absent = np.flatnonzero(self._examples.weights @ self._examples.targets == 0).tolist()
        facts = {
            "epochs": chosen,
            "layers": self._plan.settings.layers,
            "contrastive": self._plan.contrastive,
            self._plan.settings.metric: best.merit(self._plan.settings.metric)[0],
            "seconds": round(sum(line.seconds for lines in self._lines.values() for line in lines)),
        }
        return FitResult(
            model=HeadsModel(coef, intercept, encoder=self._plan.kind),
            oof_logits=logits,
            notes=dict.fromkeys(absent, "has no training texts: its probability says nothing"),
            encoders={self._plan.kind: self._target},
            facts=facts,
            averaged=True,
        )

    @cached_property
    def _inputs(self) -> FoldInputs:
        """Loaded only if there is something left to train."""
        return prepared(self._plan, self._examples, self._key, self._context.progress)

    def _checkpoint(self, fold: Fold) -> Checkpoint:
        return Checkpoint(self._folder / f"fold-{fold.name}.pt", self._key)

    def _trained(self, fold: Fold, advance: Advance, *, weights: bool) -> State:
        """Train a fold, or take it as it was left, if its `weights` are there or not needed."""
        checkpoint = self._checkpoint(fold)
        state = checkpoint.read()
        if weights and state is not None and state.done and state.best is None:
            state = None

        def report(texts: int, line: Epoch | None) -> None:
            advance(texts, line.note() if line else "")
            if line:
                self._lines.setdefault(fold.name, []).append(line)
                self._write_table()

        if state is None or not state.done:
            self._lines[fold.name] = list(state.history) if state else []
            state = FoldTrainer(self._inputs, fold, checkpoint).go(report, state)
        else:
            advance(len(fold.train) * len(state.history))
        advance(len(fold.train) * (self._plan.settings.epochs - len(state.history)))
        self._lines[fold.name] = list(state.history)
        self._write_table()
        return state

    def _ask(self, logits: Floats, done: int) -> None:
        """Stop if the first folds, so many, say that this model cannot win."""
        predicted = np.concatenate([fold.validation for fold in self._folds[:done]])
        if not self._context.should_continue(logits, np.isin(np.arange(len(logits)), predicted)):
            raise EarlyStoppedError(
                f"{self._plan.kind} was stopped after {done} of {len(self._folds)} folds: "
                "it could not win any more."
            )

    def _write_table(self) -> None:
        write_table(self._folder / TABLE, [line for lines in self._lines.values() for line in lines])

    def _best(self, states: Mapping[str, State]) -> tuple[int, Scores]:
        """The number of epochs that is best over the folds so far, among those all of them reached."""
        rows = np.concatenate([fold.validation for fold in self._folds[: len(states)]])
        targets, weights = self._examples.targets[rows], self._examples.weights[rows]
        scores = {}
        for epoch in range(1, 1 + min(len(state.history) for state in states.values())):
            logits = self._oof_logits(states, epoch)[rows]
            scores[epoch] = measured(logits, targets, weights, space=self._plan.space)
        best = max(scores, key=lambda epoch: scores[epoch].merit(self._plan.settings.metric))
        return best, scores[best]

    def _oof_logits(self, states: Mapping[str, State], epoch: int) -> Floats:
        """Logits of the folds so far: after this epoch or, of texts of weight 0, after their fold's best."""
        logits = np.zeros(self._examples.targets.shape)
        for fold, state in zip(self._folds, states.values(), strict=False):
            logits[fold.validation] = state.logits[epoch - 1]
            logits[fold.spare] = state.spare
        return logits

    @property
    def _target(self) -> Path:
        return self._folder / f"encoder-{self._key[:16]}"

    def _exported(self) -> Heads | None:
        if not self._target.exists():
            return None
        try:
            with np.load(self._target.with_suffix(".npz"), allow_pickle=False) as arrays:
                if str(arrays["key"]) != self._key:
                    return None
                return arrays["coef"], arrays["intercept"], arrays["spare"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def _export(self, weights: Weights) -> Heads:
        """Write the encoder with these weights; the checkpoints need not hold theirs any more."""
        fold_inputs, target = self._inputs, self._target
        fold_inputs.network.put(weights)
        spare = logits_of(fold_inputs, self._orphans, BatchPortions(self._plan.portion))
        heads = fold_inputs.network.heads
        coef = SCALE * heads.weight.detach().double().cpu().numpy()
        intercept = heads.bias.detach().double().cpu().numpy()
        pooled = served(fold_inputs.network, self._plan)
        del self._inputs
        built(
            target,
            lambda folder: export_trained(
                pooled, fold_inputs.card, self._plan.source, folder, progress=self._context.progress
            ),
        )
        with whole_file(target.with_suffix(".npz")) as part, part.open("wb") as file:
            np.savez(file, key=np.array(self._key), coef=coef, intercept=intercept, spare=spare)
        for stale in self._folder.glob("encoder-*"):
            if stale.is_dir() and stale != target:
                shutil.rmtree(stale, ignore_errors=True)
        for checkpoint in map(self._checkpoint, self._folds):
            if (state := checkpoint.read()) is not None:
                checkpoint.write(replace(state, best=None))
        return coef, intercept, spare
