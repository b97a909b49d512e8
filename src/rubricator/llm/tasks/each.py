"""Yes or no for every category: in one object, or in a question each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import regex

from rubricator.llm.engines.engine import Generation, Request, Token
from rubricator.llm.tasks.loose_json import JsonValue, json_values
from rubricator.llm.tasks.names import fold
from rubricator.llm.tasks.probabilities import Spelling, choice_logprobs
from rubricator.llm.tasks.prompt import Prompt
from rubricator.llm.tasks.repair import (
    answer_field,
    bare,
    decided,
    read_free,
    refused,
    yes_or_no,
)
from rubricator.llm.tasks.task import UNPARSED, Aliases, Example, Reading, Task, shares
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

# Beside the keys themselves: quotes, colon, digit, comma and white space, were each a token.
_TOKENS_PER_CATEGORY = 8
_ANSWER_TOKENS = 6
# What a category's own object may call its yes or no.
_VERDICTS = frozenset({"value", "label", "answer", "applies", "present", "relevant", "значение", "ответ"})
# Every string is read to its end, whether a digit follows or not.
_PAIR = regex.compile(r'"((?:[^"\\]|\\.)*+)"?+(?:\s*+:\s*+([01])(?:\.0++)?+(?=\s*+[,}\]]))?+')


class Each(Task):
    """Asks for one JSON object with a 0 or 1 per category; in single-label work exactly one gets a 1."""

    parser = "each:2"

    def __init__(self, taxonomy: Taxonomy, prompt: Prompt, *, aliases: Aliases | None = None) -> None:
        self._schema = {
            "type": "object",
            "properties": {key: {"type": "integer", "enum": [0, 1]} for key in taxonomy.keys},
            "required": list(taxonomy.keys),
            "additionalProperties": False,
        }
        self._max_tokens = sum(len(key.encode()) + _TOKENS_PER_CATEGORY for key in taxonomy.keys) + 4
        super().__init__(taxonomy, prompt, aliases=aliases)

    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """One question whose answer is one object."""
        messages = self._messages(content, [(e.content, self._object(e)) for e in examples])
        return [Request(messages=messages, max_tokens=self._max_tokens, schema=self._schema, logprobs=True)]

    def _read(self, generations: Sequence[Generation]) -> Reading:
        """Read the object, which must speak of every category; probabilities where tokens have them."""
        (generation,) = generations
        text = generation.text
        spoken = [(stretch, self._bits(stretch.value)) for stretch in json_values(text)]
        # An object that cannot be read may say something else; a list may be a remark in brackets.
        objects = [
            (s, bits) for s, bits in spoken if bits is not None or (s.value is None and text[s.start] == "{")
        ]
        if not any(bits for _, bits in objects):
            return read_free(generation, self._names, self._taxonomy)
        stretch, bits = objects[0]
        if not bits or bits.keys() != set(self._taxonomy.keys) or any(other != bits for _, other in objects):
            return UNPARSED
        reading = decided((key for key, yes in bits.items() if yes), self._taxonomy)
        if reading.status is not Status.OK:
            return reading
        likely = self._likely(generation, stretch)
        scores = {key: likely.get(key, score) for key, score in reading.scores.items()}
        return Reading(Status.OK, shares(scores) if self._taxonomy.single else scores)

    def _likely(self, generation: Generation, stretch: JsonValue) -> dict[str, float]:
        """Probability of a 1 for the categories whose digit is a token of its own."""
        written = digit_probabilities(replace(generation, text=generation.text[stretch.start : stretch.end]))
        named = ((self._names.exact(name), probability) for name, probability in written.items())
        return {key: probability for key, probability in named if key}

    def _object(self, example: Example) -> str:
        categories = self._ordered(example)
        return json.dumps({key: int(key in categories) for key in self._taxonomy.keys}, ensure_ascii=False)

    def _bits(self, value: Any) -> dict[str, bool] | None:
        """Yes or no by category; None if this does not speak of categories, {} if it contradicts itself."""
        if isinstance(value, dict) and not any(self._names.exact(str(name)) for name in value):
            return self._bits(answer_field(value))
        bits: dict[str, bool] = {}
        for name, cell in _pairs(value):
            key, yes = self._names.exact(str(name)), yes_or_no(_verdict(cell))
            if key is None:
                continue
            if yes is None or bits.setdefault(key, yes) != yes:
                return {}
        return bits or None


class Questions(Task):
    """Asks about every category by itself: yes or no; in single-label work the likeliest yes wins."""

    parser = "question:2"

    def __init__(self, taxonomy: Taxonomy, prompt: Prompt) -> None:
        self._choices = (prompt.front.words["yes"], prompt.front.words["no"])
        super().__init__(taxonomy, prompt)

    @property
    def keys(self) -> tuple[str, ...]:
        """Categories that are asked about, in order."""
        return self._taxonomy.keys

    @property
    def alone(self) -> bool:
        """Whether a question shows no category but the one that it asks about."""
        return not self._prompt.variables & {"categories", "none_category"}

    def by_category(self, content: str, examples: Sequence[Example]) -> dict[str, Request]:
        """The question about each category."""
        return dict(zip(self.keys, self.requests(content, examples), strict=True))

    def read_part(self, key: str, generation: Generation) -> Reading:
        """Read the answer about one category: how likely yes is, 0 or 1 where only the word is known."""
        return self._reading([generation], lambda answers: self._read_one(key, answers[0]))

    def joined(self, parts: Sequence[tuple[Status, float]]) -> Reading:
        """The reading of a text from status and score about every category, in order."""
        statuses = {status for status, _ in parts} - {Status.OK}
        if statuses:
            first = (Status.FAILED, Status.UNPARSED, Status.REFUSED)
            return Reading(next(status for status in first if status in statuses))
        scores = {key: score for key, (_, score) in zip(self.keys, parts, strict=True)}
        if set(scores.values()) <= {0.0, 1.0}:
            return decided((key for key, score in scores.items() if score), self._taxonomy)
        return Reading(Status.OK, shares(scores) if self._taxonomy.single else scores)

    def _read_one(self, key: str, generation: Generation) -> Reading:
        yes = self._yes(generation.text)
        if yes is None:
            return Reading(Status.REFUSED) if refused(generation.text) else UNPARSED
        logprobs = choice_logprobs(generation, self._choices[not yes], self._choices)
        return Reading(Status.OK, {key: self._probability(logprobs) if logprobs else float(yes)})

    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """One question per category, in the order of the taxonomy."""
        yes, no = self._choices
        requests = []
        for heading in self._headings:
            shown = [(e.content, yes if heading.key in e.categories else no) for e in examples]
            messages = self._messages(content, shown, category=heading)
            requests.append(
                Request(messages=messages, max_tokens=_ANSWER_TOKENS, choices=self._choices, logprobs=True)
            )
        return requests

    def _read(self, generations: Sequence[Generation]) -> Reading:
        """Read all answers; one that cannot be read spoils the reading, for its category is unknown."""
        answers = [self._yes(generation.text) for generation in generations]
        if None in answers:
            unclear = [g.text for yes, g in zip(answers, generations, strict=True) if yes is None]
            return Reading(Status.REFUSED) if all(map(refused, unclear)) else UNPARSED
        keys = self._taxonomy.keys
        words = [self._choices[not yes] for yes in answers]
        logprobs = [choice_logprobs(g, w, self._choices) for g, w in zip(generations, words, strict=True)]
        if not all(logprobs):
            return decided((key for key, yes in zip(keys, answers, strict=True) if yes), self._taxonomy)
        scores = dict(zip(keys, map(self._probability, logprobs), strict=True))
        return Reading(Status.OK, shares(scores) if self._taxonomy.single else scores)

    def _yes(self, text: str) -> bool | None:
        """Yes or no, alone or with more behind a comma, a full stop or a line break; None if taken back."""
        pieces = regex.split(r"[,.;:!\n—]|\s-\s", bare(text).lstrip("«»\"'`("))
        words = dict(zip(map(fold, self._choices), (True, False), strict=True))
        spoken = [fold(piece).strip("«»\"'`) ") for piece in pieces]
        first = words.get(spoken[0], yes_or_no(spoken[0]))
        # A digit further on numbers something.
        later = {words.get(word, yes_or_no(word)) for word in spoken[1:] if not word.isdigit()}
        return None if (not first) in later else first

    def _probability(self, choices: Mapping[str, float]) -> float:
        """Softmax of yes against no."""
        yes, no = (choices.get(word, -math.inf) for word in self._choices)
        if math.isinf(yes) or math.isinf(no):
            return float(yes > no)
        return 1 / (1 + math.exp(min(no - yes, 700.0)))


def digit_probabilities(generation: Generation) -> dict[str, float]:
    """Probability of a 1 for every property of the object whose digit is a token of its own.

    The token is found by its place in the text, so the tokens must spell the text. Around the digit
    it may hold the punctuation that comes before it: `":1` is weighed against `":0`.
    """
    spelling = Spelling(generation)
    likely = {}
    for pair in _PAIR.finditer(generation.text):
        spelled = spelling.at(pair.start(2)) if pair[2] else None
        probability = _weighed(*spelled, pair[2]) if spelled else None
        if probability is not None:
            likely[_unescaped(pair[1])] = probability
    return likely


def _unescaped(string: str) -> str:
    try:
        return str(json.loads(f'"{string}"', strict=False))
    except ValueError:
        return string


def _pairs(value: Any) -> Iterator[tuple[Any, Any]]:
    """Categories with their yes or no: of an object, or of several in a list."""
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            continue
        if "category" in item and _verdict(item) is not None:
            yield item["category"], item
        else:
            yield from item.items()


def _verdict(cell: Any) -> Any:
    """A cell, or the one field of it that says yes or no."""
    if not isinstance(cell, dict):
        return cell
    verdicts = [value for name, value in cell.items() if fold(str(name)) in _VERDICTS]
    return verdicts[0] if len(verdicts) == 1 else None


def _weighed(token: Token, offset: int, digit: str) -> float | None:
    other = token.text[:offset] + ("0" if digit == "1" else "1") + token.text[offset + 1 :]
    if any(character.isalnum() for character in token.text.replace(digit, "", 1)):
        return None
    written = math.exp(min(0.0, token.logprob))
    against = math.exp(token.top[other]) if other in token.top else (0.0 if token.top else 1 - written)
    share = written / (written + against) if written + against else 0.5
    return share if digit == "1" else 1 - share
