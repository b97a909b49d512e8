"""Asks teachers about texts: each content once, nothing that is stored, saved as answers come."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rubricator.label.teacher import Teacher
from rubricator.progress import Progress, silent
from rubricator.records import Answer, Status, Text
from rubricator.store import Store

_LOG = logging.getLogger(__name__)
# What a kill may lose: so many answers or so many seconds of work.
_SAVE_ANSWERS = 500
_SAVE_SECONDS = 2.0


def ask(
    teachers: Sequence[Teacher], texts: Sequence[Text], store: Store, *, progress: Progress = silent
) -> dict[str, dict[str, Answer]]:
    """Get every teacher's answer about every text.

    Only texts without a stored `ok` answer are asked about, so a run that was interrupted goes on
    where it stopped, and failures are tried again.

    Args:
        teachers: Names must differ.
        texts: Cleaned; ids must differ.
        store: Where answers are looked up and saved.
        progress: Counts the texts asked about.

    Returns:
        Answers by teacher name, then by text id, for every text. A text the teacher left out has a
        `failed` one.

    Raises:
        StoreError: The database refused.
        ValueError: A text is not cleaned (its content is empty), or a teacher broke its contract.
    """
    raw = [text.id for text in texts if not text.content]
    if raw:
        raise ValueError(f"{len(raw)} texts are not cleaned, the first is {raw[0]!r}")
    return {teacher.name: _ask(teacher, texts, store, progress) for teacher in teachers}


def _ask(teacher: Teacher, texts: Sequence[Text], store: Store, progress: Progress) -> dict[str, Answer]:
    keys = {text.id: teacher.key(text) for text in texts}
    known = {key: a for key, a in store.find(list(keys.values())).items() if a.status is Status.OK}
    missing = {keys[text.id]: text for text in texts if keys[text.id] not in known}
    _LOG.info("%s: %d of %d texts to ask about", teacher.name, len(missing), len(texts))
    if missing:
        with progress(f"Asking {teacher.name}", total=len(missing)) as done:
            known |= _fresh(teacher, missing, store, done)
    return {text.id: replace(known[keys[text.id]], text_id=text.id) for text in texts}


def _fresh(
    teacher: Teacher, missing: Mapping[str, Text], store: Store, done: Callable[[int], None]
) -> dict[str, Answer]:
    fresh: dict[str, Answer] = {}
    unsaved: list[Answer] = []
    saved = time.monotonic()
    try:
        for answer in teacher.ask(list(missing.values())):
            fresh[answer.key] = _checked(answer, teacher, missing)
            unsaved.append(fresh[answer.key])
            done(1)
            if len(unsaved) >= _SAVE_ANSWERS or time.monotonic() - saved > _SAVE_SECONDS:
                store.save(unsaved)
                unsaved.clear()
                saved = time.monotonic()
    finally:
        # Also on Ctrl-C and when the teacher fails half-way: answers may have cost money.
        store.save(unsaved)
    left_out = [
        Answer(text_id=text.id, teacher=teacher.name, key=key, status=Status.FAILED, raw="no answer came")
        for key, text in missing.items()
        if key not in fresh
    ]
    store.save(left_out)
    return fresh | {answer.key: answer for answer in left_out}


def _checked(answer: Answer, teacher: Teacher, missing: Mapping[str, Text]) -> Answer:
    if answer.key not in missing or answer.teacher != teacher.name:
        raise ValueError(f"teacher {teacher.name!r} answered what it was not asked: {answer}")
    if not all(math.isfinite(score) for score in answer.scores.values()):
        return replace(answer, status=Status.FAILED, scores={}, raw=f"scores are not finite: {answer.raw}")
    return answer
