"""The texts on which the model is most surely wrong: where a reader learns more than from any figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from rubricator.dataset.inputs import Inputs
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.models.explanation.explain import explain
from rubricator.models.explanation.words import WordWeight
from rubricator.progress import Progress, silent

_PASSES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionError:
    """One text with at least one wrong decision, as the model saw it.

    `origin` is where its truth comes from; `probability` what the model thought of the `worst` category, that
    of the most surely wrong decision. `words` are those that weigh most for it in the model that serves.
    """

    id: str
    content: str
    origin: str
    truth: tuple[str, ...]
    decided: tuple[str, ...]
    worst: str
    probability: float
    words: tuple[WordWeight, ...] = ()


def worst_errors(scored: ScoredPredictions, keys: Sequence[str], *, count: int) -> list[PredictionError]:
    """At most `count` texts, the most surely wrong first.

    A wrong decision is the surer, the farther its probability lies from the truth (a text without
    the category at 0.98 is worse than one at 0.6); a text ranks by its worst decision, and of each
    group of near-duplicates only the worst text is listed.
    """
    gaps = np.where(scored.truth != scored.decisions, np.abs(scored.truth - scored.probabilities), -1.0)
    columns, worst = gaps.argmax(axis=1), gaps.max(axis=1)
    listed: list[PredictionError] = []
    listed_groups: set[str] = set()
    for row in np.argsort(-worst, kind="stable"):
        if len(listed) == count or worst[row] < 0:
            break
        if scored.groups[row] in listed_groups:
            continue
        listed_groups.add(scored.groups[row])
        listed.append(
            PredictionError(
                id=scored.ids[row],
                content=scored.contents[row],
                origin=str(scored.origins[row]),
                truth=tuple(compress(keys, scored.truth[row])),
                decided=tuple(compress(keys, scored.decisions[row])),
                worst=keys[columns[row]],
                probability=float(scored.probabilities[row, columns[row]]),
            )
        )
    return listed


def explain_errors(
    errors: Sequence[PredictionError],
    model: Model,
    rule: DecisionRule,
    inputs: Inputs,
    *,
    words: int,
    progress: Progress = silent,
) -> list[PredictionError]:
    """The errors with so many words that weigh most for the worst category, by a model that may serve.

    `inputs` are their texts, in the same order. A model that does not add up words reads each text 32 times.
    """
    explained = []
    with progress("Explaining mistakes", total=len(errors)) as done:
        for row, error in enumerate(errors):
            wanted = np.array([[key == error.worst for key in rule.space.keys]])
            text = inputs.subset(np.array([row]))
            (explanation,) = explain(model, rule, text, wanted, words=words, passes=_PASSES)
            explained.append(replace(error, words=explanation.words[error.worst]))
            done(1)
    return explained
