"""What the new model is worth beside the old one, on the test part of the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from rubricator.dataset.inputs import EncodeTexts
from rubricator.dataset.metrics import PartMetrics
from rubricator.encode import Encoder, load_trained, open_named
from rubricator.errors import RubricatorError
from rubricator.evaluate.comparison.compare import Comparison, compare_runs
from rubricator.evaluate.comparison.runs import EvaluatedRun
from rubricator.evaluate.comparison.verdict import signed
from rubricator.evaluate.metrics.part_metrics import measure
from rubricator.evaluate.metrics.prediction_table import Predictions
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.models.training_files import read_training
from rubricator.pages.formatting import plural, series
from rubricator.pipeline.extension.plan import Extension
from rubricator.pipeline.extension.training import Learnt
from rubricator.pipeline.stage import Run
from rubricator.stats.arrays import Bools, Floats, Indices


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured, and what it says of putting the new model in place.

    Attributes:
        before: Figures of the old categories before; None without texts that it did not learn from.
        after: Figures of all categories now, or of the new ones alone; None without test texts.
        comparison: Old model against new on the categories that both know; None where columns are kept.
        reasons: Why it is safe, or what can be said of it; sentences.
        doubts: Why it is not put in place unasked; sentences.
    """

    before: PartMetrics | None = None
    after: PartMetrics | None = None
    comparison: Comparison | None = None
    reasons: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def measure_extension(plan: Extension, learnt: Learnt, encoders: Mapping[str, Encoder], run: Run) -> Figures:
    """Measure both models on the test part; kept columns are seen to be the same bits.

    Labels that people gave in a way that measures are the truth, elsewhere what the teachers agree on.

    Raises:
        RubricatorError: Probabilities of kept columns changed.
    """
    parts = _Parts(plan, learnt, {name: one.encode for name, one in encoders.items()}, run)
    return parts.compared() if plan.whole else parts.extended()


@dataclass
class _Parts:
    """Both models on the test part."""

    plan: Extension
    learnt: Learnt
    encoders: Mapping[str, EncodeTexts]
    run: Run
    rows: Indices = field(init=False)
    truth: Bools = field(init=False)
    about: str = field(init=False)

    def __post_init__(self) -> None:
        inputs, sources = self.learnt.inputs, self.learnt.inputs.label_set.sources
        self.rows = np.flatnonzero((inputs.data.part == "test") & (inputs.human | inputs.agreed))
        human, decided = sources.human[:, None], inputs.label_set.decided
        self.truth = np.where(human, sources.categories, decided)[self.rows]
        people = int(sources.human[self.rows].sum())
        self.about = (
            f"{len(self.rows):,} texts of the test part, {people:,} labelled by people and the others by "
            "agreement of the teachers"
        )

    def extended(self) -> Figures:
        """Figures of what was joined; those of what is kept are the same before and now."""
        if not len(self.rows):
            return Figures(reasons=("There are no test texts; kept columns are taken over as they are.",))
        plan, keys = self.plan, self.run.taxonomy.keys
        old_rule, stayed = plan.artifact.rule, list(plan.kept.values())
        old = self._said(plan.artifact.model, old_rule)
        now = self._said(self.learnt.served, self.learnt.rule)
        place = [keys.index(key) for key in plan.kept]
        # A softmax adds up in the order of the columns: another order is another last bit.
        reordered = old_rule.space.single and stayed != sorted(stayed)
        if not reordered and not np.array_equal(old[:, stayed], now[:, place]):
            raise RubricatorError("Probabilities of kept categories changed; nothing was written.")
        kept = series([*plan.kept])
        reasons = [f"Probabilities of {kept} are the same to the last bit on {len(self.rows):,} test texts."]
        if self._refitted():  # the columns that are kept have learnt from the test part
            reasons.append("`refit: all` taught kept categories the test part: no figures of theirs here.")
            new = self._measured(plan.new, self._measured_part(), self.learnt.rule) if plan.new else None
            return Figures(after=new, reasons=tuple(reasons))
        before = None
        if place:
            part = self._part(old[:, stayed], old_rule.decide(old)[:, stayed], self.truth[:, place])
            before = self._measure(part, tuple(plan.kept), self._cut(old_rule, stayed, tuple(plan.kept)))
        part = self._part(now, self.learnt.rule.decide(now), self.truth)
        after = self._measured(keys, part, self.learnt.rule)
        return Figures(before, after, reasons=tuple(reasons))

    def compared(self) -> Figures:
        """The model that learnt everything anew against the old one, category by category."""
        plan, keys = self.plan, self.run.taxonomy.keys
        if not len(self.rows):
            return Figures(doubts=("There are no test texts: nobody can tell whether it is worse.",))
        new = self._measured_part()
        after = self._measured(keys, new, self.learnt.rule)
        if (old_model := self._old_measured()) is None:
            why = (
                "The old model was trained on the test part, too (`refit: all`), and the one that was "
                "measured is gone: they cannot be compared."
            )
            return Figures(after=after, doubts=(why,))
        if not plan.kept:
            why = "No category means what it meant: there is nothing to compare."
            return Figures(after=after, doubts=(why,))
        rule, stayed, kept = plan.artifact.rule, list(plan.kept.values()), tuple(plan.kept)
        own = self._trained_encoders(old_model)
        old = self._said(old_model, rule, {**self.encoders, **own})
        place = [keys.index(key) for key in kept]
        part = self._part(old[:, stayed], rule.decide(old)[:, stayed], self.truth[:, place])
        before = self._measure(part, kept, self._cut(rule, stayed, kept))
        comparison = compare_runs(
            [
                self._evaluated("the old model", plan.artifact.manifest.kind, part, kept),
                self._evaluated("the new model", self.learnt.kind, new, keys),
            ]
        )
        return Figures(before, after, comparison, *_judged(comparison))

    def _evaluated(
        self, name: str, kind: str, part: ScoredPredictions, keys: tuple[str, ...]
    ) -> EvaluatedRun:
        titles = {key: self.run.taxonomy[key].title for key in keys}
        return EvaluatedRun(name, kind, Predictions((part,), titles, self.learnt.rule.space.subset(keys)))

    def _said(
        self, model: Model, rule: DecisionRule, encoders: Mapping[str, EncodeTexts] | None = None
    ) -> Floats:
        examples = self.learnt.inputs.data.examples.subset(self.rows)
        return rule.probabilities(model.logits(examples.inputs(encoders or self.encoders)))

    def _measured_part(self) -> ScoredPredictions:
        rule = self.learnt.rule
        now = self._said(self.learnt.measured, rule)
        return self._part(now, rule.decide(now), self.truth)

    def _part(self, probabilities: Floats, decisions: Bools, truth: Bools) -> ScoredPredictions:
        return self.learnt.inputs.part("test", self.about, self.rows, truth, (probabilities, decisions))

    def _measured(self, keys: tuple[str, ...], part: ScoredPredictions, rule: DecisionRule) -> PartMetrics:
        if keys == rule.space.keys:
            return self._measure(part, keys, rule)
        columns = [rule.space.keys.index(key) for key in keys]
        cut = {name: getattr(part, name)[:, columns] for name in ("truth", "probabilities", "decisions")}
        return self._measure(replace(part, **cut), keys, self._cut(rule, columns, keys))

    def _measure(self, part: ScoredPredictions, keys: tuple[str, ...], rule: DecisionRule) -> PartMetrics:
        config = self.run.config
        return measure(part, keys, rule=rule, bootstrap=config.evaluate.bootstrap, seed=config.seed)

    def _cut(self, rule: DecisionRule, columns: list[int], keys: tuple[str, ...]) -> DecisionRule:
        space = self.learnt.rule.space.subset(keys)
        return DecisionRule(space, rule.slope[columns], rule.intercept[columns], rule.threshold[columns])

    def _refitted(self) -> bool:
        return self.run.config.train.refit == "all"

    def _old_measured(self) -> Model | None:
        """The old model as it was measured: that of the artifact, unless it has learnt from test since."""
        if not self._refitted():
            return self.plan.artifact.model
        try:
            trained, _ = read_training(self.run.folder)
        except (RubricatorError, OSError):
            return None
        rule, old = trained.rules[trained.choice.name], self.plan.artifact.rule
        numbers = ("slope", "intercept", "threshold")
        same = all(np.array_equal(getattr(rule, name), getattr(old, name)) for name in numbers)
        return trained.winner if same else None

    def _trained_encoders(self, model: Model) -> dict[str, EncodeTexts]:
        return {
            name: load_trained(self.plan.artifact.encoder_folder(name), self.run.config.encoding).encode
            for name in model.encoders
            if name not in self.run.config.encodings
        }


