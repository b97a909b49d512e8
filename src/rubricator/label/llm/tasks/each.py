"""Yes or no for every category: in one object, or in a question each."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import regex

from rubricator.label.llm.engines.engine import Generation, Request, Token
from rubricator.label.llm.tasks.names import Names, fold
from rubricator.label.llm.tasks.prompt import Prompt, headings, ordered, shared_variables
from rubricator.label.llm.tasks.repair import UNPARSED, as_json, bare, decided, read_free, refused, yes_or_no
from rubricator.label.llm.tasks.task import Example, Reading
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

# Beside the keys themselves: quotes, colon, digit, comma and white space, were each a token.
_TOKENS_PER_CATEGORY = 8
_ANSWER_TOKENS = 6
_EVEN = 0.5


class Each:
    """Asks for one JSON object with a 0 or 1 per category.

    Args:
        taxonomy: Multi-label, or single-label (then exactly one category must get a 1).
        prompt: For the task `each`.
        aliases: Other words that may stand for a category in an answer → its key.

    Raises:
        ConfigError: The prompt cannot be filled in.
    """

    empty: tuple[str, ...] = ()

    def __init__(
        self, taxonomy: Taxonomy, prompt: Prompt, *, aliases: Mapping[str, str] | None = None
    ) -> None:
        aliases = aliases or {}
        self._taxonomy = taxonomy
        self._prompt = prompt
        self._names = Names(taxonomy, aliases)
        self._shared = shared_variables(taxonomy, headings(taxonomy))
        self._system = prompt.render("system", self._shared)
        self._schema = {
            "type": "object",
            "properties": {key: {"type": "integer", "enum": [0, 1]} for key in taxonomy.keys},
            "required": list(taxonomy.keys),
            "additionalProperties": False,
        }
        self._max_tokens = sum(len(key.encode()) + _TOKENS_PER_CATEGORY for key in taxonomy.keys) + 4
        options = [f"{alias}\0{key}" for alias, key in sorted(aliases.items())]
        self.version = prompt.version("each:1", taxonomy, *options)
        self.requests("", [Example("", (taxonomy.keys[0],))])  # a faulty prompt shows before it costs money

    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """One question whose answer is one object."""
        shown = [({**self._shared, "text": e.content}, self._object(e)) for e in examples]
        messages = self._prompt.messages(self._system, shown, {**self._shared, "text": content})
        return [Request(messages=messages, max_tokens=self._max_tokens, schema=self._schema, logprobs=True)]

    def read(self, generations: Sequence[Generation]) -> Reading:
        """Read the object, which must speak of every category; probabilities where tokens have them."""
        (generation,) = generations
        if generation.status is not Status.OK:
            return Reading(generation.status)
        said = self._said(as_json(generation.text))
        if said is None:
            return read_free(generation.text, self._names, self._taxonomy)
        if said.keys() != set(self._taxonomy.keys):
            return UNPARSED
        reading = decided((key for key, yes in said.items() if yes), self._taxonomy)
        if reading.status is not Status.OK:
            return reading
        likely = digit_probabilities(generation)
        scores = {key: likely.get(key, score) for key, score in reading.scores.items()}
        return Reading(Status.OK, shares(scores) if self._taxonomy.single else scores)

    def _object(self, example: Example) -> str:
        categories = ordered(example, self._taxonomy)
        return json.dumps({key: int(key in categories) for key in self._taxonomy.keys}, ensure_ascii=False)

    def _said(self, value: Any) -> dict[str, bool] | None:
        """Yes or no by category; None if this is no object about categories, {} if it contradicts itself."""
        if not isinstance(value, dict):
            return None
        said: dict[str, bool] = {}
        for name, given in value.items():
            key, yes = self._names.exact(str(name)), yes_or_no(given)
            if key is None:
                continue
            if yes is None or said.setdefault(key, yes) != yes:
                return {}
        return said or None


class Questions:
    """Asks about every category by itself: yes or no.

    Args:
        taxonomy: Multi-label, or single-label (then the likeliest yes wins).
        prompt: For the task `question`.

    Raises:
        ConfigError: The prompt cannot be filled in.
    """

    empty: tuple[str, ...] = ()

    def __init__(self, taxonomy: Taxonomy, prompt: Prompt) -> None:
        self._taxonomy = taxonomy
        self._prompt = prompt
        self._headings = headings(taxonomy)
        self._shared = shared_variables(taxonomy, self._headings)
        self._system = prompt.render("system", self._shared)
        self._yes, self._no = prompt.front.words["yes"], prompt.front.words["no"]
        self.version = prompt.version("question:1", taxonomy)
        self.requests("", [Example("", (taxonomy.keys[0],))])  # a faulty prompt shows before it costs money

    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """One question per category, in the order of the taxonomy."""
        asked = []
        for heading in self._headings:
            fixed = {**self._shared, "category": heading}
            shown = [
                ({**fixed, "text": e.content}, self._yes if heading.key in e.categories else self._no)
                for e in examples
            ]
            messages = self._prompt.messages(self._system, shown, {**fixed, "text": content})
            choices = (self._yes, self._no)
            asked.append(
                Request(messages=messages, max_tokens=_ANSWER_TOKENS, choices=choices, logprobs=True)
            )
        return asked

    def read(self, generations: Sequence[Generation]) -> Reading:
        """Read all answers; one that cannot be read spoils the reading, for its category is unknown."""
        for status in (Status.FAILED, Status.REFUSED):
            if any(generation.status is status for generation in generations):
                return Reading(status)
        said = [self._said(generation.text) for generation in generations]
        if None in said:
            declined = all(
                yes is not None or refused(g.text) for yes, g in zip(said, generations, strict=True)
            )
            return Reading(Status.REFUSED) if declined else UNPARSED
        keys = self._taxonomy.keys
        if not all(generation.choices for generation in generations):
            return decided((key for key, yes in zip(keys, said, strict=True) if yes), self._taxonomy)
        scores = {key: self._probability(g.choices) for key, g in zip(keys, generations, strict=True)}
        return Reading(Status.OK, shares(scores) if self._taxonomy.single else scores)

    def _said(self, text: str) -> bool | None:
        """Yes or no, alone or followed by more after a comma, a full stop or a line break."""
        first = fold(regex.split(r"[,.;:!\n—]|\s-\s", bare(text).lstrip("«»\"'`("), maxsplit=1)[0]).strip(
            "«»\"'`) "
        )
        words = {fold(self._yes): True, fold(self._no): False}
        return words.get(first, yes_or_no(first))

    def _probability(self, choices: Mapping[str, float]) -> float:
        """Softmax of yes against no."""
        yes, no = choices.get(self._yes, -math.inf), choices.get(self._no, -math.inf)
        if math.isinf(yes) or math.isinf(no):
            return float(yes > no)
        return 1 / (1 + math.exp(min(no - yes, 700.0)))


def shares(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores in proportion, summing to one (even if all are zero)."""
    total = sum(scores.values())
    return {key: score / total if total else 1 / len(scores) for key, score in scores.items()}


