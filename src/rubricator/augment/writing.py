"""The stages that write: a prompt file and its parser each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import regex

from rubricator.augment.attributes import Attributes
from rubricator.augment.chatter import declines
from rubricator.llm.engines.engine import Generation, Message, Request
from rubricator.llm.tasks.prompt import Form, Prompt
from rubricator.llm.tasks.repair import bare
from rubricator.llm.thoughts import without_thoughts
from rubricator.records import Status, content_hash
from rubricator.taxonomy import Category

WritingStage = Literal["generate", "diversify", "restyle", "graft"]
PROMPTS = Form(
    folder=Path(__file__).parent / "prompts",
    blocks=("system", "text"),
    variables=frozenset({"category", "seeds", "text", "attributes", "words", "options"}),
    words={
        **dict.fromkeys(("generate", "diversify", "restyle", "graft"), ("example", "new")),
        "judge": ("belongs", "other", "reply"),
    },
)
_PARSER = "text:1"
# Small tokenizers make so many tokens of a word that is not English.
_TOKENS_PER_WORD = 5
_SPARE_TOKENS = 32
_QUOTES = regex.compile(r'^[«"“„](?P<inside>[^«»"“”„]+)[»"”“]$')


@dataclass(frozen=True, slots=True)
class Written:
    """What was read out of a generation: a text only where the status is `ok`."""

    status: Status
    content: str = ""


class Writer:
    """Asks for one text and reads it.

    Attributes:
        stage: What it does with seeds or with the text before.
        version: Hash of the prompt and its parser.
        prompt: Name of the prompt file and the number that people gave it.
    """

    def __init__(self, stage: WritingStage, language: str) -> None:
        self._prompt = Prompt.shipped(stage, language, PROMPTS)
        self.stage = stage
        self.version = content_hash(_PARSER, stage, self._prompt.source)
        self.prompt = f"{stage}.{language}.v{self._prompt.front.version}"
        words = "|".join(regex.escape(word) for word in self._prompt.front.words.values())
        self._cue = regex.compile(rf"^[^\S\n]*(?:{words})[^\S\n]*\d*[^\S\n]*:", regex.MULTILINE)

    def request(
        self,
        category: Category,
        *,
        seeds: Sequence[str],
        text: str,
        attributes: Attributes,
        temperature: float,
        most_tokens: int,
    ) -> Request:
        """The question: with seeds to learn from, or a text to change, or both.

        Raises:
            ConfigError: The prompt cannot be filled in.
        """
        variables: Mapping[str, Any] = {
            "category": category,
            "seeds": list(seeds),
            "text": text,
            "attributes": attributes,
        }
        question = self._prompt.render("text", variables)
        longest = max(attributes.words, len(text.split()))
        return Request(
            messages=(
                Message("system", self._prompt.render("system", variables)),
                Message("user", question + "\n"),
            ),
            max_tokens=min(most_tokens, longest * _TOKENS_PER_WORD + _SPARE_TOKENS),
            temperature=temperature,
        )

    def read(self, generation: Generation) -> Written:
        """The text that was written.

        Where a model that only continues goes on to the next example, its text ends before that. What the
        token limit cut off is `unparsed`.
        """
        if generation.status is not Status.OK:
            return Written(generation.status)
        answer = without_thoughts(generation.text)
        if answer is None:
            return Written(Status.UNPARSED)
        text, whole = self._one_text(answer)
        if not text or (generation.cut and not whole):
            return Written(Status.UNPARSED)
        return Written(Status.REFUSED if declines(text) else Status.OK, text)

    def _one_text(self, answer: str) -> tuple[str, bool]:
        """The first text of an answer, and whether it is known to be whole."""
        if first := self._cue.match(answer):
            answer = answer[first.end() :]
        following = self._cue.search(answer)
        text = bare(answer[: following.start()] if following else answer)
        quoted = _QUOTES.match(text)
        return (quoted["inside"] if quoted else text).strip(), following is not None
