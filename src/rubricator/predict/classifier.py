"""What a row of the output holds of a text; worked out here, or by several processes at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from rubricator.errors import DataError
from rubricator.predict.predictor import Predictor
from rubricator.records import Prediction, Text

_WORTH_PROCESSES = 8192
_classifier: Classifier | None = None


@dataclass(frozen=True, slots=True)
class Classified:
    """What became of one text: its prediction with the words that weigh most, or why there is none."""

    prediction: Prediction | None
    words: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Classifier:
    """Classifies texts; one that cannot be classified stops nothing.

    Attributes:
        explain: How many words are named for each category of a text.
    """

    predictor: Predictor
    explain: int = 0

    def __call__(self, texts: Sequence[Text]) -> list[Classified]:
        """What becomes of each text."""
        try:
            predictions = self.predictor.predict(texts)
        except DataError as error:
            if len(texts) == 1:
                return [Classified(None, fault=error.problem)]
            middle = len(texts) // 2
            return self(texts[:middle]) + self(texts[middle:])
        if not self.explain:
            return [Classified(one) for one in predictions]
        explanations = self.predictor.explain(texts, words=self.explain, predictions=predictions)
        return [
            Classified(one, str(explanation))
            for one, explanation in zip(predictions, explanations, strict=True)
        ]


class Processes:
    """Several processes that classify, for models whose work is done by one core; a context manager.

    They are started when enough texts have come that it pays.
    """

    def __init__(self, classifier: Classifier, count: int) -> None:
        self._classifier = classifier
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._texts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __call__(self, texts: Sequence[Text]) -> list[Classified]:
        """What becomes of each text.

        Raises:
            DataError: A process was killed.
        """
        self._texts += len(texts)
        if self._count < 2 or self._texts < _WORTH_PROCESSES:
            return self._classifier(texts)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._count,
                # A fork would copy the locks of threads that it does not copy.
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start,
                initargs=(self._classifier,),
            )
        # Default features are a view, which no process can be sent.
        sent = [replace(text, features=dict(text.features)) for text in texts]
        share = -(-len(sent) // self._count)
        parts = [sent[at : at + share] for at in range(0, len(sent), share)]
        try:
            return [one for part in self._pool.map(_classify, parts) for one in part]
        except BrokenProcessPool as error:
            raise DataError(
                "A process that classified texts was killed, perhaps for want of memory.",
                fix="Start again: what is written stays. `--workers 1` takes less memory.",
            ) from error


def _start(classifier: Classifier) -> None:
    global _classifier
    _classifier = classifier
    # The parent hears Ctrl-C and ends its processes; one that was killed could not.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _classify(texts: Sequence[Text]) -> list[Classified]:
    assert _classifier is not None
    return _classifier(texts)