def digit_probabilities(generation: Generation) -> dict[str, float]:
    """Probability of a 1 for every property of the object whose digit is a token of its own.

    The token is found by its place in the text, so the tokens must spell the text. Around the digit
    it may hold the punctuation that comes before it: `":1` is weighed against `":0`.
    """
    spelled = "".join(token.text for token in generation.tokens)
    begins = spelled.find(generation.text)
    if not generation.text or begins < 0:
        return {}
    at: dict[int, tuple[Token, int]] = {}
    place = -begins
    for token in generation.tokens:
        at.update({place + offset: (token, offset) for offset in range(len(token.text))})
        place += len(token.text)
    likely = {}
    for found in regex.finditer(r'"((?:[^"\\]|\\.)*)"\s*:\s*([01])(?=\s*[,}])', generation.text):
        key = json.loads(f'"{found.group(1)}"')
        likely[key] = _weighed(*at[found.start(2)], found.group(2))
    return {key: probability for key, probability in likely.items() if probability is not None}


def _weighed(token: Token, offset: int, digit: str) -> float | None:
    other = token.text[:offset] + ("0" if digit == "1" else "1") + token.text[offset + 1 :]
    if any(character.isalnum() for character in token.text.replace(digit, "", 1)):
        return None
    said = math.exp(min(0.0, token.logprob))
    against = math.exp(token.top[other]) if other in token.top else (0.0 if token.top else 1 - said)
    share = said / (said + against) if said + against else _EVEN
    return share if digit == "1" else 1 - share
