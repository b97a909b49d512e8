"""Which kind of model wins, by validation alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rubricator.decision import Bools, Floats
from rubricator.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Score:
    """What a candidate reaches on validation.

    Attributes:
        macro_f1: Mean F1 of the categories that validation has; 0 if it has none.
        accuracy: Share of texts whose categories are all right.
        texts: How many texts it stands on.
    """

    macro_f1: float
    accuracy: float
    texts: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The kind that was chosen.

    Attributes:
        name: The kind of model.
        reason: Why, as a sentence.
        scores: What every candidate reached, best first.
    """

    name: str
    reason: str
    scores: Mapping[str, Score]


def score(decisions: Bools, targets: Floats, weights: Floats) -> Score:
    """Measure decisions about validation texts.

    Args:
        decisions: Made by a model and a rule that did not see the text, shape [n, categories].
        targets: In [0, 1], same shape; true from one half upwards.
        weights: Shape [n]; rows of weight 0 say nothing.
    """
    truth = targets >= 0.5
    hits, claimed, real = (
        weights @ matrix for matrix in (decisions & truth, decisions.astype(float), truth.astype(float))
    )
    present = real > 0
    f1 = 2 * hits[present] / (claimed + real)[present]
    total = float(weights.sum())
    exact = float(weights @ (decisions == truth).all(axis=1))
    return Score(
        macro_f1=float(f1.mean()) if len(f1) else 0.0,
        accuracy=exact / total if total else 0.0,
        texts=int((weights > 0).sum()),
    )


def choose(scores: Mapping[str, Score], *, single: bool) -> Choice:
    """The best kind: by macro-F1, single-label by accuracy and then macro-F1; the first of equals.

    Args:
        scores: Score of each candidate, in order of preference.
        single: True if a text has exactly one category.

    Raises:
        TrainingError: There is no candidate.
    """
    if not scores:
        raise TrainingError("No kind of model was trained.", fix="Name at least one in `train.models`.")
    measure = "accuracy" if single else "macro-F1"

    def merit(item: tuple[str, Score]) -> tuple[float, float]:
        return (item[1].accuracy if single else item[1].macro_f1, item[1].macro_f1)

    ranked = sorted(scores.items(), key=merit, reverse=True)
    (name, best), *others = ranked
    reached = f"{measure} {merit(ranked[0])[0]:.3f} on {best.texts} validation texts"
    if not others:
        return Choice(name, f"{name} was the only candidate; it reached {reached}.", dict(ranked))
    rivals = ", ".join(f"{rival} {merit((rival, result))[0]:.3f}" for rival, result in others)
    if merit(ranked[0]) == merit(ranked[1]):
        return Choice(name, f"{name} reached {reached}; {rivals} is no better.", dict(ranked))
    return Choice(name, f"{name} reached {reached}, more than {rivals}.", dict(ranked))
