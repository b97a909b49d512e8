"""`POST /v1/feedback`: what editors decide becomes reviews."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Response

from rubricator.records import Text
from rubricator.review.feedback import Decision, RepeatedKeyError, store_decision
from rubricator.serve.deployments import Deployments
from rubricator.serve.event_schemas import FeedbackRequest, FeedbackStored
from rubricator.serve.limits import ServeSettings
from rubricator.serve.problems import problems
from rubricator.serve.store_thread import StoreThread
from rubricator.store import Store
from rubricator.taxonomy.versions import History

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\w.:-]{1,200}$",
        description="Of this decision alone: sent again with it, it is stored once.",
    ),
]


class FeedbackStore:
    """The database of decisions."""

    def __init__(self, place: str | Path, categories: Path | None = None) -> None:
        self._categories = categories
        self._thread = StoreThread(place, name="feedback")

    async def save(self, make: Callable[[], Decision], key: str, deployments: Deployments) -> bool:
        """Store the decision that `make` reads (see `store_decision`).

        Raises:
            HTTPException: 503 where the database refuses, or too many wait for it.
            DataError: The decision does not fit the categories.
        """
        taxonomy = deployments.champion.predictor.taxonomy

        def work(store: Store) -> bool:
            history = None if self._categories is None else History.beside(self._categories)
            return store_decision(store, make(), key, taxonomy, history)

        return await self._thread.run(work)

    def close(self) -> None:
        """Wait for what is being written, and let go of the database."""
        self._thread.close()


def add_feedback(
    app: FastAPI, deployments: Deployments, settings: ServeSettings, feedback: FeedbackStore
) -> None:
    """Add the path that takes decisions."""

    @app.post("/v1/feedback", tags=["feedback"], responses=problems(400, 401, 409, 413, 422, 429, 503))
    async def decide(sent: FeedbackRequest, key: IdempotencyKey, response: Response) -> FeedbackStored:
        """Store what an editor decided on a text; 201 if it is new."""
        if sent.shown == "suggested" and sent.predicted is None:
            raise HTTPException(422, "A suggestion was shown: `predicted` must say which.")
        if len(sent.title) + len(sent.body) > deployments.champion.max_characters:
            raise HTTPException(422, f"The text is longer than {deployments.champion.max_characters:,}.")
        try:
            stored = await feedback.save(lambda: _decision(sent, deployments, settings), key, deployments)
        except RepeatedKeyError as error:
            raise HTTPException(409, f"{error.problem} {error.fix}") from error
        response.status_code = 201 if stored else 200
        return FeedbackStored(stored=stored)


def _decision(sent: FeedbackRequest, deployments: Deployments, settings: ServeSettings) -> Decision:
    predictor = deployments.champion.predictor
    text = Text(id=str(sent.id), title=sent.title, body=sent.body, source=sent.source)
    (cleaned,) = predictor.clean([text], seconds=settings.max_clean_seconds)
    if not cleaned.content.strip():
        raise HTTPException(422, "The text is empty: send its title, its body or both.")
    current = predictor.manifest.taxonomy_version
    return Decision(
        text_id=text.id,
        content=cleaned.content,
        editor=sent.editor,
        categories=tuple(sent.categories),
        predicted=None if sent.predicted is None else tuple(sent.predicted),
        shown=sent.shown,
        chosen=sent.chosen,
        model=sent.model or predictor.manifest.identifier,
        # A prediction may name the list by number and hash; the model itself knows the hash alone.
        taxonomy=predictor.taxonomy.version if sent.taxonomy_version == current else sent.taxonomy_version,
        source=sent.source,
        seconds=sent.seconds,
        single=predictor.taxonomy.single,
    )
