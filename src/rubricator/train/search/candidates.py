"""The models that compete: each kind fitted on the same examples and evaluated on the same texts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, cast

import numpy as np

from rubricator.config import KINDS, Kind, Train
from rubricator.dataset.examples import Examples
from rubricator.encode import open_trained
from rubricator.errors import EncoderError, MissingExtraError, RubricatorError, TrainingError
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.training_result import Choice
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.search.finished import Finished, FinishedCandidates
from rubricator.train.search.hyperparameters import tuned
from rubricator.train.search.pseudo_labels import QUICK, fit_with_pseudo_labels
from rubricator.train.search.validation import ValidationResult, ValidationSet
from rubricator.train.selection import choose, metric_of
from rubricator.train.time_limit import EarlyStoppedError
from rubricator.train.trainers import fit
from rubricator.train.training_context import FitResult, TrainingContext

log = logging.getLogger(__name__)

ENSEMBLE = "ensemble"
WITHOUT_VECTORS: tuple[Kind, ...] = ("linear", "static")
_COSTLY: tuple[Kind, ...] = ("finetune", "lora")
# Shares of the samples of validation: ahead by half a standard error, and by a whole one.
_LIKELY, _SURE = 0.69, 0.84
_DAY = 86_400.0  # seconds
_SURELY_WORSE = 2.0  # standard errors below the best so far, after which a model is not trained on


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that was trained."""

    fitted: FitResult  # the model, and what is to be told of it
    logits: Floats  # of the validation texts, by models that did not learn from them
    validated: ValidationResult  # its rule, its score and its decisions there
    seconds: float


