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
from rubricator.llm.tasks.bounded_templates import LONGEST_SOURCE, BoundedTemplate
from rubricator.records import content_hash
from rubricator.settings_files import SettingsFileError, parse_yaml, read_text
from rubricator.taxonomy import Taxonomy
from rubricator.validation_errors import explain

TaskName = Literal["choose", "each", "question", "explain"]
_FRONT = regex.compile(r"\A\s*\{#-?(.*?)-?#\}", regex.DOTALL)
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


@dataclass(frozen=True, slots=True)
class Form:
    """What prompt files of a kind must hold, and may use.

    Attributes:
        folder: Where those that come with Rubricator lie, as `TASK.LANGUAGE.jinja`.
        words: By task, the words of the front matter that its parser looks for.
    """

    folder: Path
    blocks: tuple[str, ...]
    variables: frozenset[str]
    words: Mapping[str, tuple[str, ...]]


LABELLING = Form(
    folder=Path(__file__).parents[1] / "prompts",
    blocks=("system", "text", "answer"),
    variables=frozenset({"categories", "none_category", "single", "words", "text", "category", "answer"}),
    words={"question": ("yes", "no"), "explain": ("category", "reason", "nothing")},
)
"""Prompts that ask for the categories of a text."""


class Front(BaseModel):
    """The YAML in the first comment of a prompt file.

    `version` is counted up by whoever changes the prompt, for people; the code hashes the file. `empty`
    are texts without content, for contextual calibration; `words` those that the answer is made of and
    the parser looks for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
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
    """A Jinja template with the blocks and variables of its form.

    In `LABELLING`, `system` says what to do and is the same for all texts, so that a server reads it
    once; `text` is the user's turn about one text, `answer` the assistant's turn of an example. The variables
    are `categories` (each with `mark`, `key`, `title`, `description`), `none_category` (the
    one that means "none of the others", or nothing), `single`, `words` of the front matter; in `text` and
    `answer` also `text`, `category` (what a yes/no question is about) and `answer`.

    Raises:
        ConfigError: The file breaks a rule.
    """

    def __init__(self, source: str, *, place: str, task: str, form: Form = LABELLING) -> None:
        self.source = source
        self.place = place
        self._form = form
        if len(source) > LONGEST_SOURCE:
            raise self._wrong(f"it has more than {LONGEST_SOURCE:,} characters", "Name a prompt file.")
        self.front = self._front(task)
        try:
            self._template = BoundedTemplate(source)
        except jinja2.TemplateSyntaxError as error:
            raise self._wrong(f"line {error.lineno}: {error.message}", "Correct the template.") from error
        self._check()

    @classmethod
    def read(cls, path: Path, task: str, form: Form = LABELLING) -> Self:
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
        return cls(source, place=str(path), task=task, form=form)

    @classmethod
    def shipped(cls, task: str, language: str, form: Form = LABELLING, *, variant: str = "") -> Self:
        """The prompt that comes with Rubricator, in `ru` or `en`; `question` has a variant `alone`."""
        name = f"{task}-{variant}" if variant else task
        return cls.read(form.folder / f"{name}.{language}.jinja", task, form)

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

    def _front(self, task: str) -> Front:
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
        missing = [word for word in self._form.words.get(task, ()) if not front.words.get(word, "").strip()]
        if missing:
            raise self._wrong(
                f"its first comment has no words.{missing[0]}", "Say which word the answer uses."
            )
        return front

    def _check(self) -> None:
        for block in self._form.blocks:
            if block not in self._template.blocks:
                raise self._wrong(
                    f"it has no block '{block}'", f"Add {{% block {block} %}} … {{% endblock %}}."
                )
        known = self._form.variables
        for name in sorted(self._template.variables - known):
            raise self._wrong(
                f"nothing is called '{name}'{nearest(name, known)}", f"Use {', '.join(sorted(known))}."
            )

    def _wrong(self, problem: str, fix: str) -> ConfigError:
        return ConfigError(f"The prompt {self.place} cannot be used: {problem}.", fix=fix)
