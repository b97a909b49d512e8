"""What labelling would take: one prompt in full, tokens, and time and cost from a dozen real calls."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rubricator.label.asking.runner import ask
from rubricator.label.teachers.llm import LlmTeacher
from rubricator.label.teachers.protocol import Teacher
from rubricator.progress import Progress
from rubricator.records import Status, Text
from rubricator.store import Store

TRIED = 12
"""Texts asked about to know time and cost. Their answers are stored, so nothing is paid twice."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the first real calls to a language model showed.

    Attributes:
        texts: Texts asked about, at most a dozen.
        statuses: What became of them.
        seconds: Wall-clock time they took, warm-up and calibration included.
        cost: What they cost.
        rest_seconds: Expected for the texts that are left.
        rest_cost: Likewise.
    """

    texts: int
    statuses: Mapping[Status, int]
    seconds: float
    cost: float
    rest_seconds: float
    rest_cost: float


@dataclass(frozen=True, slots=True)
class TeacherPlan:
    """What is left to ask one teacher.

    Attributes:
        teacher: Its name.
        texts: All texts.
        stored: Texts about which an answer was stored before.
        about: What answers and what it can do; empty for teachers that are no language model.
        prompt: One full prompt, as the model gets it; empty for teachers that are no language model.
        tokens: Prompt tokens of the texts to ask about, from the mean of those tried.
        trial: None for teachers that cost nothing, and where nothing is left to ask.
    """

    teacher: str
    texts: int
    stored: int
    about: str = ""
    prompt: str = ""
    tokens: int = 0
    trial: Trial | None = None


def plan_teacher(
    teacher: Teacher, texts: Sequence[Text], store: Store, *, again: Collection[Status], progress: Progress
) -> TeacherPlan:
    """Find out what one teacher has left to do; a language model is asked about at most a dozen texts.

    Args:
        teacher: Any.
        texts: All texts, in the order of asking.
        store: Where answers are looked up, and those of the trial saved.
        again: Statuses of stored answers that are asked about again.
        progress: Counts the texts asked about.

    Raises:
        EngineError: A language model is out of reach.
        StoreError: The database refused.
    """
    keys = {teacher.key(text): text for text in texts}
    answers = store.find(list(keys))
    known = {key for key, answer in answers.items() if answer.status not in again}
    stored = sum(teacher.key(text) in known for text in texts)
    if not isinstance(teacher, LlmTeacher):
        return TeacherPlan(teacher.name, len(texts), stored)
    left = [text for key, text in keys.items() if key not in known]
    sample = left[:TRIED] or texts[:1]
    tokens = sum(teacher.request_tokens(text) for text in sample) / len(sample)
    return TeacherPlan(
        teacher.name,
        len(texts),
        stored,
        about=_about(teacher),
        prompt=teacher.prompt(sample[0]),
        tokens=round(tokens * len(left)),
        trial=_try(teacher, left, store, again, progress) if left else None,
    )


def _try(
    teacher: LlmTeacher, left: Sequence[Text], store: Store, again: Collection[Status], progress: Progress
) -> Trial:
    tried = left[:TRIED]
    started = time.monotonic()
    asked = ask([teacher], tried, store, again=again, progress=progress)
    seconds = time.monotonic() - started
    answers = asked.answers[teacher.name].values()
    cost = sum(answer.cost for answer in answers)
    rest = (len(left) - len(tried)) / len(tried)
    return Trial(
        texts=len(tried),
        statuses=Counter(answer.status for answer in answers),
        seconds=seconds,
        cost=cost,
        rest_seconds=rest * seconds,
        rest_cost=rest * cost,
    )


def _about(teacher: LlmTeacher) -> str:
    able = teacher.capabilities()
    abilities = {
        "lists of choices": able.choices,
        "JSON schemas": able.schema,
        "probabilities": able.logprobs,
        "exact token counts": able.count,
    }
    can, cannot = ([name for name, has in abilities.items() if has is wanted] for wanted in (True, False))
    without = f"; without {', '.join(cannot)}" if cannot else ""
    return f"{able.about}, with {', '.join(can) or 'nothing but text'}{without}"
