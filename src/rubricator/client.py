"""A service called from Python: predictions as records, and patience with a busy server."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, stop_after_delay

from rubricator.errors import ServiceError
from rubricator.models.explanation.words import Explanation, WordWeight
from rubricator.records import Prediction, Text

_BUSY = (429, 503)
_LONGEST_PAUSE = 30.0


class Client:
    """Asks a service that `rubricator serve` started.

    Answers of a busy server (429, 503) are asked for again after the seconds that it names.

    Example:
        >>> with Client("http://127.0.0.1:8000") as client:  # doctest: +SKIP
        ...     client.classify(["Матч отменён"])[0].categories
        ('sport',)

    Args:
        address: Of the service.
        key: Where it asks for one.
        seconds: After which an answer is of no use any more; the server stops working on it, too.
        attempts: How often a busy server is asked.
    """

    def __init__(
        self, address: str, *, key: str | None = None, seconds: float = 60.0, attempts: int = 5
    ) -> None:
        headers = {"X-Timeout-Seconds": f"{seconds:g}"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._http = httpx.Client(base_url=address, headers=headers, timeout=seconds)
        self._seconds, self._attempts = seconds, attempts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def classify(
        self,
        texts: Sequence[Text | str],
        *,
        thresholds: float | Mapping[str, float] | None = None,
        top_k: int | None = None,
        split_key: str | None = None,
    ) -> list[Prediction]:
        """Predictions in the order of the texts; a plain string is a body.

        With `thresholds` decisions are made by these, with `top_k` only the largest probabilities come
        back, and the same `split_key` is answered by the same model.

        Raises:
            ServiceError: The service cannot be reached, refuses the texts, or stays busy.
        """
        body: dict[str, Any] = {}
        if thresholds is not None:
            body["thresholds"] = dict(thresholds) if isinstance(thresholds, Mapping) else thresholds
        if top_k is not None:
            body["top_k"] = top_k
        answer = self._classified(texts, body, split_key)
        return [
            Prediction(
                text_id=one["id"],
                categories=tuple(one["labels"]),
                probabilities=one["probabilities"],
                model=answer["model"],
                taxonomy_version=answer["taxonomy_version"],
                route=one.get("route") or "",
            )
            for one in answer["predictions"]
        ]

    def explain(
        self, texts: Sequence[Text | str], *, words: int = 10, split_key: str | None = None
    ) -> list[Explanation]:
        """The words of each text that weigh most for each of its categories, in the order of the texts.

        Raises:
            ServiceError: The service cannot be reached, refuses the texts, or stays busy.
        """
        answer = self._classified(texts, {"explain": words}, split_key)
        explanations = [one["explanation"] for one in answer["predictions"]]
        return [
            Explanation(
                one["text"],
                {key: tuple(WordWeight(**word) for word in chosen) for key, chosen in one["words"].items()},
            )
            for one in explanations
        ]

    def _classified(
        self, texts: Sequence[Text | str], wishes: Mapping[str, Any], split_key: str | None
    ) -> dict[str, Any]:
        if isinstance(texts, str):
            raise ServiceError(
                "One text was given where a list of them belongs.", fix="Write classify([text])."
            )
        if not texts:
            return {"predictions": []}
        body = {"texts": [_written(text) for text in texts], **wishes}
        headers = {} if split_key is None else {"X-Split-Key": split_key}
        return self._asked("POST", "/v1/classify", json=body, headers=headers)

    def model(self) -> Mapping[str, Any]:
        """What the service says of its model: `model`, `taxonomy_version`, `categories` and its limits.

        Raises:
            ServiceError: The service cannot be reached, or refuses.
        """
        return self._asked("GET", "/v1/model")

    def _asked(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        asking = Retrying(
            retry=retry_if_result(lambda answer: answer.status_code in _BUSY),
            wait=_pause,
            stop=stop_after_attempt(self._attempts) | stop_after_delay(self._seconds),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
            sleep=time.sleep,
        )
        try:
            response: httpx.Response = asking(self._http.request, method, path, **content)
        except httpx.HTTPError as error:
            raise ServiceError(
                f"The service {self._http.base_url} does not answer: {error or type(error).__name__}.",
                fix="Check the address, and whether `rubricator serve` runs there.",
            ) from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not response.is_success or not isinstance(answer, dict):
            detail = answer.get("detail", "") if isinstance(answer, dict) else "it is no JSON"
            raise ServiceError(
                f"The service {self._http.base_url} answered {response.status_code}: {detail}".strip(),
                fix="Correct the request, or try later.",
            )
        return answer


def _pause(state: RetryCallState) -> float:
    assert state.outcome is not None
    named = state.outcome.result().headers.get("Retry-After", "")
    return min(float(named) if named.isdecimal() else 1.0, _LONGEST_PAUSE)


def _written(text: Text | str) -> dict[str, Any] | str:
    if isinstance(text, str):
        return text
    written: dict[str, Any] = {"id": text.id, "title": text.title, "body": text.body}
    return written | ({"features": dict(text.features)} if text.features else {})
