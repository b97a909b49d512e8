"""Explanations for requests: one text at a time, so that those who only want categories do not wait long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from rubricator.models.explanation.words import Explanation
from rubricator.predict import Predictor
from rubricator.records import Prediction, Text
from rubricator.serve.batcher import QueueFullError

_MEMORY = 0.8  # of the seconds a text took so far, when another is done


class Explainer:
    """Explains texts of many requests, one after the other; at most so many may wait.

    A model that does not add up words reads a text some dozens of times for its explanation. In between other
    requests have the model.
    """

    def __init__(self, predictor: Predictor, *, most: int) -> None:
        self._predictor = predictor
        self._most = most
        self._waiting = 0
        self._seconds = 0.0
        self._turn = asyncio.Lock()

    async def explain(
        self, texts: Sequence[Text], predictions: Sequence[Prediction], *, words: int
    ) -> list[Explanation]:
        """At most so many words for each category of each prediction; given up between texts when cancelled.

        Raises:
            QueueFullError: Too many texts wait already.
        """
        if self._waiting and self._waiting + len(texts) > self._most:
            raise QueueFullError(self._waiting * self._seconds or 1.0)
        left = len(texts)
        self._waiting += left
        try:
            explanations = []
            for text, prediction in zip(texts, predictions, strict=True):
                async with self._turn:
                    explanations.append(await asyncio.to_thread(self._one, text, prediction, words))
                self._waiting -= 1
                left -= 1
            return explanations
        finally:
            self._waiting -= left

    def _one(self, text: Text, prediction: Prediction, words: int) -> Explanation:
        started = time.perf_counter()
        (explanation,) = self._predictor.explain([text], words=words, predictions=[prediction])
        seconds = time.perf_counter() - started
        self._seconds = _MEMORY * self._seconds + (1 - _MEMORY) * seconds if self._seconds else seconds
        return explanation