class ModelSearch:
    """Candidates trained one after the other, cheapest first, until all ran or the time is up.

    Each learns from labelled texts in the same grouped `folds`; unlabelled ones may get pseudo-labels.
    """

    def __init__(
        self,
        learning: Examples,
        unlabelled: Examples,
        folds: Indices,
        validation_set: ValidationSet,
        context: TrainingContext,
    ) -> None:
        self._learning, self._unlabelled = learning, unlabelled
        self._folds, self._validation_set, self._context = folds, validation_set, context
        self._metric = metric_of(context.settings.metric, context.space)
        self._limit = context.limit
        self._finished = FinishedCandidates(learning, validation_set.examples, folds, context)
        self.candidates: dict[str, Candidate] = {}  # in the order in which they were trained
        self.dropped: dict[str, str] = {}  # why a kind that was thought of did not finish

    def run(self) -> Choice:
        """Train what the settings name, or whatever may win; the best is chosen.

        The first kind, the cheapest of `auto`, takes what it takes: there must be a model. Others are
        dropped once they could not be done within the minutes.

        Raises:
            TrainingError: A kind that was named cannot be trained, or none could.
        """
        settings = self._context.settings
        if settings.models == "auto":
            self._run_auto(suitable(self._learning))
        else:
            self._run_named(settings.models)
        if not self.candidates:
            raise TrainingError(
                "No kind of model was trained: "
                + "; ".join(f"{kind}: {reason}" for kind, reason in self.dropped.items()),
                fix="Mend one of these, or raise `train.minutes`.",
            )
        if settings.tune:
            self._tune(cast(Kind, self.choice().name))
        if settings.pseudo_labels is not None and len(self._unlabelled):
            self._learn_more(cast(Kind, self.choice().name))
        if settings.ensemble and len(self.candidates) > 1:
            self._add_ensemble()
        return self.choice()

    def choice(self) -> Choice:
        """The best candidate so far, unless its lead over one that is preferred to it may be chance."""
        scores = {name: candidate.validated.score for name, candidate in self.candidates.items()}
        return choose(scores, metric=self._metric, unproven=self._unproven())

    def _unproven(self) -> set[str]:
        best, passed = "", set[str]()
        for lead, group in groupby(sorted(self.candidates, key=self._lead), key=self._lead):
            names = list(group)
            first = max(names, key=self._merit)
            if not best or self._ahead(first, best) >= lead:
                best = first
            else:
                passed |= {name for name in names if self._merit(name) >= self._merit(best)}
        return passed

    def _lead(self, name: str) -> float:
        """In what share of samples a candidate must be ahead of those of which less is asked.

        A mean of the models that validation has judged is better than they are, so others must be ahead of
        it by more than a trifle; two models together take as long as both, so their gain must be sure.
        """
        if name == ENSEMBLE:
            return _SURE
        return 0.0 if self.candidates[name].fitted.averaged and not self._validation_set.held_out else _LIKELY

    def _merit(self, name: str) -> tuple[float, float]:
        return self.candidates[name].validated.score.merit(self._metric)

    def _ahead(self, name: str, other: str) -> float:
        """In what share of samples of validation one candidate is better than another."""
        one, two = (self.candidates[each].validated for each in (name, other))
        return self._validation_set.chance_of_gain(one, two, self._metric)

    def train(self, kind: Kind, context: TrainingContext | None = None) -> Candidate:
        """Train one kind, with the settings of another context where one is given."""
        context = context or self._context
        started = time.monotonic()
        fitted = fit(kind, self._learning, folds=self._folds, context=context)
        logits = fitted.oof_logits
        if self._validation_set.held_out:
            encoders = open_trained(fitted.encoders, context.encode)
            logits = fitted.model.logits(self._validation_set.examples.inputs(encoders))
        return self._evaluated(kind, Finished(fitted, logits, time.monotonic() - started))

    def _evaluated(self, kind: str, finished: Finished) -> Candidate:
        validated = self._validation_set.evaluate(finished.logits)
        merit = validated.score.merit(self._metric)[0]
        log.info("%s: %s %.3f on validation, %.0f s", kind, self._metric, merit, finished.seconds)
        return Candidate(finished.fitted, finished.logits, validated, finished.seconds)

    def _run_named(self, kinds: Sequence[Kind]) -> None:
        for kind in kinds:
            try:
                self._compete(kind, self._context)
            except EarlyStoppedError as error:
                self.dropped[kind] = error.problem

    def _run_auto(self, kinds: Iterable[Kind]) -> None:
        for kind in kinds:
            try:
                self._compete(kind, replace(self._context, should_continue=self._watch(kind)))
            except EarlyStoppedError as error:
                self.dropped.setdefault(kind, error.problem)
            except MissingExtraError as error:
                self.dropped[kind] = error.problem
            except RubricatorError as error:  # an encoder that cannot be had ends its kind, not the others
                self.dropped[kind] = f"could not be trained: {error.problem}"
            if kind in self.dropped:
                log.info("%s: %s", kind, self.dropped[kind])

    def _compete(self, kind: Kind, context: TrainingContext) -> None:
        """Train a kind, within the minutes unless it is the first, or take it as it was left by a kill."""
        keep = is_costly(self._context.settings)
        finished = self._finished.read(kind) if keep else None
        if finished is not None:
            self.candidates[kind] = self._evaluated(kind, finished)
            return
        if self.candidates:
            if self._limit.left() <= 0:
                raise EarlyStoppedError("not tried: the minutes were up")
            context = replace(context, progress=self._limit.bound(context.progress))
        candidate = self.candidates[kind] = self.train(kind, context)
        if keep:
            self._finished.write(kind, Finished(candidate.fitted, candidate.logits, candidate.seconds))

    def _watch(self, kind: Kind) -> Any:
        """The `should_continue` of one kind: enough time for the folds to come, and not surely worse."""
        started, folds = time.monotonic(), len(np.unique(self._folds))

        def should_continue(logits: Floats, rows: Bools) -> bool:
            done = len(np.unique(self._folds[rows]))
            coming = (time.monotonic() - started) / max(done, 1) * (folds - done)
            if self.candidates and done < folds and coming > self._limit.left():
                self.dropped[kind] = f"stopped after {done} of {folds} folds: the minutes would not suffice"
                return False
            if not self._validation_set.held_out and self._worse(logits, rows):
                self.dropped[kind] = f"stopped after {done} of {folds} folds: it could not win any more"
                return False
            return True

        return should_continue

    def _worse(self, logits: Floats, rows: Bools) -> bool:
        """Whether a model is surely worse than the best so far on the validation texts it has predicted."""
        judged = rows & (self._validation_set.examples.weights > 0)
        if not self.candidates or judged.sum() < 2:
            return False
        best = self.candidates[max(self.candidates, key=self._merit)]
        gain = self._rightness(logits, judged) - self._rightness(best.logits, judged)
        return bool(gain.mean() + _SURELY_WORSE * gain.std() / np.sqrt(len(gain)) < 0)

    def _rightness(self, logits: Floats, rows: Bools) -> Floats:
        """Share of categories that each text was given rightly, by a rule fitted on these texts."""
        z, truth = logits[rows], self._validation_set.examples.targets[rows]
        validation = self._validation_set
        weights = validation.examples.weights[rows]
        rule = fit_rule(z, truth, weights, space=validation.space, thresholds=validation.thresholds)
        right = rule.decide(rule.probabilities(z)) == (truth >= 0.5)
        reduce = np.all if self._context.space.single else np.mean
        return np.asarray(reduce(right, axis=1), dtype=np.float64)

    def _tune(self, kind: Kind) -> None:
        trials: list[tuple[Train, Candidate]] = []
        started = time.monotonic()
        settings = self._context.settings
        context = replace(self._context, progress=self._limit.bound(self._context.progress))
        with self._context.progress("Tuning", total=settings.tune) as advance:

            def merit(proposed: Train) -> float:
                try:
                    candidate = self.train(kind, replace(context, settings=proposed))
                except (EncoderError, TrainingError) as error:
                    raise ValueError(error.problem) from error
                finally:
                    advance(1)
                trials.append((proposed, candidate))
                return candidate.validated.score.merit(self._metric)[0]

            best, value, tried = tuned(
                kind,
                settings,
                merit,
                trials=settings.tune,
                seconds=max(min(self._limit.left(), _DAY), 0.0),
                seed=self._context.seed,
            )
        before = self._merit(kind)[0]
        summary = f"{tried} settings tried, the best reached {value:.3f} on validation"
        if value <= before:
            self.dropped[f"{kind}, tuned"] = f"{summary}, no more than the {before:.3f} of the present ones"
            return
        # Whatever is still to be made of this kind is made with its new settings.
        self._context = replace(self._context, settings=best)
        won = next(candidate for proposed, candidate in trials if proposed is best)
        changed = best.model_dump(mode="json", exclude_defaults=True)
        self._replace(kind, won, time.monotonic() - started, {"tuned": summary, "settings": changed})

    def _learn_more(self, kind: Kind) -> None:
        name = f"{kind} with pseudo-labels"
        if not self._validation_set.held_out and kind not in QUICK:
            self.dropped[name] = "not tried: it would be trained twice for every fold of validation"
            return
        started = time.monotonic()
        first = self.candidates[kind].fitted
        context = replace(self._context, progress=self._limit.bound(self._context.progress))
        try:
            fitted, logits, joined = fit_with_pseudo_labels(
                kind, first, self._learning, self._unlabelled, self._folds, self._validation_set, context
            )
        except EarlyStoppedError as error:
            self.dropped[name] = error.problem
            return
        validated = self._validation_set.evaluate(logits)
        value, before = validated.score.merit(self._metric)[0], self._merit(kind)[0]
        summary = f"{joined} of {len(self._unlabelled)} texts without a label joined training"
        if not joined or value <= before:
            summary += f": {value:.3f} on validation, no more than {before:.3f} without them"
            self.dropped[name] = summary
            return
        candidate = Candidate(fitted, logits, validated, 0.0)
        self._replace(kind, candidate, time.monotonic() - started, {"pseudo_labels": summary})

    def _replace(self, kind: Kind, candidate: Candidate, seconds: float, facts: Mapping[str, Any]) -> None:
        fitted = replace(candidate.fitted, facts={**candidate.fitted.facts, **facts})
        spent = self.candidates[kind].seconds + seconds
        self.candidates[kind] = replace(candidate, fitted=fitted, seconds=spent)

    def _add_ensemble(self) -> None:
        """The best one with whichever other it gains most from, as one more candidate.

        The second best need not be that one: a cascade without rules says what its model says. It is the
        first step of Caruana et al., "Ensemble selection from libraries of models", ICML 2004.
        """
        best, *others = self.choice().scores
        # A model that says what the best one says, as a cascade without rules does, is no second opinion.
        pairs = [
            average({name: self.candidates[name] for name in (best, other)}, self._validation_set)
            for other in others
            if not np.allclose(self.candidates[other].logits, self.candidates[best].logits)
        ]
        if pairs:
            self.candidates[ENSEMBLE] = max(pairs, key=lambda pair: pair.validated.score.merit(self._metric))


