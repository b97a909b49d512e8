"""One category, answered by one letter."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence

import regex

from rubricator.errors import ConfigError
from rubricator.label.llm.engines.engine import Generation, Request
from rubricator.label.llm.tasks.names import Names
from rubricator.label.llm.tasks.prompt import Prompt
from rubricator.label.llm.tasks.repair import UNPARSED, bare, decided, read_free
from rubricator.label.llm.tasks.task import Aliases, Example, Reading, Task, shares
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

_MARKS = string.ascii_uppercase + string.ascii_lowercase + string.digits
_LETTERS = len(string.ascii_uppercase)
# Where the server holds the model to the letters, one token comes; elsewhere "The answer is B." fits.
_MAX_TOKENS = 12
# A prior below this is noise, and dividing by it would decide everything.
_SMALLEST_PRIOR = 1e-4
# Cyrillic letters that look like Latin ones and cannot be meant as the second or sixth of their own alphabet.
_LOOKALIKES = str.maketrans("АС", "AC")
_HEADED = regex.compile(r"^(?:\w+\s*:\s*)?[(\[]?(\w)[)\].:,—–-]+(?:\s+(.*))?$", regex.DOTALL)
_BESIDE = regex.compile(r"^(\w)\s+(.+)$", regex.DOTALL)


class Choose(Task):
    """Asks for one category by the letter that stands for it.

    Categories are lettered A to Z; from the 27th on a to z and 0 to 9, so that each is still one
    token and the probabilities of the letters are those of the categories.

    Raises:
        ConfigError: The taxonomy is multi-label or has more than 62 categories, or the prompt cannot
            be filled in.
    """

    parser = "choose:1"

    def __init__(self, taxonomy: Taxonomy, prompt: Prompt, *, aliases: Aliases | None = None) -> None:
        _check(taxonomy)
        self._marks = dict(zip(_MARKS, taxonomy.keys, strict=False))
        self._mark_of = {key: mark for mark, key in self._marks.items()}
        self.empty = prompt.front.empty
        super().__init__(taxonomy, prompt, aliases=aliases, marks=list(self._marks))
        if len(self._marks) <= _LETTERS:
            self._names = Names(taxonomy, {**self._marks, **(aliases or {})})

    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """One question whose answer is one letter."""
        answers = [self._mark_of[self._ordered(example)[0]] for example in examples]
        messages = self._messages(content, zip((e.content for e in examples), answers, strict=True))
        return [Request(messages=messages, max_tokens=_MAX_TOKENS, choices=tuple(self._marks), logprobs=True)]

    def _read(self, generation: Generation) -> Reading:
        """Read the letter, or a name where the model wrote one; probabilities where they are known."""
        key = self._marked(bare(generation.text))
        reading = decided((key,), self._taxonomy) if key else self._unmarked(generation.text)
        if reading.status is Status.OK and key and generation.choices:
            return Reading(Status.OK, self._probabilities(generation.choices))
        return reading

    def calibrated(self, scores: Mapping[str, float], prior: Mapping[str, float]) -> dict[str, float]:
        """Take out of the probabilities what the model says of texts without content.

        Contextual calibration (Zhao et al. 2021, https://arxiv.org/abs/2102.09690) with a diagonal
        matrix: probabilities are divided by the prior and made to sum to one again.
        """
        return shares({key: score / max(prior[key], _SMALLEST_PRIOR) for key, score in scores.items()})

    def _marked(self, text: str) -> str | None:
        """The category of a letter alone, or of a letter beside a name that does not contradict it."""
        first = text.split("\n", 1)[0].strip(" \t«»\"'`.,*()[]")
        for spelled in (first, first.translate(_LOOKALIKES)):
            if key := self._mark(spelled):
                return key
        headed, beside = _HEADED.match(text), _BESIDE.match(text)
        if headed and (key := self._mark(headed.group(1))):
            stated = self._stated(headed.group(2) or "")
            return key if stated in (None, key) else None
        if beside and (key := self._mark(beside.group(1))) and self._names.exact(beside.group(2)) == key:
            return key
        return None

    def _mark(self, letter: str) -> str | None:
        if letter in self._marks:
            return self._marks[letter]
        return self._marks.get(letter.upper()) if len(self._marks) <= _LETTERS else None

    def _stated(self, rest: str) -> str | None:
        """The category that the words after a letter name; "" if it is not clear which."""
        key = self._names.exact(rest.split("\n", 1)[0])
        stated = [] if key else self._names.stated(rest)
        return key or (None if not stated else stated[0][0] if len(stated[0]) == 1 else "")

    def _unmarked(self, text: str) -> Reading:
        headed = _HEADED.match(bare(text))
        if headed and self._mark(headed.group(1)):
            return UNPARSED  # the letter says one thing and the words another
        return read_free(text, self._names, self._taxonomy)

    def _probabilities(self, choices: Mapping[str, float]) -> dict[str, float]:
        """Softmax over the letters; a letter that the engine knows nothing of was not likely."""
        top = max(choices.values())
        weights = {key: math.exp(choices.get(mark, -math.inf) - top) for mark, key in self._marks.items()}
        return shares(weights)


def _check(taxonomy: Taxonomy) -> None:
    if not taxonomy.single:
        raise ConfigError(
            "The task 'choose' picks one category, but the taxonomy is multi-label.",
            fix="Set `task: each` for the teacher, which asks about every category.",
        )
    if len(taxonomy.categories) > len(_MARKS):
        raise ConfigError(
            f"The task 'choose' tells at most {len(_MARKS)} categories apart by one letter, "
            f"the taxonomy has {len(taxonomy.categories)}.",
            fix="Set `task: explain` for the teacher.",
        )
