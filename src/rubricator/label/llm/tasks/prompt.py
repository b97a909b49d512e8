"""A prompt file: a template with a system turn, a user turn and the answer of an example."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import jinja2
import regex
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from rubricator.errors import ConfigError, nearest
from rubricator.label.llm.tasks.bounded_templates import LONGEST_SOURCE, BoundedTemplate
from rubricator.records import content_hash
from rubricator.settings_files import SettingsFileError, parse_yaml, read_text
from rubricator.taxonomy import Taxonomy
from rubricator.validation_errors import explain

TaskName = Literal["choose", "each", "question", "explain"]
_FOLDER = Path(__file__).parents[1] / "prompts"
_FRONT = regex.compile(r"\A\s*\{#-?(.*?)-?#\}", regex.DOTALL)
_BLOCKS = ("system", "text", "answer")
_VARIABLES = frozenset({"categories", "none_category", "single", "words", "text", "category", "answer"})
_WORDS = {"choose": (), "each": (), "question": ("yes", "no"), "explain": ("category", "reason", "nothing")}
# What a template of good syntax can still do wrong when it is filled in.
_FAULTS = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)


class Front(BaseModel):
    """The YAML in the first comment of a prompt file.

    `version` is counted up by whoever changes the prompt, for people; the code hashes the file. `empty`
    are texts without content, for contextual calibration; `words` those that the answer is made of and
    the parser looks for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: TaskName
    language: str
    version: int
    empty: tuple[str, ...] = ()
    words: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Heading:
    """A category as prompts see it; `mark` is the letter that stands for it."""

    mark: str
    key: str
    title: str
    description: str


class Prompt:
    """A Jinja template with the blocks `system`, `text` and `answer`.

    `system` says what to do and is the same for all texts, so that a server reads it once; `text`
    is the user's turn about one text, `answer` the assistant's turn of an example. The variables
    are `categories` (each with `mark`, `key`, `title`, `description`), `none_category` (the
    one that means "none of the others", or nothing), `single`, `words` of the front matter; in `text` and
    `answer` also `text`, `category` (what a yes/no question is about) and `answer`.

    Raises:
        ConfigError: The file breaks a rule.
    """

    def __init__(self, source: str, *, place: str, task: TaskName) -> None:
        self.source = source
        self.place = place
        if len(source) > LONGEST_SOURCE:
            raise self._wrong(f"it has more than {LONGEST_SOURCE:,} characters", "Name a prompt file.")
        self.front = self._front(task)
        try:
            self._template = BoundedTemplate(source)
        except jinja2.TemplateSyntaxError as error:
            raise self._wrong(f"line {error.lineno}: {error.message}", "Correct the template.") from error
        self._check()

    @classmethod
    def read(cls, path: Path, task: TaskName) -> Self:
        """Read a prompt file.

        Raises:
            ConfigError: The file cannot be read or breaks a rule.
        """
        try:
            source = read_text(path)
        except (FileNotFoundError, SettingsFileError) as error:
            raise ConfigError(
                f"The prompt file {path} cannot be read: {error}.",
                fix="Correct `prompt:` of the teacher, or remove it to use the shipped prompt.",
            ) from error
        return cls(source, place=str(path), task=task)

    @classmethod
    def shipped(cls, task: TaskName, language: str, *, variant: str = "") -> Self:
        """The prompt that comes with Rubricator, in `ru` or `en`; `question` has a variant `alone`."""
        name = f"{task}-{variant}" if variant else task
        return cls.read(_FOLDER / f"{name}.{language}.jinja", task)

    @property
    def variables(self) -> frozenset[str]:
        """What the template uses of all that it may."""
        return frozenset(self._template.variables)

    def version(self, task: str, taxonomy: Taxonomy, *options: str) -> str:
        """Hash of the file, the parser's tag and what the prompt may show of the taxonomy."""
        parts = [part for c in taxonomy.categories for part in (c.key, c.name, c.description)]
        return content_hash(task, self.source, taxonomy.task, taxonomy.none or "", *options, *parts)

    def render(self, block: str, variables: Mapping[str, Any]) -> str:
        """Fill one block in; outer white space is removed.

        Raises:
            ConfigError: The template cannot be filled in.
        """
        try:
            return self._template.fill_in(block, {"words": self.front.words, **variables}).strip()
        except _FAULTS as error:
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]
            place = f"line {lines[-1]}: " if isinstance(error, jinja2.UndefinedError) and lines else ""
            raise self._wrong(
                f"{place}block {block}: {error}", "Use only what the shipped prompts use."
            ) from error

    def _front(self, task: TaskName) -> Front:
        comment = _FRONT.match(self.source)
        if not comment:
            raise self._wrong("it does not begin with a comment {# … #}", "Copy that of a shipped prompt.")
        try:
            # Strings only: `yes: Да` is about the word, not about true and false.
            front = Front.model_validate(parse_yaml(comment.group(1), yaml.BaseLoader))
        except SettingsFileError as error:
            raise self._wrong(f"its first comment is not YAML: {error}", "Correct it.") from error
        except ValidationError as error:
            raise self._wrong(f"its first comment:\n{explain(error, Front)}", "Correct it.") from error
        if front.task != task:
            raise self._wrong(f"it is for the task '{front.task}', not '{task}'", "Name a file for the task.")
        missing = [word for word in _WORDS[task] if not front.words.get(word, "").strip()]
        if missing:
            raise self._wrong(
                f"its first comment has no words.{missing[0]}", "Say which word the answer uses."
            )
        return front

    def _check(self) -> None:
        for block in _BLOCKS:
            if block not in self._template.blocks:
                raise self._wrong(
                    f"it has no block '{block}'", f"Add {{% block {block} %}} … {{% endblock %}}."
                )
        for name in sorted(self._template.variables - _VARIABLES):
            raise self._wrong(
                f"nothing is called '{name}'{nearest(name, _VARIABLES)}",
                f"Use {', '.join(sorted(_VARIABLES))}.",
            )

    def _wrong(self, problem: str, fix: str) -> ConfigError:
        return ConfigError(f"The prompt {self.place} cannot be used: {problem}.", fix=fix)
