"""The section `monitor` of `rubricator.yaml`."""

from __future__ import annotations

from datetime import time
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from rubricator.config.section import Section
from rubricator.patterns import HOURS

_FEWEST, _MOST = 50, 1_000_000  # predictions of a window


class Email(Section):
    """Who gets alerts by e-mail, and through which server; `user` and `password` where it wants them."""

    server: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = Field(min_length=3)
    to: tuple[str, ...] = Field(min_length=1)
    user: str | None = None
    password: str | None = None


class Monitor(Section):
    """How what was served is compared with the reference, and who is told.

    `window` is a stretch of time or a number of predictions of one model. At most a share of `false_alarms`
    of the windows in which nothing changed alarms, over all checks together. The `smallest_…` are what
    matters at all: for a share Cohen's h, for numbers the statistic of Kolmogorov and Smirnov, for languages,
    sources and words of features half the sum of differences of shares, for vectors the area under the ROC
    curve above one half.
    """

    window: Literal["day", "week"] | int = "week"
    false_alarms: float = Field(default=0.01, ge=0.002, le=0.5)
    smallest_share: float = Field(default=0.2, ge=0, le=3)
    smallest_distribution: float = Field(default=0.1, ge=0, le=1)
    smallest_mix: float = Field(default=0.1, ge=0, le=1)
    smallest_vectors: float = Field(default=0.1, ge=0, le=0.5)
    min_rows: int = Field(default=50, ge=20)
    texts: bool = False
    webhook: str | None = None
    email: Email | None = None
    quiet_hours: str | None = Field(default=None, pattern=HOURS)
    timezone: str = "UTC"

    @field_validator("window", mode="before")
    @classmethod
    def _is_a_window(cls, window: Any) -> Any:
        number = int(window) if isinstance(window, str) and window.isdecimal() else window
        is_number = isinstance(number, int) and not isinstance(number, bool)
        if window not in ("day", "week") and not (is_number and _FEWEST <= number <= _MOST):
            raise ValueError(
                f"write `day`, `week`, or a number of predictions from {_FEWEST} to {_MOST:,}; fewer than "
                f"{_FEWEST} tell nothing"
            )
        return number

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("write a time zone like Europe/Moscow") from error
        return name

    @field_validator("webhook")
    @classmethod
    def _is_an_address(cls, address: str | None) -> str | None:
        if address is not None and not address.startswith(("http://", "https://", "${")):
            raise ValueError("begin with http:// or https://")
        return address

    @field_validator("quiet_hours")
    @classmethod
    def _are_hours(cls, hours: str | None) -> str | None:
        try:
            _begin_and_end(hours or "00:00-00:00")
        except ValueError as error:
            raise ValueError("a day has the hours 00:00 to 23:59") from error
        return hours

    def quiet(self) -> tuple[time, time] | None:
        """Beginning and end of the hours in which nobody is told; they may pass midnight."""
        return None if self.quiet_hours is None else _begin_and_end(self.quiet_hours)


def _begin_and_end(hours: str) -> tuple[time, time]:
    begin, _, end = hours.partition("-")
    return time.fromisoformat(begin), time.fromisoformat(end)
