"""Asks teachers about texts: each content once, nothing that is stored, saved as answers come."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rubricator.label.asking.by_category import ask_by_category
from rubricator.label.teachers.protocol import Teacher
from rubricator.label.teachers.questions import QuestionsTeacher
from rubricator.llm.limits import NO_LIMITS, Limits, Meter
from rubricator.progress import Advance, Progress, silent
from rubricator.records import ONLY_FAILURES, Answer, Status, Text

if TYPE_CHECKING:  # half a second to import
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
    stamp: str = "",
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
        stamp: Version of the taxonomy, which new answers are stored with.
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
        by_text = _ask(teacher, texts, _Stamping(store, stamp), meter, again, progress)
        answers[teacher.name] = by_text
        if len(by_text) < len(texts):
            missing[teacher.name] = len(texts) - len(by_text)
    return Asked(answers, missing, meter.reached if missing else "")


@dataclass(frozen=True, slots=True)
class _Stamping:
    """The store, with the version of the taxonomy that answers are given under."""

    store: Store
    stamp: str

    def save(self, answers: Sequence[Answer]) -> None:
        self.store.save(replace(answer, taxonomy=self.stamp) for answer in answers)


def _ask(
    teacher: Teacher,
    texts: Sequence[Text],
    stamping: _Stamping,
    meter: Meter,
    again: Collection[Status],
    progress: Progress,
) -> dict[str, Answer]:
    keys = {text.id: teacher.key(text) for text in texts}
    stored = stamping.store.find(list(keys.values()))
    answers = {key: a for key, a in stored.items() if a.status is Status.OK or a.status not in again}
    wanted = {keys[text.id]: text for text in texts if keys[text.id] not in answers}
    _LOG.info("%s: %d of %d texts to ask about", teacher.name, len(wanted), len(texts))
    if wanted:
        with progress(f"Asking {teacher.name}", total=len(wanted)) as advance:
            answers |= _fresh(teacher, wanted, stamping, meter, again, advance)
    return {id_: replace(answers[key], text_id=id_) for id_, key in keys.items() if key in answers}


def _fresh(
    teacher: Teacher,
    wanted: Mapping[str, Text],
    stamping: _Stamping,
    meter: Meter,
    again: Collection[Status],
    advance: Advance,
) -> dict[str, Answer]:
    """Ask, and save as answers come; also on Ctrl-C and when the teacher fails half-way."""
    drawn: dict[str, Text] = {}
    fresh: dict[str, Answer] = {}
    unsaved: list[Answer] = []
    saved = time.monotonic()

    def drawing() -> Iterator[Text]:
        texts = wanted.values()
        for text in meter.within(texts) if teacher.metered else texts:
            drawn[teacher.key(text)] = text
            yield text

    try:
        with closing(_stream(teacher, drawing(), stamping, again)) as stream:
            for answer in stream:
                checked = _checked(answer, teacher, wanted)
                fresh[checked.key] = checked
                unsaved.append(checked)
                if teacher.metered:
                    meter.count(checked)
                advance(1, meter.note if teacher.metered else "")
                due = len(unsaved) >= _SAVE_ANSWERS or time.monotonic() - saved > _SAVE_SECONDS
                if teacher.metered or due:
                    stamping.save(unsaved)
                    unsaved.clear()
                    saved = time.monotonic()
    finally:
        stamping.save(unsaved)
    raw = "no answer came"
    left_out = [
        Answer(text_id=text.id, teacher=teacher.name, key=key, status=Status.FAILED, raw=raw)
        for key, text in drawn.items()
        if key not in fresh
    ]
    stamping.save(left_out)
    return fresh | {answer.key: answer for answer in left_out}


def _stream(
    teacher: Teacher, texts: Iterator[Text], stamping: _Stamping, again: Collection[Status]
) -> Generator[Answer, None, None]:
    if not isinstance(teacher, QuestionsTeacher):
        return teacher.ask(texts)
    return ask_by_category(
        teacher, texts, stamping.store, again=again, save=lambda answer: stamping.save([answer])
    )


def _checked(answer: Answer, teacher: Teacher, wanted: Mapping[str, Text]) -> Answer:
    if answer.key not in wanted or answer.teacher != teacher.name:
        raise ValueError(f"teacher {teacher.name!r} answered what it was not asked: {answer}")
    if not all(math.isfinite(score) for score in answer.scores.values()):
        return replace(answer, status=Status.FAILED, scores={}, raw=f"scores are not finite: {answer.raw}")
    return answer
