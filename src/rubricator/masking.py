"""What is secret in settings, addresses and replies, taken out before anything is shown or kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

MASK = "***"
# Up to the last @: passwords are written without quoting, too, and may hold any other sign.
_USER = re.compile(r"(?<=://)\S*@")
_USER_OF_ADDRESS = re.compile(r"(?<=://).*@", re.DOTALL)
_PARAMETER = re.compile(r"(?<=[?&;])([\w.-]+)=([^&;\s'\"]+)")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_ANYWHERE = frozenset(
    {"password", "passwd", "pwd", "passphrase", "secret", "secrets", "credential", "credentials"}
    | {"auth", "authorization", "cookie", "bearer", "apikey"}
)
_LAST = frozenset({"key", "token", "pass"})
# A shorter one may well be a word of an ordinary reply, as `none` or `ollama` where a server wants no key.
SHORTEST_SECRET = 8

Path = tuple[str | int, ...]


def masked(text: str) -> str:
    """Text without users and passwords of addresses, and without secret parameters of theirs."""
    return _PARAMETER.sub(_masked_parameter, _USER.sub(f"{MASK}@", text))


def masked_settings(value: Any, path: Path = ()) -> Any:
    """Settings, or one of them that lies at `path`, without what is secret by its key or its form."""
    if isinstance(value, Mapping):
        return {key: masked_settings(inner, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked_settings(inner, path) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if is_secret(path) or (isinstance(value, str) and "extra" in path):
        return MASK
    return masked(_USER_OF_ADDRESS.sub(f"{MASK}@", value)) if isinstance(value, str) else value


def is_secret(path: Path) -> bool:
    """Whether the setting at this path is secret by a key on its way, such as `api_key` or `Authorization`.

    A bare `key` is one in a language model's engine; elsewhere it names a category.
    """
    return any(names_secret(str(step)) for step in path if step != "key" or "engine" in path)


def names_secret(name: str) -> bool:
    """Whether a name is that of a secret, such as `api_key` or `X-Auth-Token`; `max_tokens` is not."""
    words = [word.lower() for word in _WORD.findall(name)]
    return bool(words) and (words[-1] in _LAST or not _ANYWHERE.isdisjoint(words))


def secrets_of(value: Any, path: Path = ()) -> Iterator[str]:
    """Passwords of addresses and what is secret by its key, where they are too long for ordinary words."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from secrets_of(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from secrets_of(inner, path)
    elif isinstance(value, str):
        user = _USER_OF_ADDRESS.search(value)
        password = user.group()[:-1].partition(":")[2] if user else ""
        candidates = {password, unquote(password), *([value] if is_secret(path) else ())}
        yield from (secret for secret in candidates if len(secret) >= SHORTEST_SECRET)


def without(secrets: Sequence[str], value: Any) -> Any:
    """A value of JSON without these secrets, wherever they stand in its strings."""
    if isinstance(value, Mapping):
        return {key: without(secrets, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without(secrets, inner) for inner in value]
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
    return value


def _masked_parameter(match: re.Match[str]) -> str:
    return f"{match[1]}={MASK}" if names_secret(match[1]) else match[0]
