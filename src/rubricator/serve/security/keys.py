"""Who may ask: keys kept as hashes, compared in constant time, each with a rate of its own."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rubricator.errors import ConfigError
from rubricator.patterns import SHORT_NAME
from rubricator.serve.metrics import Metrics
from rubricator.serve.problems import problem, retry_after
from rubricator.settings_files import SettingsFileError, parse_yaml, read_text
from rubricator.validation_errors import explain
from rubricator.whole_files import whole_file

_FIX = "Make a key: `rubricator key NAME --file FILE`."


def _rate(value: str) -> str:
    try:
        parse(value)
    except ValueError:
        raise ValueError(f"'{value}' is no rate like 600/minute") from None
    return value


class ApiKey(BaseModel):
    """A key as the file holds it.

    Attributes:
        name: Whose it is; only this appears in logs.
        sha256: Of the key. Keys are 256 random bits, so a slow hash would guard nothing more.
        rate: Most requests in a time: `600/minute`. Each process counts for itself.
        admin: May promote and roll back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=SHORT_NAME)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    rate: Annotated[str, AfterValidator(_rate)] | None = None
    admin: bool = False


_KEYS = TypeAdapter(list[ApiKey])


def key_digest(key: str) -> str:
    """What the file holds of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def read_keys(path: Path) -> list[ApiKey]:
    """The keys in a YAML file: a list of `name`, `sha256`, and perhaps `rate` and `admin`.

    Raises:
        ConfigError: The file cannot be read, holds no keys, or two of one name.
    """
    try:
        keys = _KEYS.validate_python(parse_yaml(read_text(path)) or [])
    except (FileNotFoundError, SettingsFileError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise ConfigError(f"The keys in {path} cannot be read: {reason}.", fix=_FIX) from error
    except ValidationError as error:
        raise ConfigError(f"The keys in {path} are wrong:\n{explain(error, ApiKey)}", fix=_FIX) from error
    names = [key.name for key in keys]
    double = {name for name in names if names.count(name) > 1}
    if not keys or double:
        what = f"several keys are called {', '.join(sorted(double))}" if double else "it holds none"
        raise ConfigError(f"The keys in {path} cannot be used: {what}.", fix=_FIX)
    return keys


def add_key(path: Path, *, name: str, rate: str | None = None, admin: bool = False) -> str:
    """Make a key and add its hash to a file; the key itself is returned and kept nowhere.

    Raises:
        ConfigError: The file holds something else, the name is taken, or the rate is none.
    """
    known = read_keys(path) if path.exists() else []
    if name in {key.name for key in known}:
        raise ConfigError(
            f"{path} has a key called '{name}' already.", fix="Choose another name, or delete it."
        )
    secret = secrets.token_urlsafe(32)
    try:
        key = ApiKey(name=name, sha256=key_digest(secret), rate=rate, admin=admin)
    except ValidationError as error:
        raise ConfigError(f"The key cannot be made:\n{explain(error, ApiKey)}", fix=_FIX) from error
    content = [one.model_dump(exclude_defaults=True) for one in (*known, key)]
    with whole_file(path) as part:
        part.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
        part.chmod(0o600)
    return secret


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    detail: str
    headers: dict[str, str]

    def response(self) -> JSONResponse:
        return problem(self.status, self.detail, self.headers)


class Guard:
    """ASGI middleware: below `/v1/` only with a key, below `/v1/models` only with one of an admin.

    What is refused is refused before its body is read.
    """

    def __init__(self, app: ASGIApp, *, keys: list[ApiKey], metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._keys = [(key, key.sha256.encode()) for key in keys]
        self._rates: dict[str, RateLimitItem] = {key.name: parse(key.rate) for key in keys if key.rate}
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; see the ASGI specification."""
        refusal = None
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            refusal = self._refusal(scope)
        await (self._app if refusal is None else refusal.response())(scope, receive, send)

    def _refusal(self, scope: Scope) -> _Refusal | None:
        key = self._known(_sent(Headers(scope=scope)))
        if key is None:
            detail = "Send a known key: Authorization: Bearer KEY."
            return _Refusal(401, detail, {"WWW-Authenticate": "Bearer"})
        if scope["path"].startswith("/v1/models") and not key.admin:
            return _Refusal(403, f"The key '{key.name}' is not one of an admin.", {})
        rate = self._rates.get(key.name)
        if rate is not None and not self._limiter.hit(rate, key.name):
            self._metrics.dropped.labels("rate").inc()
            free = self._limiter.get_window_stats(rate, key.name).reset_time - time.time()
            return _Refusal(429, f"The key '{key.name}' has asked more than {rate}.", retry_after(free))
        return None

    def _known(self, sent: str) -> ApiKey | None:
        digest = key_digest(sent).encode()
        found = None
        for key, expected in self._keys:  # all of them: how long it takes tells nothing
            if hmac.compare_digest(digest, expected):
                found = key
        return found


def _sent(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
