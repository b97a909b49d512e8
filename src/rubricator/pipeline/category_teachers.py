"""What a change of the list does to every teacher's stored answers; no teacher is opened for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rubricator.config import (
    Config,
    EncoderTeacherConfig,
    LlmTeacherConfig,
    ReplayEngineConfig,
    RulesTeacherConfig,
)
from rubricator.encode.phrasings import pieces, whole
from rubricator.label.teachers.llm import build_task
from rubricator.llm.tasks.each import Questions
from rubricator.records import content_hash
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.changes import Change

_CONTENT = "…"


@dataclass(frozen=True, slots=True)
class TeacherEffect:
    """What becomes of one teacher's answers.

    Attributes:
        kind: `encoder`, `rules`, or the task of a language model.
        asks: Keys that every text is asked about anew; empty where all stored answers stay.
        by_category: Whether a question about one category leaves the others' answers as they are.
        free: Whether asking costs neither money nor long.
        stored: Answers that the store has of it.
        why: A sentence for people.
    """

    teacher: str
    kind: str
    asks: tuple[str, ...]
    by_category: bool
    free: bool
    stored: int
    why: str


def teacher_effects(
    config: Config, before: Taxonomy, change: Change, stored: Mapping[str, int]
) -> Iterator[TeacherEffect]:
    """One effect per teacher of the config; `stored` counts answers by the name of the teacher.

    Raises:
        ConfigError: A prompt cannot be used with the list after the change.
    """
    after = change.after
    for section in config.label.teachers:
        count = stored.get(section.name, 0)
        if isinstance(section, EncoderTeacherConfig):
            asks = after.keys if _described(before) != _described(after) else ()
            why = (
                "descriptions are compared with one another's middle, so every text is compared anew; "
                "the vectors of the texts stay"
            )
            yield TeacherEffect(section.name, "encoder", asks, False, True, count, why if asks else _STAYS)
        elif isinstance(section, RulesTeacherConfig):
            asks = after.keys if _rules(before) != _rules(after) else ()
            why = "its words are looked for anew in all texts, well under a millisecond a text"
            yield TeacherEffect(section.name, "rules", asks, False, True, count, why if asks else _STAYS)
        else:
            yield _of_model(section, config, before, change, count)


_STAYS = "what it goes by is unchanged: every stored answer stays"


def _of_model(
    section: LlmTeacherConfig, config: Config, before: Taxonomy, change: Change, stored: int
) -> TeacherEffect:
    after = change.after
    if isinstance(section.engine, ReplayEngineConfig):
        asks = after.keys if before.keys != after.keys else ()
        why = (
            f"its answers stand in {section.engine.file}, which must speak of the new list"
            if asks
            else _STAYS
        )
        return TeacherEffect(section.name, "replay", asks, False, True, stored, why)
    prompt = config.path(section.prompt) if section.prompt else None
    old, new = (build_task(section, taxonomy, prompt) for taxonomy in (before, after))
    if isinstance(new, Questions) and isinstance(old, Questions) and new.alone:
        asked = _questions(old)
        asks = tuple(key for key, question in _questions(new).items() if question not in asked.values())
        why = (
            f"only about {', '.join(asks)}: its prompt shows no other category, so the other answers stay"
            if asks
            else _STAYS
        )
        return TeacherEffect(section.name, "question", asks, True, False, stored, why)
    changed = old.version != new.version
    kind = "question" if isinstance(new, Questions) else section.task
    why = (
        "its prompt shows the whole list, so every answer could be another now; `task: each` with "
        "`questions: alone` asks about each category by itself"
    )
    asks = after.keys if changed else ()
    return TeacherEffect(section.name, kind, asks, False, False, stored, why if changed else _STAYS)


def _questions(task: Questions) -> dict[str, str]:
    """What names the question about each category."""
    return {
        key: content_hash("question:1", *(turn.content for turn in request.messages))
        for key, request in task.by_category(_CONTENT, ()).items()
    }


def _described(taxonomy: Taxonomy) -> list[object]:
    return [(one.key, whole(one), pieces(one)) for one in taxonomy.categories]


def _rules(taxonomy: Taxonomy) -> list[object]:
    return [(one.key, one.keywords, one.patterns, one.exclude) for one in taxonomy.categories]
