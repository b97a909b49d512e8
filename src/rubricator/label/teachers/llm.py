"""The teacher that asks a language model: an engine and a task."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path

from rubricator.config import LlmTeacherConfig
from rubricator.dataset.annotations import Scale
from rubricator.errors import EngineError
from rubricator.llm.engines.engine import Capabilities, Engine, Generation, Request
from rubricator.llm.tasks.choose import Choose
from rubricator.llm.tasks.each import Each, Questions
from rubricator.llm.tasks.examples import Shots
from rubricator.llm.tasks.explain import Explain
from rubricator.llm.tasks.prompt import Prompt, TaskName
from rubricator.llm.tasks.task import Example, Task
from rubricator.llm.truncate import head_and_tail
from rubricator.records import Answer, Status, Text, content_hash
from rubricator.taxonomy import Taxonomy

_LOG = logging.getLogger(__name__)
NO_SHOTS = Shots()


class LlmTeacher:
    """Asks a model about texts and reads its answers.

    Texts, and examples to half of the limit, are shortened to head and tail. With `calibrate` the
    probabilities of a task that has texts without content (`choose`) are divided by what the model
    says about those; they are asked once, before the first text, which bears their cost.
    """

    def __init__(
        self,
        engine: Engine,
        task: Task,
        *,
        name: str = "llm",
        shots: Shots = NO_SHOTS,
        max_text_tokens: int = 512,
        calibrate: bool = True,
    ) -> None:
        self.name = name
        self.metered = True
        self.scale = Scale.PROBABILITY
        self._engine = engine
        self._task = task
        self._shots = shots
        self._limit = max_text_tokens
        self._chooser = task if calibrate and isinstance(task, Choose) and task.empty else None
        self._prior: Mapping[str, float] | None = None
        self._short: dict[str, str] = {}
        # The examples behind the prior change every answer.
        corrected = [_written(examples) for examples in shots.typical] if self._chooser else []
        self._version = content_hash("llm-teacher:1", name, task.version, str(max_text_tokens), *corrected)

    def key(self, text: Text) -> str:
        """Hash of content, examples, prompt, taxonomy, model and options; starts no engine."""
        examples = _written(self._shots(text))
        return content_hash("answer:llm:1", self._version, self._engine.fingerprint, examples, text.content)

    def ask(self, texts: Iterable[Text]) -> Generator[Answer, None, None]:
        """One answer per text, as its last generation comes; texts are drawn as the engine has room.

        `raw` is the generation, or a JSON list of them where the task asks several questions.

        Raises:
            EngineError: The model is out of reach, or says nothing readable of texts without content.
        """
        source = iter(texts)
        first = next(source, None)
        if first is None:
            return
        spent = self._calibrate()
        pending: _Pending = {}
        requests = self._requests(chain([first], source), pending)
        for number, generation in self._engine.generate(requests):
            question, place = pending.pop(number)
            question.generations[place] = generation
            if len(question.generations) == question.expected:
                generations = [question.generations[place] for place in range(question.expected)]
                yield self._answer(question.text, generations, spent)
                spent = []

    def prompt(self, text: Text) -> str:
        """The whole first question about a text, for people to read."""
        turns = self._questions(text)[0].messages
        return "\n\n".join(f"[{turn.role}]\n{turn.content.rstrip()}" for turn in turns)

    def request_tokens(self, text: Text) -> int:
        """Tokens of all questions about a text, without what a chat template adds."""
        turns = [turn for request in self._questions(text) for turn in request.messages]
        return sum(self._engine.count(turn.content) for turn in turns)

    def capabilities(self) -> Capabilities:
        """What was found out about the model (see `Engine`)."""
        return self._engine.capabilities()

    def _requests(self, texts: Iterable[Text], pending: _Pending) -> Iterator[Request]:
        numbers = count()
        for text in texts:
            requests = self._questions(text)
            question = _Question(text, len(requests))
            for place, request in enumerate(requests):
                pending[next(numbers)] = (question, place)
                yield request

    def _questions(self, text: Text) -> list[Request]:
        content = head_and_tail(text.content, self._limit, self._engine.count)
        return self._task.requests(content, self._shown(self._shots(text)))

    def _shown(self, examples: Sequence[Example]) -> list[Example]:
        """Examples shortened; each is seen with many texts and counted once."""
        for example in examples:
            if example.content not in self._short:
                short = head_and_tail(example.content, max(1, self._limit // 2), self._engine.count)
                self._short[example.content] = short
        return [replace(example, content=self._short[example.content]) for example in examples]

    def _answer(self, text: Text, generations: Sequence[Generation], spent: Sequence[Generation]) -> Answer:
        reading = self._task.read(generations)
        scores = reading.scores
        if self._chooser and self._prior is not None and _weighed(scores):
            scores = self._chooser.calibrated(scores, self._prior)
        raws = [generation.text for generation in generations]
        paid = [*generations, *spent]
        return Answer(
            text_id=text.id,
            teacher=self.name,
            key=self.key(text),
            status=reading.status,
            scores=scores,
            raw=raws[0] if len(raws) == 1 else json.dumps(raws, ensure_ascii=False),
            cost=sum(generation.cost for generation in paid),
            seconds=sum(generation.seconds for generation in paid),
        )

    def _calibrate(self) -> list[Generation]:
        """Ask about texts without content, once; the generations are returned for what they cost."""
        if self._chooser is None or self._prior is not None or not self._engine.capabilities().logprobs:
            return []
        requests = [
            request
            for examples in self._shots.typical
            for empty in self._chooser.empty
            for request in self._chooser.requests(empty, self._shown(examples))
        ]
        generations = [generation for _, generation in self._engine.generate(requests)]
        readings = [self._chooser.read([generation]) for generation in generations]
        scores = [reading.scores for reading in readings if reading.status is Status.OK]
        if len(scores) < len(requests):
            failed = [g.text for g, r in zip(generations, readings, strict=True) if r.status is not Status.OK]
            raise EngineError(
                f"{self.name}: calibration failed, for of {len(requests)} texts without content "
                f"{len(failed)} got no readable answer (the first: {failed[:1]}).",
                fix="Run again, or set `calibrate: false` for the teacher.",
            )
        if not all(map(_weighed, scores)):
            # What is said without probabilities tells nothing of what the model leans to.
            _LOG.warning("%s: not calibrated, for texts without content got no probabilities", self.name)
            self._chooser = None
            return generations
        self._prior = {key: sum(one[key] for one in scores) / len(scores) for key in scores[0]}
        _LOG.info("%s: prior of texts without content: %s", self.name, self._prior)
        return generations


@dataclass(slots=True)
class _Question:
    """A text that was asked about, with the generations that came, by the place of their request."""

    text: Text
    expected: int
    generations: dict[int, Generation] = field(default_factory=dict)


_Pending = dict[int, tuple[_Question, int]]


def build_task(
    config: LlmTeacherConfig,
    taxonomy: Taxonomy,
    prompt_path: Path | None = None,
) -> Choose | Each | Questions | Explain:
    """The task that a config names, with its shipped prompt or the user's own.

    Raises:
        ConfigError: The prompt cannot be used, or the task does not fit the taxonomy.
    """
    kind: TaskName = "question" if config.task == "each" and config.questions else config.task
    variant = "alone" if kind == "question" and config.questions == "alone" else ""
    prompt = (
        Prompt.read(prompt_path, kind)
        if prompt_path
        else Prompt.shipped(kind, config.language, variant=variant)
    )
    if kind == "question":
        return Questions(taxonomy, prompt)
    if kind == "choose":
        return Choose(taxonomy, prompt, aliases=config.aliases)
    return (Each if kind == "each" else Explain)(taxonomy, prompt, aliases=config.aliases)


def _weighed(scores: Mapping[str, float]) -> bool:
    """Whether these are probabilities, and not one category that was only named."""
    return not set(scores.values()) <= {0.0, 1.0}


def _written(examples: Sequence[Example]) -> str:
    return json.dumps([[e.content, *e.categories] for e in examples], ensure_ascii=False)
