"""Asks a teacher only about the categories of a text that it has not answered about."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rubricator.label.teachers.questions import QuestionsTeacher, Wanted
from rubricator.records import Answer, Status, Text

if TYPE_CHECKING:  # half a second to import
    from rubricator.store import Store

Save = Callable[[Answer], None]


@dataclass(slots=True)
class _Open:
    """A text that is being asked about, with what is known of it."""

    text: Text
    missing: set[str]
    parts: dict[str, Answer]
    fresh: list[str] = field(default_factory=list)


def ask_by_category(
    teacher: QuestionsTeacher,
    texts: Iterable[Text],
    store: Store,
    *,
    again: Collection[Status],
    save: Save,
) -> Generator[Answer, None, None]:
    """One answer per text, joined from stored answers about its categories and those that were missing.

    `save` gets every new answer about one category as it comes: a kill loses none that was paid for.

    Raises:
        EngineError: The model is out of reach; what it had answered is stored.
        StoreError: The database refused.
    """
    waiting: dict[str, _Open] = {}
    complete: deque[_Open] = deque()
    with closing(teacher.ask_parts(_questions(teacher, texts, store, again, waiting, complete))) as stream:
        for text, category, answer in stream:
            yield from _join_all(teacher, complete)
            save(answer)
            one = waiting[text.id]
            one.parts[category] = answer
            one.fresh.append(category)
            one.missing.discard(category)
            if not one.missing:
                del waiting[text.id]
                yield teacher.joined(one.text, one.parts, one.fresh)
    yield from _join_all(teacher, complete)


def missing_questions(
    teacher: QuestionsTeacher, texts: Iterable[Text], store: Store, *, again: Collection[Status]
) -> Iterator[Wanted]:
    """Texts with the categories that are left to ask about; what was asked leaves an empty list.

    Raises:
        StoreError: The database refused.
    """
    for text in texts:
        keys = teacher.part_keys(text)
        known = _known(keys, store, again)
        yield text, [category for category in keys if category not in known]


def _known(keys: Mapping[str, str], store: Store, again: Collection[Status]) -> dict[str, Answer]:
    stored = store.find(list(keys.values()))
    return {
        category: stored[key]
        for category, key in keys.items()
        if key in stored and (stored[key].status is Status.OK or stored[key].status not in again)
    }


def _questions(
    teacher: QuestionsTeacher,
    texts: Iterable[Text],
    store: Store,
    again: Collection[Status],
    waiting: dict[str, _Open],
    complete: deque[_Open],
) -> Iterator[Wanted]:
    for text in texts:
        keys = teacher.part_keys(text)
        parts = _known(keys, store, again)
        missing = [category for category in keys if category not in parts]
        one = _Open(text, set(missing), parts)
        if missing:
            waiting[text.id] = one
            yield text, missing
        else:
            complete.append(one)


def _join_all(teacher: QuestionsTeacher, complete: deque[_Open]) -> Iterator[Answer]:
    while complete:
        one = complete.popleft()
        yield teacher.joined(one.text, one.parts, one.fresh)
