"""Reads `rubricator.yaml`."""

from __future__ import annotations

import copy
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rubricator.config.sections import Config
from rubricator.errors import ConfigError
from rubricator.masking import MASK, masked, masked_settings
from rubricator.settings_files import SettingsFileError, parse_yaml, read_text
from rubricator.validation_errors import listed


def read_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read `rubricator.yaml` and apply overrides, each `dotted.key=value` with the value in YAML.

    Raises:
        ConfigError: No such file, no YAML, or any number of faults, reported together.
    """
    try:
        raw = parse_yaml(read_text(path))
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no config file {path}.",
            fix="Start one with `rubricator init DIR`, or name yours with `-c FILE`.",
        ) from error
    except SettingsFileError as error:
        problem = f"{path} cannot be read as YAML in UTF-8: {error}."
        raise ConfigError(problem, fix="Correct the file.") from error
    if not isinstance(raw, dict):
        raise ConfigError(
            f"{path} holds no settings (a mapping was expected).",
            fix="See `rubricator init DIR` for an example.",
        )
    raw.pop("folder", None)
    for override in overrides:
        _override(raw, override)
    return build_config(raw, folder=path.parent, where=str(path))


def changed(raw: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Settings that were put together, with overrides as `read_config` takes them.

    Raises:
        ConfigError: An override is not of the form `dotted.key=value`, or names no section.
    """
    settings = copy.deepcopy(dict(raw))
    for override in overrides:
        _override(settings, override)
    return settings


def build_config(raw: Mapping[str, Any], *, folder: Path, where: str) -> Config:
    """Check settings that were read or put together; `where` names what holds them, for errors.

    Raises:
        ConfigError: Any number of faults, reported together.
    """
    try:
        return Config.model_validate({**raw, "folder": folder})
    except ValidationError as error:
        raise ConfigError(listed(where, error, Config, data=raw), fix="Correct it.") from error


def shown_arguments(arguments: Sequence[str]) -> str:
    """Arguments of a command as they may be kept: what is secret in the settings of `--set` is masked."""
    shown, before = [], ""
    for argument in arguments:
        option, equals, setting = argument.partition("=")
        if before == "--set":
            shown.append(_shown_override(argument))
        elif option == "--set" and equals:
            shown.append(f"--set={_shown_override(setting)}")
        else:
            shown.append(masked(argument))
        before = argument
    return shlex.join(shown)


def _shown_override(override: str) -> str:
    dotted, _, written = override.partition("=")
    try:
        value = parse_yaml(written)
    except SettingsFileError:
        return f"{dotted}={MASK}"
    shown = masked_settings(value, tuple(dotted.split(".")))
    return override if shown == value else f"{dotted}={json.dumps(shown, ensure_ascii=False)}"


def _override(raw: dict[str, Any], override: str) -> None:
    dotted, equals, value = override.partition("=")
    if not equals or not dotted.strip():
        raise ConfigError(
            f"--set {override!r} is not of the form key=value.", fix="Write for example --set split.test=0.3"
        )
    *sections, last = dotted.strip().split(".")
    target: Any = raw
    for section in sections:
        target = target.setdefault(section, {}) if isinstance(target, dict) else None
    if not isinstance(target, dict):
        raise ConfigError(
            f"--set {dotted}: '{'.'.join(sections)}' is not a section.",
            fix="See the keys of rubricator.yaml.",
        )
    try:
        target[last] = parse_yaml(value)
    except SettingsFileError as error:
        problem = f"--set {dotted}: the value is not YAML: {error}"
        raise ConfigError(problem, fix="Quote the value.") from error
