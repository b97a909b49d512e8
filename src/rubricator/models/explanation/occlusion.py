"""What becomes of the logits when a word is left out, for models of any kind.

Zeiler & Fergus, "Visualizing and understanding convolutional networks", 2014; for words: Li, Monroe &
Jurafsky, "Understanding neural networks through representation erasure", 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.dataset.inputs import Features, Inputs
from rubricator.models.base import Model
from rubricator.models.explanation.words import Span
from rubricator.stats.arrays import Bools, Floats

WINDOWS = 32
"""Into how many windows a long text is cut."""
LONGEST = 1024
"""Words of a text that are looked at."""


def occlusion_effects(
    model: Model, inputs: Inputs, spans: Sequence[Sequence[Span]], wanted: Bools, *, passes: int
) -> list[Floats]:
    """By how much the logits of each text fall when a word is left out, [words, categories].

    At most `passes` times a text goes through the model. One of more words is first cut into 32 windows, and
    then words are left out of the windows that weigh most for the categories that are wanted, shape [texts,
    categories]. Words that were not looked at are NaN.
    """
    whole = model.logits(inputs)
    return [
        _Text(model, inputs, row, whole[row]).effects(words[:LONGEST], len(words), wanted[row], passes)
        for row, words in enumerate(spans)
    ]


class _Text:
    """One text with words left out of it."""

    def __init__(self, model: Model, inputs: Inputs, row: int, logits: Floats) -> None:
        self._model = model
        self._inputs = inputs
        self._content: str = inputs.contents[row]
        self._features: Features = inputs.features[row]
        self._logits = logits

    def effects(self, words: Sequence[Span], count: int, wanted: Bools, passes: int) -> Floats:
        """What is lost by each of the first words of all, NaN for those not looked at."""
        result = np.full((count, len(self._logits)), np.nan)
        few = len(words) <= passes
        places = [*range(len(words))] if few else self._promising(words, wanted, passes)
        if places:
            result[places] = self._without([words[place] for place in places])
        return result

    def _promising(self, words: Sequence[Span], wanted: Bools, passes: int) -> list[int]:
        """Words of the windows that weigh most, as many as may be looked at."""
        size = -(-len(words) // min(WINDOWS, passes // 2 or 1))
        windows = [range(len(words))[at : at + size] for at in range(0, len(words), size)]
        lost = self._without([(words[one[0]][0], words[one[-1]][1]) for one in windows])
        order = np.argsort(-np.abs(lost[:, wanted]).max(axis=1, initial=0.0), kind="stable")
        places = [place for window in order.tolist() for place in windows[window]]
        return places[: max(1, passes - len(windows))]

    def _without(self, spans: Sequence[Span]) -> Floats:
        """By how much the logits fall without each of the spans, [spans, categories]."""
        contents = [self._content[:start] + self._content[end:] for start, end in spans]
        variants = self._inputs.with_contents(contents, [self._features] * len(contents))
        return np.asarray(self._logits - self._model.logits(variants))