def open_encoders(plan: Extension, learnt: Learnt, run: Run) -> dict[str, Encoder]:
    """The encoders of the new model; those of kept columns are seen to be the ones they were trained with.

    Raises:
        RubricatorError: Another encoder goes by the name now.
        EncoderError: One cannot be had.
    """
    artifact, settings = plan.artifact, run.config.encodings
    own = {name: artifact.encoder_folder(name) for name in artifact.model.encoders if name not in settings}
    encoders = open_named(
        learnt.served.encoders, own | dict(learnt.encoders), run.config, progress=run.progress
    )
    for name, facts in artifact.manifest.encoders.items():
        if plan.whole or name not in encoders:
            continue
        if json.loads(json.dumps(dict(encoders[name].describe()))) != facts:
            raise RubricatorError(
                f"The encoder '{name}' is not the one that the artifact was trained with.",
                fix="Set `encode` as it was, or run `rubricator run`.",
            )
    return encoders


def _judged(comparison: Comparison) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Why the new model may take the place of the old one, and why not."""
    against = comparison.new[0]
    worse = [key for key, f1 in against.f1.items() if f1.beyond_chance and (f1.change.value or 0) < 0]
    overall = [one for one in against.figures.values() if one.beyond_chance and (one.change.value or 0) < 0]
    doubts = []
    if worse:
        doubts.append(f"F1 is surely worse for {series(worse)}.")
    if overall:
        doubts.append("The model as a whole is surely worse.")
    if doubts:
        return (), tuple(doubts)
    # Nothing beyond chance is not yet nothing: how much may be lost unseen is told.
    lows = {key: f1.change.low for key, f1 in against.f1.items() if f1.change.low is not None}
    reasons = [f"No category is surely worse on {plural(comparison.texts, 'text')}."]
    if losing := [key for key, low in lows.items() if low < 0]:
        key = min(losing, key=lambda one: lows[one])
        reasons.append(
            f"What they cannot rule out is {signed(lows[key])} F1 for {key}; more labelled ones would tell."
        )
    if unknown := [key for key in against.f1 if key not in lows]:
        reasons.append(f"Nothing is known of {series(unknown)}: no test text has it, or none was given it.")
    return tuple(reasons), ()
