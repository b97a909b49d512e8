"""Files that people write: read as text and YAML, within bounds of size, depth and time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_LARGEST = 2**24
_MOST_NODES = 200_000
_DEEPEST = 50
_EVENTS = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SettingsFileError(Exception):
    """A file cannot be read, or its text is no YAML; the message says why, as a clause."""


def read_text(path: Path) -> str:
    """The text of a file that a person wrote.

    Raises:
        FileNotFoundError: There is no such file.
        SettingsFileError: It cannot be read, is no text in UTF-8, or is far too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise SettingsFileError(f"it has more than {_LARGEST:,} bytes")
        return content.decode("utf-8")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SettingsFileError(error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise SettingsFileError(f"it is no text in UTF-8 ({error.reason} at byte {error.start:,})") from error


def parse_yaml(text: str, loader: type[Any] = yaml.SafeLoader) -> Any:
    """What a text says in YAML; the lines around a fault, which may hold secrets, are not repeated.

    Raises:
        SettingsFileError: It is no YAML, or would take too long: too deep, too many values, or references
            that multiply them.
    """
    try:
        _check(text)
        return yaml.load(text, Loader=loader)  # noqa: S506 - every loader here makes plain values only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise SettingsFileError(f"{place}{error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # of dates and numbers
        raise SettingsFileError(str(error)) from error


def _check(text: str) -> None:
    """Refuse what would take too long, before anything is made of it."""
    sizes: dict[str | None, int] = {}  # values below each anchor
    unfinished: list[tuple[str | None, int]] = [(None, 0)]  # anchor of each level, and values in it so far
    for event in yaml.parse(text, Loader=_EVENTS):
        line, size = event.start_mark.line + 1 if event.start_mark else 1, 0
        if isinstance(event, yaml.CollectionStartEvent):
            unfinished.append((event.anchor, 1))
        elif isinstance(event, yaml.AliasEvent):
            if any(event.anchor == name for name, _ in unfinished):
                raise SettingsFileError(f"line {line}: *{event.anchor} refers to itself")
            size = sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            sizes[event.anchor] = size = 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = unfinished.pop()
            sizes[anchor] = size
        outer, before = unfinished.pop()
        unfinished.append((outer, before + size))
        if len(unfinished) > _DEEPEST:
            raise SettingsFileError(f"line {line}: nested deeper than {_DEEPEST} levels")
        if before + size > _MOST_NODES:
            raise SettingsFileError(f"line {line}: more than {_MOST_NODES:,} values, each counted where used")