def suitable(learning: Examples) -> Iterable[Kind]:
    """The kinds that fit the data, cheapest first; without vectors, those that need none."""
    if learning.vectors is None:
        return WITHOUT_VECTORS
    has_features = any(value is not None for row in learning.features for value in row.values())
    return [kind for kind in KINDS if kind != "hybrid" or has_features]


def is_costly(settings: Train) -> bool:
    """Whether a candidate may take so long that the whole training is not done once more per golden fold."""
    named = () if settings.models == "auto" else settings.models
    return settings.time_limit is not None or settings.tune > 0 or any(kind in _COSTLY for kind in named)


def average(members: Mapping[str, Candidate], validation_set: ValidationSet) -> Candidate:
    """The mean of several models' calibrated logits.

    Each is brought to scale by its own calibration, of two numbers a category at most, so that what the
    validation says of the mean is hardly less honest than what it says of one.
    """
    candidates = list(members.values())
    model = EnsembleModel.mean_of(
        [one.fitted.model for one in candidates], [one.validated.rule for one in candidates]
    )
    logits = model.blend([one.logits for one in candidates])
    fitted = FitResult(
        model=model,
        oof_logits=model.blend([one.fitted.oof_logits for one in candidates]),
        notes=candidates[0].fitted.notes,
        encoders={name: path for one in candidates for name, path in one.fitted.encoders.items()},
        facts={"members": list(members)},
    )
    return Candidate(fitted, logits, validation_set.evaluate(logits), sum(one.seconds for one in candidates))
