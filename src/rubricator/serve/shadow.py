"""A second model that answers the same texts in shadow: compared and logged, never returned."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rubricator.errors import DataError
from rubricator.records import Prediction, Text
from rubricator.serve.batcher import ClosedError, QueueFullError
from rubricator.serve.deployments import Deployments
from rubricator.serve.metrics import Metrics

_LOG = logging.getLogger(__name__)


class Shadow:
    """Asks the shadow of the deployments, if there is one, after the client has its answer.

    The shadow has a queue of its own: what does not fit into it is not compared, and counted. With `log`
    every comparison is a line of JSON there: ids, decisions and probabilities of both, no texts.
    """

    def __init__(self, deployments: Deployments, metrics: Metrics, log: Path | None = None) -> None:
        self._deployments, self._metrics, self._log = deployments, metrics, log
        self._tasks: set[asyncio.Task[None]] = set()

    def compare(
        self, request: str, texts: Sequence[Text], answers: Sequence[Prediction], seconds: float
    ) -> None:
        """Begin to compare the answers with those of the shadow."""
        if self._deployments.shadow is None:
            return
        task = asyncio.create_task(self._compare(request, texts, answers, seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for the comparisons that have begun."""
        await asyncio.gather(*self._tasks)

    async def _compare(
        self, request: str, texts: Sequence[Text], answers: Sequence[Prediction], seconds: float
    ) -> None:
        assert self._deployments.shadow is not None
        try:
            async with self._deployments.shadow.held() as shadow:
                shadow.predictor.check(texts)
                others = await shadow.batcher.submit(texts)
        except (QueueFullError, ClosedError):
            self._metrics.dropped.labels("shadow").inc()
        except DataError:
            self._metrics.shadowed.labels("unanswered").inc(len(texts))
        except Exception:  # noqa: BLE001 - the shadow is on trial: what is wrong with it reaches only the log
            _LOG.exception("The shadow failed on request %s", request)
            self._metrics.shadowed.labels("failed").inc(len(texts))
        else:
            lines = [self._line(request, *pair, seconds) for pair in zip(answers, others, strict=True)]
            if self._log is not None:
                await asyncio.to_thread(_append, self._log, "".join(lines))

    def _line(self, request: str, answer: Prediction, other: Prediction, seconds: float) -> str:
        agrees = answer.categories == other.categories
        common = answer.probabilities.keys() & other.probabilities.keys()
        distances = [abs(answer.probabilities[key] - other.probabilities[key]) for key in common]
        self._metrics.shadowed.labels("yes" if agrees else "no").inc()
        if distances:
            self._metrics.shadow_distance.observe(max(distances))
        return (
            json.dumps(
                {
                    "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "request": request,
                    "text": answer.text_id,
                    "seconds": round(seconds, 6),
                    "agrees": agrees,
                    "answered": _told(answer),
                    "shadow": _told(other),
                },
                ensure_ascii=False,
            )
            + "\n"
        )


def _told(prediction: Prediction) -> dict[str, object]:
    return {
        "model": prediction.model,
        "taxonomy_version": prediction.taxonomy_version,
        "labels": list(prediction.categories),
        "probabilities": {key: round(value, 6) for key, value in prediction.probabilities.items()},
    }


def _append(path: Path, lines: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(lines)
    except OSError as error:
        _LOG.warning("The comparison with the shadow cannot be logged in %s: %s", path, error.strerror)
