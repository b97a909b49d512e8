"""The texts on which the model is most surely wrong: where a reader learns more than from any figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionError:
    """One text with at least one wrong decision.

    Attributes:
        id: The text's id.
        content: The text as the model saw it.
        origin: Where its truth comes from.
        truth: Keys it has.
        decided: Keys the model gave.
        worst: Key of the most surely wrong decision.
        probability: What the model thought of that category.
    """

    id: str
    content: str
    origin: str
    truth: tuple[str, ...]
    decided: tuple[str, ...]
    worst: str
    probability: float


def worst_errors(scored: ScoredPredictions, keys: Sequence[str], *, count: int) -> list[PredictionError]:
    """The most surely wrong texts first.

    A wrong decision is the surer, the farther its probability lies from the truth (a text without
    the category at 0.98 is worse than one at 0.6); a text ranks by its worst decision, and of each
    group of near-duplicates only the worst text is listed.

    Args:
        scored: The part.
        keys: Category keys, in the order of the columns.
        count: How many to list at most.
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
                truth=tuple(key for key, has in zip(keys, scored.truth[row], strict=True) if has),
                decided=tuple(key for key, has in zip(keys, scored.decisions[row], strict=True) if has),
                worst=keys[columns[row]],
                probability=float(scored.probabilities[row, columns[row]]),
            )
        )
    return listed
