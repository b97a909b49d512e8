"""Which rules are admitted, and how strong a condition must be to be on the list of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from rubricator.config import Cascade
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.train.kinds.cascade.precision_posterior import PrecisionPosterior

STRENGTHS = (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97)
"""How strong conditions must be: what is tried. Few values, for each try is a chance to be lucky."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Texts that rules are measured on."""

    logits: Floats  # the model's, calibrated, of texts it did not see, [n, categories]
    targets: Floats  # in [0, 1], same shape
    weights: Floats  # [n]
    space: LabelSpace

    def subset(self, rows: Bools) -> Evidence:
        """Only these rows."""
        return Evidence(self.logits[rows], self.targets[rows], self.weights[rows], self.space)

    def counts(self, taken: Bools, category: Indices) -> tuple[Floats, Floats]:
        """On how many texts each rule is right, and how many it takes.

        `taken` says which rule takes which text, shape [n, rules], and `category` what each rule gives.
        """
        return self.weights @ (taken * self.targets[:, category]), self.weights @ taken

    def duels(self, taken: Bools, category: Indices) -> tuple[Floats, Floats]:
        """Texts on which each rule is right and the model is not, and the other way round."""
        if self.space.single:
            predicted = self.logits.argmax(axis=1)
            differs = taken & (predicted[:, None] != category)
            model = self.targets[np.arange(len(predicted)), predicted][:, None]
        else:
            differs = taken & (self.logits[:, category] < 0)
            model = 1 - self.targets[:, category]
        return self.weights @ (differs * self.targets[:, category]), self.weights @ (differs * model)


@dataclass(frozen=True, slots=True)
class SelectedRules:
    """Rules that may be, all of them; those not admitted have infinite strength."""

    strength: Floats  # how strong a condition must be to be on the list of the rule, [rules]
    right: Floats  # texts on which the rule so made is right, [rules]
    taken: Floats  # texts it takes, [rules]
    precision: Floats  # expected share of texts on which it is right, [rules]

    @property
    def order(self) -> Indices:
        """The admitted rules, most precise first."""
        places = np.flatnonzero(np.isfinite(self.strength))
        return np.asarray(places[np.argsort(-self.precision[places], kind="stable")])


def select_rules(strengths: Sequence[Floats], evidence: Evidence, settings: Cascade) -> SelectedRules:
    """Admit the rules that prove themselves, each with as many conditions as it can bear.

    Every source of conditions has one possible rule per category. Rules of one source are judged
    together: mined ones say nothing of how far people's keywords can be trusted. `strengths` are, by source,
    those of the strongest condition for each category that holds of each text, by conditions mined without
    the text, shape [n, categories].
    """
    parts = [astuple(_select(source, evidence, settings)) for source in strengths]
    return SelectedRules(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _select(strengths: Floats, evidence: Evidence, settings: Cascade) -> SelectedRules:
    count = strengths.shape[1]
    category = np.arange(count)
    selected, gain = SelectedRules(np.full(count, np.inf), *np.zeros((3, count))), np.zeros(count)
    for strength in STRENGTHS:
        matched = strengths >= strength
        right, taken = evidence.counts(matched, category)
        some = np.flatnonzero(taken > 0)
        if not len(some):
            break
        posterior = PrecisionPosterior(right[some], taken[some])
        if settings.precision == "auto":
            wins, losses = (values[some] for values in evidence.duels(matched, category))
            chance = PrecisionPosterior(wins, wins + losses).chance(0.5)
            worth = wins - losses
        else:
            chance, worth = posterior.chance(settings.precision), taken[some]
        better = (chance >= settings.confidence) & (worth > gain[some])
        at = some[better]
        gain[at], selected.strength[at] = worth[better], strength
        selected.right[at], selected.taken[at] = right[at], taken[at]
        selected.precision[at] = posterior.mean()[better]
    return selected
