"""Asks language models what is not stored, and stores every answer as it comes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rubricator.llm.engines.engine import Engine, Generation, Request
from rubricator.llm.limits import Meter
from rubricator.progress import Progress
from rubricator.records import Answer, Status, content_hash

if TYPE_CHECKING:  # half a second to import
    from rubricator.store import Store


@dataclass(frozen=True, slots=True)
class Call:
    """One question about one draft.

    Attributes:
        about: What tells it apart from questions with the same words.
        asker: Who answers, and as what: kept as the answer's teacher.
        version: Of the prompt and its parser.
        status: What a generation comes to.
    """

    about: str
    asker: str
    engine: Engine
    version: str
    request: Request
    status: Callable[[Generation], Status]

    @property
    def key(self) -> str:
        """Hash of everything that could change the answer."""
        request = self.request
        turns = [part for turn in request.messages for part in (turn.role, turn.content)]
        options = [str(request.temperature), str(request.max_tokens), *request.choices]
        return content_hash(
            "answer:augment:1", self.about, self.version, self.engine.fingerprint, *options, *turns
        )


@dataclass(frozen=True)
class Asker:
    """Answers calls from the store, and asks for what is not there within the limits of the run.

    Stored answers whose status is in `again` are asked for once more.
    """

    store: Store
    meter: Meter
    again: Collection[Status]
    progress: Progress

    def answers(self, calls: Sequence[Call], description: str) -> list[Answer | None]:
        """The answer to every call, in their order; None where a limit kept it from being asked.

        Raises:
            EngineError: A language model is out of reach; what it had answered is stored.
            StoreError: The database refused.
        """
        keys = [call.key for call in calls]
        stored = self.store.find(keys)
        found = {key: one for key, one in stored.items() if one.status not in self.again}
        missing = {key: call for key, call in zip(keys, calls, strict=True) if key not in found}
        if missing:
            with self.progress(description, total=len(missing)) as advance:
                for answer in self._fresh(missing):
                    found[answer.key] = answer
                    advance(1, self.meter.note)
        return [found.get(key) for key in keys]

    def _fresh(self, missing: dict[str, Call]) -> Iterator[Answer]:
        engines = {id(call.engine): call.engine for call in missing.values()}
        for number, engine in engines.items():
            own = [(key, call) for key, call in missing.items() if id(call.engine) == number]
            requests = (call.request for _, call in self.meter.within(own))
            with closing(_generated(engine, requests)) as generations:
                for place, generation in generations:
                    key, call = own[place]
                    answer = Answer(
                        text_id=call.about,
                        teacher=call.asker,
                        key=key,
                        status=call.status(generation),
                        raw=generation.text,
                        cost=generation.cost,
                        seconds=generation.seconds,
                    )
                    self.meter.count(answer)
                    self.store.save([answer])
                    yield answer


def _generated(engine: Engine, requests: Iterator[Request]) -> Generator[tuple[int, Generation], None, None]:
    yield from engine.generate(requests)
