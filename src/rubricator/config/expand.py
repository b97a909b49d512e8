"""`${NAME:-default}` in paths and addresses of the config."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from rubricator.errors import ConfigError

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")


def expand(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Put the values of environment variables in.

    Raises:
        ConfigError: A variable without a default is not set.
    """
    variables = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        value = variables.get(match["name"]) or match["default"]
        if value is None:
            raise ConfigError(
                f"'{text}' names the environment variable {match['name']}, which is not set.",
                fix=f"Set {match['name']}, or write ${{{match['name']}:-a default}}.",
            )
        return value

    return _VARIABLE.sub(value, text)
