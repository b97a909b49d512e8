"""The teacher that repeats answers generated elsewhere: by a batch service, by another team."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass

from rubricator.dataset.annotations import Scale
from rubricator.llm.engines.engine import Generation
from rubricator.llm.tasks.task import Reading, Task
from rubricator.records import Answer, Status, Text, content_hash

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """A generation as it came, and what was read out of it."""

    raw: str
    reading: Reading


class ReplayTeacher:
    """Answers from a table. A text that is not in it gets a `failed` answer.

    Args:
        replies: By text id, or by content as `squeezed` makes it.
        place: Where the replies come from, for messages.
        by_id: Whether texts are looked up by id; else by content, white space aside: cleaned
            content, title and body as found, or the body alone.
    """

    def __init__(
        self, replies: Mapping[str, Reply], *, name: str = "replay", place: str = "", by_id: bool
    ) -> None:
        self.name = name
        self.metered = False
        self.scale = Scale.PROBABILITY
        self._replies = replies
        self._place = place or name
        self._by_id = by_id

    def key(self, text: Text) -> str:
        """Hash of the content, the generation and what is read out of it."""
        reply = self._reply(text)
        parts = ["no", self._place]
        if reply is not None:
            scores = json.dumps(sorted(reply.reading.scores.items()), ensure_ascii=False)
            parts = ["yes", reply.raw, reply.reading.status, scores]
        return content_hash("answer:replay:1", self.name, text.content, *parts)

    def ask(self, texts: Iterable[Text]) -> Generator[Answer, None, None]:
        """One answer per text, in order."""
        for text in texts:
            missing = Reply(f"no generation in {self._place}", Reading(Status.FAILED))
            reply = self._reply(text) or missing
            yield Answer(
                text_id=text.id,
                teacher=self.name,
                key=self.key(text),
                status=reply.reading.status,
                scores=reply.reading.scores,
                raw=reply.raw,
            )

    def _reply(self, text: Text) -> Reply | None:
        if self._by_id:
            return self._replies.get(text.id)
        spellings = (squeezed(spelling) for spelling in (text.content, text.original, text.body))
        return next((self._replies[spelling] for spelling in spellings if spelling in self._replies), None)


def replies_of(task: Task, generations: Iterable[tuple[str, str]], *, by_id: bool) -> dict[str, Reply]:
    """Read generations.

    Where the task asks several questions about a text, its generation is a JSON list of the answers,
    as Rubricator itself stores them. The first generation of a text that comes twice counts. The
    names are ids or contents of texts, as `by_id` says; the result is for a `ReplayTeacher` with the
    same `by_id`. Empty generations are `unparsed`.
    """
    questions = len(task.requests("", ()))
    replies: dict[str, Reply] = {}
    twice = 0
    for name, raw in generations:
        key = name if by_id else squeezed(name)
        if key in replies:
            twice += replies[key].raw != raw
            continue
        replies[key] = Reply(raw, _read(task, raw, questions))
    if twice:
        _LOG.warning("%d generations are about a text that has another one already; the first counts", twice)
    return replies


def squeezed(content: str) -> str:
    """Content as texts are looked up by: runs of white space are one space."""
    return " ".join(content.split())


def _read(task: Task, raw: str, questions: int) -> Reading:
    answers: object = [raw]
    if questions != 1:
        try:
            answers = json.loads(raw)
        except (ValueError, RecursionError):
            return Reading(Status.UNPARSED)
    if not raw.strip() or not isinstance(answers, list) or len(answers) != questions:
        return Reading(Status.UNPARSED)
    return task.read([Generation(text=str(answer)) for answer in answers])
