"""One category, answered by one letter."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence

import regex

from rubricator.errors import ConfigError
from rubricator.llm.engines.engine import Generation, Request
from rubricator.llm.tasks.names import Names, retracted
from rubricator.llm.tasks.probabilities import choice_logprobs
from rubricator.llm.tasks.prompt import Prompt
from rubricator.llm.tasks.repair import bare, decided, read_free
from rubricator.llm.tasks.task import UNPARSED, Aliases, Example, Reading, Task, shares
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
_LABELLED = regex.compile(r"\w{2,}+\s*+:[\W_]*+(\w)[\W_]*+")
_HEADED = regex.compile(r"(?:\w{2,}+\s*+:\s*+)?[(\[]?(\w)[)\].:,—–-]+(?:\s+(.*))?", regex.DOTALL)
_BESIDE = regex.compile(r"(\w)\s+(.+)", regex.DOTALL)


class Choose(Task):
    """Asks for one category by the letter that stands for it.

    Categories are lettered A to Z; from the 27th on a to z and 0 to 9, so that each is still one
    token and the probabilities of the letters are those of the categories.

    Raises:
        ConfigError: The taxonomy is multi-label or has more than 62 categories, or the prompt cannot
            be filled in.
    """

    parser = "choose:2"

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

    def _read(self, generations: Sequence[Generation]) -> Reading:
        """Read the letter, or a name where the model wrote one; probabilities where they are known."""
        (generation,) = generations
        key, rest = self._letter(bare(generation.text))
        if key is None:
            return read_free(generation, self._names, self._taxonomy)
        if not self._agrees(key, rest):
            return UNPARSED
        logprobs = choice_logprobs(generation, self._mark_of[key], self._marks)
        return (
            Reading(Status.OK, self._probabilities(logprobs)) if logprobs else decided((key,), self._taxonomy)
        )

    def calibrated(self, scores: Mapping[str, float], prior: Mapping[str, float]) -> dict[str, float]:
        """Take out of the probabilities what the model says of texts without content.

        Contextual calibration (Zhao et al. 2021, https://arxiv.org/abs/2102.09690) with a diagonal
        matrix: probabilities are divided by the prior and made to sum to one again.
        """
        return shares({key: score / max(prior[key], _SMALLEST_PRIOR) for key, score in scores.items()})

    def _letter(self, text: str) -> tuple[str | None, str]:
        """The category of a letter alone, or of a letter beside words; and what stands behind the letter."""
        line, _, rest = text.partition("\n")
        labelled, headed, beside = (
            form.fullmatch(part) for form, part in ((_LABELLED, line), (_HEADED, text), (_BESIDE, text))
        )
        alone = line.strip(" \t«»\"'`.,*()[]")
        for letter in (alone, alone.translate(_LOOKALIKES), labelled[1] if labelled else ""):
            if key := self._mark(letter):
                return key, f"\n{rest}"
        if headed and (key := self._mark(headed[1])):
            return key, headed[2] or ""
        if beside and (key := self._mark(beside[1])) and self._names.exact(beside[2]) == key:
            return key, ""
        return None, text

    def _agrees(self, key: str, rest: str) -> bool:
        """Whether the words behind a letter leave no doubt about it: no other letter, no other category."""
        beside, *lines = rest.split("\n")
        named = {self._names.exact(line) for line in (beside, *lines)}
        named |= {self._letter(line)[0] for line in lines}
        stated = self._names.stated(rest)
        return (
            named <= {key, None}
            and not retracted(rest)
            and all(key in keys for keys in stated)
            and self._names.stated(beside)[:1] in ([], [(key,)])
        )

    def _mark(self, letter: str) -> str | None:
        if letter in self._marks:
            return self._marks[letter]
        return self._marks.get(letter.upper()) if len(self._marks) <= _LETTERS else None

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
