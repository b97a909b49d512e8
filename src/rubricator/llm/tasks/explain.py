"""A category and the reason for it, in strict lines: slower, for audit."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rubricator.llm.engines.engine import Generation, Request
from rubricator.llm.tasks.names import fold
from rubricator.llm.tasks.prompt import Prompt
from rubricator.llm.tasks.repair import decided, listed, read_free, whole_lines
from rubricator.llm.tasks.task import UNPARSED, Aliases, Example, Reading, Task
from rubricator.taxonomy import Taxonomy

# A sentence; a base model goes on to the end whatever it is asked.
_MAX_TOKENS = 128


class Explain(Task):
    """Asks for a line with the category (several, with commas, in multi-label work) and one with the reason.

    Examples show the category's line and, as their reason, that the description fits: nobody wrote
    down why a golden text has its categories. The prompt's front matter names the words that begin the
    lines.
    """

    parser = "explain:2"

    def __init__(self, taxonomy: Taxonomy, prompt: Prompt, *, aliases: Aliases | None = None) -> None:
        words = prompt.front.words
        self._nothing = words["nothing"]
        self._category = fold(words["category"])
        heads = "|".join(regex.escape(fold(words[word])) for word in ("category", "reason"))
        line = rf"^[^\w\n]*+({heads})\s*+:[^\S\n]*+(.*+)$"
        self._line = regex.compile(line, regex.MULTILINE | regex.IGNORECASE)
        super().__init__(taxonomy, prompt, aliases=aliases)

    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """One question whose answer is two lines."""
        messages = self._messages(content, [(e.content, self._answer(e)) for e in examples])
        return [Request(messages=messages, max_tokens=_MAX_TOKENS)]

    def _read(self, generations: Sequence[Generation]) -> Reading:
        """Read the category's line; an answer in another form is read as prose is.

        What follows the first reason is a base model going on by itself and is not read.
        """
        (generation,) = generations
        lines = self._lines(whole_lines(generation, self._taxonomy))
        if not lines:
            return read_free(generation, self._names, self._taxonomy)
        named = [self._categories(line) for line in lines]
        if None in named or any(set(keys or ()) != set(named[0] or ()) for keys in named):
            return UNPARSED
        return decided(named[0] or (), self._taxonomy)

    def _lines(self, text: str) -> list[str]:
        """What the lines with the category say, up to the first reason."""
        lines = []
        for line in self._line.finditer(text):
            if fold(line.group(1)) == self._category:
                lines.append(line.group(2))
            elif lines:
                break
        return lines

    def _categories(self, line: str) -> tuple[str, ...] | None:
        if not self._taxonomy.single and fold(line).strip(" .«»\"'") == fold(self._nothing):
            return ()
        return listed(line, self._names) or None

    def _answer(self, example: Example) -> str:
        categories = self._ordered(example)
        return ", ".join(self._taxonomy[key].title for key in categories) or self._nothing
