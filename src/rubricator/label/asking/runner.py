"""Asks teachers about texts: each content once, nothing that is stored, saved as answers come."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from rubricator.label.asking.limits import NO_LIMITS, Limits, Meter
from rubricator.label.teachers.protocol import Teacher
from rubricator.progress import Advance, Progress, silent
from rubricator.records import ONLY_FAILURES, Answer, Status, Text
from rubricator.store import Store

_LOG = logging.getLogger(__name__)
# What a kill may lose of a teacher that costs nothing: so many answers or so many seconds of work.
_SAVE_ANSWERS = 500
_SAVE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a round of questions.

    Attributes:
        answers: By teacher name, then by text id. A text that a limit kept from being asked about
            has none; one that the teacher left out has a `failed` one.
        missing: Number of questions that a limit kept from being asked, by teacher name.
        reached: The limit that stopped the round, as written in the config, or an empty string.
    """

    answers: Mapping[str, Mapping[str, Answer]]
    missing: Mapping[str, int] = field(default_factory=dict)
    reached: str = ""


def ask(
    teachers: Sequence[Teacher],
    texts: Sequence[Text],
    store: Store,
    *,
    limits: Limits = NO_LIMITS,
    again: Collection[Status] = ONLY_FAILURES,
    progress: Progress = silent,
) -> Asked:
    """Get every teacher's answer about every text.

    Only texts without a stored answer are asked about, so a run that was interrupted goes on where
    it stopped, and failures are tried again.

    Args:
        teachers: Names must differ.
        texts: Cleaned; ids must differ. Metered teachers are asked in this order.
        store: Where answers are looked up and saved.
        limits: Hold for the metered teachers together.
        again: Statuses of stored answers that are not taken for the last word; never `ok`.
        progress: Counts the texts asked about.

    Raises:
        EngineError: A language model is out of reach; what it had answered is stored.
        StoreError: The database refused.
        ValueError: A text is not cleaned (its content is empty), or a teacher broke its contract.
    """
    raw = [text.id for text in texts if not text.content]
    if raw:
        raise ValueError(f"{len(raw)} texts are not cleaned, the first is {raw[0]!r}")
    meter = Meter(limits)
    answers, missing = {}, {}
    for teacher in teachers:
        by_text = _ask(teacher, texts, store, meter, again, progress)
        answers[teacher.name] = by_text
        if len(by_text) < len(texts):
            missing[teacher.name] = len(texts) - len(by_text)
    return Asked(answers, missing, meter.reached if missing else "")


def _ask(
    teacher: Teacher,
    texts: Sequence[Text],
    store: Store,
    meter: Meter,
    again: Collection[Status],
    progress: Progress,
) -> dict[str, Answer]:
    keys = {text.id: teacher.key(text) for text in texts}
    stored = store.find(list(keys.values()))
    answers = {key: a for key, a in stored.items() if a.status is Status.OK or a.status not in again}
    wanted = {keys[text.id]: text for text in texts if keys[text.id] not in answers}
    _LOG.info("%s: %d of %d texts to ask about", teacher.name, len(wanted), len(texts))
    if wanted:
        with progress(f"Asking {teacher.name}", total=len(wanted)) as advance:
            answers |= _Round(teacher, wanted, store, meter, advance).answers()
    return {id_: replace(answers[key], text_id=id_) for id_, key in keys.items() if key in answers}


class _Round:
    """One teacher asked about the texts it has no stored answer about."""

    def __init__(
        self, teacher: Teacher, wanted: Mapping[str, Text], store: Store, meter: Meter, advance: Advance
    ) -> None:
        self._teacher, self._wanted, self._store, self._meter = teacher, wanted, store, meter
        self._advance = advance
        self._unsaved: list[Answer] = []
        self._saved = time.monotonic()

    def answers(self) -> dict[str, Answer]:
        """Ask, and save as answers come; also on Ctrl-C and when the teacher fails half-way."""
        drawn: dict[str, Text] = {}
        fresh: dict[str, Answer] = {}
        try:
            with closing(self._teacher.ask(self._drawing(drawn))) as stream:
                for answer in stream:
                    fresh[answer.key] = self._take(_checked(answer, self._teacher, self._wanted))
        finally:
            self._save()
        name, raw = self._teacher.name, "no answer came"
        left_out = [
            Answer(text_id=text.id, teacher=name, key=key, status=Status.FAILED, raw=raw)
            for key, text in drawn.items()
            if key not in fresh
        ]
        self._store.save(left_out)
        return fresh | {answer.key: answer for answer in left_out}

    def _drawing(self, drawn: dict[str, Text]) -> Iterator[Text]:
        texts = self._wanted.values()
        for text in self._meter.within(texts) if self._teacher.metered else texts:
            drawn[self._teacher.key(text)] = text
            yield text

    def _take(self, answer: Answer) -> Answer:
        self._unsaved.append(answer)
        if self._teacher.metered:
            self._meter.count(answer)
        self._advance(1, self._meter.note if self._teacher.metered else "")
        due = len(self._unsaved) >= _SAVE_ANSWERS or time.monotonic() - self._saved > _SAVE_SECONDS
        if self._teacher.metered or due:
            self._save()
        return answer

    def _save(self) -> None:
        self._store.save(self._unsaved)
        self._unsaved.clear()
        self._saved = time.monotonic()


def _checked(answer: Answer, teacher: Teacher, wanted: Mapping[str, Text]) -> Answer:
    if answer.key not in wanted or answer.teacher != teacher.name:
        raise ValueError(f"teacher {teacher.name!r} answered what it was not asked: {answer}")
    if not all(math.isfinite(score) for score in answer.scores.values()):
        return replace(answer, status=Status.FAILED, scores={}, raw=f"scores are not finite: {answer.raw}")
    return answer
