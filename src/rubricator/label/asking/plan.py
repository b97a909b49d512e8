"""What labelling would take: one prompt in full, tokens, and time and cost from a dozen real calls."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rubricator.label.asking.runner import ask
from rubricator.label.teachers.llm import LlmTeacher
from rubricator.label.teachers.protocol import Teacher
from rubricator.label_space import LabelSpace
from rubricator.progress import Progress
from rubricator.records import Answer, Status, Text

if TYPE_CHECKING:  # half a second to import
    from rubricator.store import Store

TRIED = 12
"""Texts asked about to know time and cost. Their answers are stored, so nothing is paid twice."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the first real calls to a language model, at most a dozen, showed.

    The seconds are wall-clock time, warm-up and calibration included; `rest_seconds` and `rest_cost`
    are expected for the texts that are left. Of `texts`, people labelled `golden`, and of those `right` were
    answered as they did.
    """

    texts: int
    statuses: Mapping[Status, int]
    golden: int
    right: int
    seconds: float
    cost: float
    rest_seconds: float
    rest_cost: float


@dataclass(frozen=True, slots=True)
class TeacherPlan:
    """What is left to ask one teacher about `texts`, of which `stored` have an answer from before.

    Attributes:
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
    teacher: Teacher,
    texts: Sequence[Text],
    store: Store,
    golden: Mapping[str, Collection[str]],
    space: LabelSpace,
    *,
    again: Collection[Status],
    stamp: str,
    progress: Progress,
) -> TeacherPlan:
    """Find out what one teacher has left to do; a language model is asked about at most a dozen texts.

    Stored answers of the statuses `again` are asked about again; `stamp` is the version of the taxonomy.
    Answers of the trial are saved, and held against the `golden` labels, by text id.

    Raises:
        EngineError: A language model is out of reach.
        StoreError: The database refused.
    """
    keys = {teacher.key(text): text for text in texts}
    answers = store.find(list(keys))
    final = {key for key, answer in answers.items() if answer.status not in again}
    stored = sum(teacher.key(text) in final for text in texts)
    if not isinstance(teacher, LlmTeacher):
        return TeacherPlan(teacher.name, len(texts), stored)
    left = [text for key, text in keys.items() if key not in final]
    sample = left[:TRIED] or texts[:1]
    tokens = sum(teacher.request_tokens(text) for text in sample) / len(sample)
    return TeacherPlan(
        teacher.name,
        len(texts),
        stored,
        about=_about(teacher),
        prompt=teacher.prompt(sample[0]),
        tokens=round(tokens * len(left)),
        trial=_try(teacher, left, store, golden, space, again, stamp, progress) if left else None,
    )


def _try(
    teacher: LlmTeacher,
    left: Sequence[Text],
    store: Store,
    golden: Mapping[str, Collection[str]],
    space: LabelSpace,
    again: Collection[Status],
    stamp: str,
    progress: Progress,
) -> Trial:
    tried = left[:TRIED]
    started = time.monotonic()
    asked = ask([teacher], tried, store, again=again, stamp=stamp, progress=progress)
    by_text = asked.answers[teacher.name]
    seconds = time.monotonic() - started
    answers = by_text.values()
    cost = sum(answer.cost for answer in answers)
    judged = [text.id for text in tried if text.id in golden]
    rest = (len(left) - len(tried)) / len(tried)
    return Trial(
        texts=len(tried),
        statuses=Counter(answer.status for answer in answers),
        golden=len(judged),
        right=sum(id_ in by_text and _categories(by_text[id_], space) == set(golden[id_]) for id_ in judged),
        seconds=seconds,
        cost=cost,
        rest_seconds=rest * seconds,
        rest_cost=rest * cost,
    )


def _categories(answer: Answer, space: LabelSpace) -> set[str] | None:
    """What an answer comes to by itself; None if it could not be read."""
    if answer.status is not Status.OK:
        return None
    scores = np.array([[answer.scores.get(key, np.nan) for key in space.keys]], dtype=np.float64)
    return {key for key, yes in zip(space.keys, space.decide(scores)[0], strict=True) if yes}


def _about(teacher: LlmTeacher) -> str:
    capabilities = teacher.capabilities()
    abilities = {
        "lists of choices": capabilities.choices,
        "JSON schemas": capabilities.schema,
        "probabilities": capabilities.logprobs,
        "exact token counts": capabilities.count,
    }
    can, cannot = ([name for name, has in abilities.items() if has is wanted] for wanted in (True, False))
    without = f"; without {', '.join(cannot)}" if cannot else ""
    return f"{capabilities.about}, with {', '.join(can) or 'nothing but text'}{without}"
