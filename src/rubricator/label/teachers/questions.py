"""The teacher that asks a language model about each category by itself, and keeps each answer by itself.

What a question shows names its answer, so a category that comes or goes leaves the answers about the others
as they are. That holds where the prompt shows only the category it asks about.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import count

from rubricator.label.teachers.llm import LlmTeacher
from rubricator.llm.engines.engine import Request
from rubricator.llm.tasks.each import Questions
from rubricator.records import Answer, Text, content_hash

Wanted = tuple[Text, Sequence[str]]
"""A text, and the keys of the categories that are asked about."""


class QuestionsTeacher(LlmTeacher):
    """Asks yes or no about each category with a prompt that shows no other.

    Takes what `LlmTeacher` takes; its task is `Questions`.
    """

    _task: Questions

    def part_keys(self, text: Text) -> dict[str, str]:
        """Category → key of the answer about it alone: hash of the question, the model and options."""
        return {
            category: content_hash(
                "answer:question:1",
                *(self.name, self._engine.fingerprint, self._task.parser, str(self._limit)),
                *(part for turn in request.messages for part in (turn.role, turn.content)),
                *request.choices,
            )
            for category, request in self._task.by_category(text.content, self._shots(text)).items()
        }

    def ask_parts(self, wanted: Iterable[Wanted]) -> Generator[tuple[Text, str, Answer], None, None]:
        """One answer per text and category, each as it comes; texts are drawn as the engine has room.

        Raises:
            EngineError: The model is out of reach.
        """
        asked: dict[int, tuple[Text, str, str]] = {}
        for number, generation in self._engine.generate(self._part_requests(wanted, asked)):
            text, category, key = asked.pop(number)
            reading = self._task.read_part(category, generation)
            yield (
                text,
                category,
                Answer(
                    text_id=text.id,
                    teacher=f"{self.name}/{category}",
                    key=key,
                    status=reading.status,
                    scores=reading.scores,
                    raw=generation.text,
                    cost=generation.cost,
                    seconds=generation.seconds,
                ),
            )

    def joined(self, text: Text, parts: Mapping[str, Answer], fresh: Iterable[str]) -> Answer:
        """The answer about a text from those about its categories; what the `fresh` ones cost, it cost."""
        ordered = [parts[key] for key in self._task.keys]
        reading = self._task.joined(
            [(part.status, next(iter(part.scores.values()), 0.0)) for part in ordered]
        )
        paid = [parts[key] for key in fresh]
        return Answer(
            text_id=text.id,
            teacher=self.name,
            key=self.key(text),
            status=reading.status,
            scores=reading.scores,
            raw=json.dumps([part.raw for part in ordered], ensure_ascii=False),
            cost=sum(part.cost for part in paid),
            seconds=sum(part.seconds for part in paid),
        )

    def _part_requests(
        self, wanted: Iterable[Wanted], asked: dict[int, tuple[Text, str, str]]
    ) -> Iterator[Request]:
        numbers = count()
        for text, categories in wanted:
            keys = self.part_keys(text)
            requests = dict(zip(self._task.keys, self._questions(text), strict=True))
            for category in categories:
                asked[next(numbers)] = text, category, keys[category]
                yield requests[category]
