"""A category and the reason for it, in strict lines: slower, for audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import regex

from rubricator.label.llm.engines.engine import Generation, Request
from rubricator.label.llm.tasks.names import Names, fold
from rubricator.label.llm.tasks.prompt import Prompt, headings, ordered, shared_variables
from rubricator.label.llm.tasks.repair import UNPARSED, bare, decided, listed, read_free
from rubricator.label.llm.tasks.task import Example, Reading
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

# A sentence; a base model goes on to the end whatever it is asked.
_MAX_TOKENS = 128


class Explain:
    """Asks for a line with the category (several, with commas, in multi-label work) and one with the reason.

    Examples show the category's line and, as their reason, that the description fits: nobody wrote
    down why a golden text has its categories.

    Args:
        taxonomy: Single- or multi-label.
        prompt: For the task `explain`; its front matter names the words that begin the lines.
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
        words = prompt.front.words
        self._nothing = words["nothing"]
        heads = "|".join(regex.escape(fold(words[word])) for word in ("category", "reason"))
        self._line = regex.compile(rf"^\W*({heads})\s*:[^\S\n]*(.*)$", regex.MULTILINE | regex.IGNORECASE)
        self._category = fold(words["category"])
        options = [f"{alias}\0{key}" for alias, key in sorted(aliases.items())]
        self.version = prompt.version("explain:1", taxonomy, *options)
        self.requests("", [Example("", (taxonomy.keys[0],))])  # a faulty prompt shows before it costs money

    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """One question whose answer is two lines."""
        shown = [({**self._shared, "text": e.content}, self._answer(e)) for e in examples]
        messages = self._prompt.messages(self._system, shown, {**self._shared, "text": content})
        return [Request(messages=messages, max_tokens=_MAX_TOKENS)]

    def read(self, generations: Sequence[Generation]) -> Reading:
        """Read the category's line; an answer in another form is read as prose is.

        What follows the first reason is a base model going on by itself and is not read.
        """
        (generation,) = generations
        if generation.status is not Status.OK:
            return Reading(generation.status)
        said = self._lines(bare(generation.text))
        if not said:
            return read_free(generation.text, self._names, self._taxonomy)
        read = [self._categories(line) for line in said]
        if None in read or any(set(keys or ()) != set(read[0] or ()) for keys in read):
            return UNPARSED
        return decided(read[0] or (), self._taxonomy)

    def _lines(self, text: str) -> list[str]:
        """What the lines with the category say, up to the first reason."""
        said = []
        for line in self._line.finditer(text):
            if fold(line.group(1)) == self._category:
                said.append(line.group(2))
            elif said:
                break
        return said

    def _categories(self, line: str) -> tuple[str, ...] | None:
        if not self._taxonomy.single and fold(line).strip(" .«»\"'") == fold(self._nothing):
            return ()
        return listed(line, self._names) or None

    def _answer(self, example: Example) -> str:
        categories = ordered(example, self._taxonomy)
        return ", ".join(self._taxonomy[key].title for key in categories) or self._nothing
