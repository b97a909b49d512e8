"""Whether synthetic texts earn their place: arms on the same real validation texts, category by category.

A quick model is trained without them, with class weights, with changes by rule and with texts of a language
model, on several divisions of the same texts into folds. Every arm is judged by the same real texts, which
taught none of the models that judge them. A gain must hold in most samples of groups of texts and of
divisions (paired bootstrap: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rubricator.config import Config, Pays
from rubricator.dataset.augmentation import Arm, Augmentation, CategoryEvidence
from rubricator.dataset.synthetic import Making
from rubricator.dataset.synthetic_examples import SyntheticExamples
from rubricator.dataset.training_data import TrainingData
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Floats, Indices
from rubricator.stats.bootstrap import Estimate, percentile_interval
from rubricator.stats.significance import resample
from rubricator.taxonomy import Taxonomy
from rubricator.train.calibration.rule import cross_decide
from rubricator.train.search.label_weights import fit_proxy, proxy_kind, weak_label_weight
from rubricator.train.search.validation import ValidationSet, make_validation_set, spread_folds
from rubricator.train.synthetic_rows import joining, synthetic_for
from rubricator.train.training_context import TrainingContext

_DRAWS = 500
_MAKINGS: tuple[Making, ...] = ("cheap", "llm")
FEWEST = 5
"""Real texts of a category that must judge: fewer cannot show a gain."""
_SAID: Mapping[Making, str] = {"cheap": "changes by rule", "llm": "texts of the language model"}


@dataclass(frozen=True, slots=True)
class _Figures:
    """F1 [draws, k] and macro-F1 [draws, 1] of an arm on every sample, and on the texts as they are [k]."""

    samples: Floats
    point: Floats

    def estimate(self, column: int) -> Estimate:
        if np.isnan(self.point[column]):
            return Estimate(None)
        low, high = percentile_interval(self.samples[:, column], confidence=0.95)
        return Estimate(float(self.point[column]), low, high)


def weigh(
    data: TrainingData,
    targets: Floats,
    categories: Collection[str],
    *,
    taxonomy: Taxonomy,
    config: Config,
    pays: Pays,
    folder: Path,
    progress: Progress = silent,
) -> Augmentation:
    """Measure every kind of synthetic text for these categories, and say which is kept.

    Args:
        data: All texts, and the synthetic ones that may train.
        targets: Probabilities of labels, shape [texts, categories]; NaN where there is none.
        categories: Keys of those for which synthetic texts were made.
        taxonomy: The categories.
        config: The settings.
        pays: What must be shown.
        folder: Where training keeps what must outlive it.
        progress: Display of long work.
    """
    arms = _Arms(data, targets, taxonomy, config, folder)
    makings = [making for making in _MAKINGS if data.synthetic and making in data.synthetic.making]
    compared: list[Arm] = ["none", "weights", *makings]
    with progress("Weighing synthetic texts", total=pays.seeds * (len(compared) + 1)) as advance:
        figures = {}
        for arm in compared:
            figures[arm] = arms.figures(arm, pays.seeds, chosen=None)
            advance(pays.seeds)
        found = [_evidence(key, arms, figures, makings, pays) for key in taxonomy.keys if key in categories]
        kept = {one.key: one.kept for one in found if one.kept}
        if kept:
            figures["kept"] = arms.figures("kept", pays.seeds, chosen=kept)
            worse = _ahead(figures["none"], figures["kept"], -1) > 0.5
            if worse:
                found = [_given_up(one) for one in found]
        advance(pays.seeds)
    return Augmentation(
        model=arms.kind,
        about=arms.about,
        seeds=pays.seeds,
        confidence=pays.confidence,
        macro_f1={arm: one.estimate(-1) for arm, one in figures.items()},
        categories=tuple(found),
    )


class _Arms:
    """Trains the quick model of each arm on each division of the same texts into folds."""

    def __init__(
        self, data: TrainingData, targets: Floats, taxonomy: Taxonomy, config: Config, folder: Path
    ) -> None:
        labelled = np.isfinite(targets).all(axis=1)
        self.keys = taxonomy.keys
        self._divided: dict[int, Indices] = {}
        self._data, self._config, self._targets = data, config, np.nan_to_num(targets)
        self._own = data.part == "train"
        self._train, self._validation = self._own & labelled, (data.part == "validation") & labelled
        context = TrainingContext.of(config, space=taxonomy.space, folder=folder)
        self._context = replace(context, synthetic=synthetic_for(data, self._own, self._train))
        weight, _ = weak_label_weight(data, self._targets, self._train, self._folds(0), self._context)
        counted = np.where(data.golden, 1.0, weight)
        self._context = replace(
            self._context, synthetic=synthetic_for(data, self._own, self._train & (counted > 0))
        )
        self._everything = replace(data.examples, targets=self._targets, weights=counted)
        self.learning = self._everything.subset(self._train).hardened(taxonomy.space)
        self.kind = proxy_kind(config.train, vectors=data.examples.vectors is not None)
        judges = self._judges(0)
        self.about, self.judging = judges.about, judges.examples
        synthetic = self._context.synthetic
        self.joiners = synthetic and synthetic.subset(joining(synthetic, self.learning, self._folds(0)).rows)

    def _folds(self, seed: int) -> Indices:
        if seed not in self._divided:
            self._divided[seed] = self._divide(seed)
        return self._divided[seed]

    def _divide(self, seed: int) -> Indices:
        config = self._config.model_copy(update={"seed": self._config.seed + seed})
        return spread_folds(self._data, self._targets, self._train, config)

    def _judges(self, seed: int) -> ValidationSet:
        return make_validation_set(
            self._data,
            self._everything,
            train=self._train,
            validation=self._validation,
            folds=self._folds(seed),
            space=self._context.space,
            config=self._config,
        )

    def figures(self, arm: Arm, seeds: int, *, chosen: Mapping[str, Making] | None) -> _Figures:
        """F1 of an arm over all divisions; of `kept` with what is `chosen` for each category."""
        context = self._of(arm, chosen)
        samples, points = [], []
        for seed in range(seeds):
            judges = self._judges(seed)
            fitted = fit_proxy(self.learning, self._folds(seed), context)
            examples = judges.examples
            logits = fitted.model.logits(examples.inputs()) if judges.held_out else fitted.oof_logits
            truth, weights = examples.targets, examples.weights
            _, decisions = cross_decide(logits, truth, weights, judges.folds, space=context.space)
            drawn = resample(
                truth >= 0.5, decisions, examples.groups, weights, draws=_DRAWS, seed=self._config.seed
            )
            samples.append(np.column_stack([drawn.samples["f1"], drawn.samples["macro_f1"]]))
            points.append(np.append(drawn.point["f1"][0], drawn.point["macro_f1"][0]))
        # Which divisions were drawn is a chance like which texts were; all arms share both.
        picks = np.random.default_rng(self._config.seed).integers(seeds, size=(_DRAWS, seeds))
        spread = np.stack(samples)[picks, np.arange(_DRAWS)[:, None]]
        return _Figures(spread.mean(axis=1), np.mean(points, axis=0))

    def _of(self, arm: Arm, chosen: Mapping[str, Making] | None) -> TrainingContext:
        context, synthetic = self._context, self._context.synthetic
        if arm == "weights":
            imbalance = context.settings.imbalance.model_copy(update={"weights": "balanced"})
            settings = context.settings.model_copy(update={"imbalance": imbalance})
            return replace(context, settings=settings, synthetic=None)
        if synthetic is None or arm == "none":
            return replace(context, synthetic=None)
        making = np.array(synthetic.making)
        if chosen is None:
            return replace(context, synthetic=synthetic.subset(making == arm))
        has = synthetic.examples.targets >= 0.5
        wanted = np.array([[chosen.get(key) == one for key in self.keys] for one in synthetic.making])
        return replace(context, synthetic=synthetic.subset((has & wanted).any(axis=1)))


def _evidence(
    key: str, arms: _Arms, figures: Mapping[Arm, _Figures], makings: Sequence[Making], pays: Pays
) -> CategoryEvidence:
    column = arms.keys.index(key)
    judging, learning, joiners = arms.judging, arms.learning, arms.joiners
    pairs: list[tuple[Arm, Arm]] = [("weights", "none"), *((one, "none") for one in makings)]
    pairs += [("llm", "cheap")] if len(makings) > 1 else []
    chances = {f"{new} over {old}": _ahead(figures[new], figures[old], column) for new, old in pairs}
    made = made_for(joiners, column)
    judged = int(((judging.targets[:, column] >= 0.5) & (judging.weights > 0)).sum())
    kept, reason = decide(made, chances, judged=judged, pays=pays)
    return CategoryEvidence(
        key=key,
        real=int(((learning.targets[:, column] >= 0.5) & (learning.weights > 0)).sum()),
        judged=judged,
        made=made,
        f1={arm: one.estimate(column) for arm, one in figures.items()},
        chances=chances,
        kept=kept,
        reason=reason,
    )


def made_for(synthetic: SyntheticExamples | None, column: int) -> dict[Making, int]:
    """How many synthetic texts have the category of that column, by what made them."""
    if synthetic is None:
        return {}
    has = synthetic.examples.targets[:, column] >= 0.5
    return dict(Counter(making for making, one in zip(synthetic.making, has, strict=True) if one))


def decide(
    made: Mapping[Making, int], chances: Mapping[str, float], *, judged: int, pays: Pays
) -> tuple[Making | None, str]:
    """The kind of synthetic text that a category keeps, if any, and why, as a sentence.

    Args:
        made: Texts that may join, by what made them.
        chances: Share of the samples in which one arm is ahead of another, by `llm over none` and the like.
        judged: Real texts of the category that judge.
        pays: What must be shown.
    """
    there = [making for making in reversed(_MAKINGS) if made.get(making)]
    if not there:
        return None, "No synthetic text of it may join what is learnt."
    if judged < FEWEST:
        texts = "1 real text judges" if judged == 1 else f"{judged or 'No'} real texts judge"
        return None, f"{texts} it, and {FEWEST} must, or a gain would be luck: nothing is kept."
    said = []
    for making in there:
        gain = chances[f"{making} over none"]
        words = f"with {_SAID[making]} F1 is higher in {gain:.0%} of the samples"
        if gain < pays.confidence:
            said.append(f"{words}, and {pays.confidence:.0%} are asked for")
            continue
        over = chances.get("llm over cheap") if making == "llm" and made.get("cheap") else None
        if over is not None and over <= 0.5:
            said.append(f"{words}, but no higher than with changes by rule, which cost nothing")
            continue
        beyond = "" if over is None else f", and higher than with changes by rule in {over:.0%}"
        return making, _sentence([*said, f"{words}{beyond}: they are kept"])
    weights = chances.get("weights over none", 0.0)
    hint = ["class weights alone do help: `train.imbalance.weights`"] if weights >= pays.confidence else []
    return None, _sentence([*said, "nothing is kept", *hint])


def _sentence(clauses: Sequence[str]) -> str:
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _given_up(one: CategoryEvidence) -> CategoryEvidence:
    if one.kept is None:
        return one
    reason = f"{one.reason} But all that was kept together lowers macro-F1, so it is not."
    return replace(one, kept=None, reason=reason)


def _ahead(new: _Figures, old: _Figures, column: int) -> float:
    """Share of the samples in which an arm is ahead; equal ones count against it."""
    gain = new.samples[:, column] - old.samples[:, column]
    defined = gain[~np.isnan(gain)]
    return float((defined > 0).mean()) if len(defined) else 0.0
