"""Ways by which people hear of an alert: the log, a webhook, e-mail."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from rubricator.config.expand import expand
from rubricator.config.monitor import Email, Monitor
from rubricator.errors import ServiceError

_LOG = logging.getLogger(__name__)
_SECONDS = 10.0
_ATTEMPTS = 3
_PAUSE = 0.5  # seconds after the first of them; then twice as long

Channel = Callable[[str, dict[str, Any]], None]
"""Sends an alert, as text and as JSON values; raises `ServiceError` where it cannot."""


def channels(settings: Monitor) -> dict[str, Channel]:
    """By name, every way that the settings know; the log is always one."""
    ways: dict[str, Channel] = {"log": lambda text, _: _LOG.warning("%s", text)}
    if settings.webhook is not None:
        address = expand(settings.webhook)
        ways["webhook"] = lambda _, payload: send_webhook(address, payload)
    if settings.email is not None:
        mail = settings.email
        ways["email"] = lambda text, _: send_email(mail, text)
    return ways


def is_quiet(settings: Monitor, now: datetime) -> bool:
    """Whether nobody is to be told now; it is told when the quiet hours are over."""
    hours = settings.quiet()
    if hours is None:
        return False
    begin, end = hours
    clock = now.astimezone(ZoneInfo(settings.timezone)).time()
    return begin <= clock < end if begin <= end else clock >= begin or clock < end


def send_webhook(address: str, payload: dict[str, Any]) -> None:
    """Post JSON, three times at most.

    Raises:
        ServiceError: It did not arrive.
    """
    import httpx
    from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

    @retry(
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_exponential(multiplier=_PAUSE, max=5),
        retry=retry_if_exception_type(httpx.HTTPError),
        reraise=True,
    )
    def post() -> None:
        httpx.post(address, json=payload, timeout=_SECONDS).raise_for_status()

    try:
        post()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceError(
            f"The webhook {address} did not take the alert: {error or type(error).__name__}.",
            fix="Check `monitor.webhook`; the alert is sent again with the next run.",
        ) from error


def send_email(mail: Email, text: str) -> None:
    """Send an alert by e-mail; its first line is the subject.

    Raises:
        ServiceError: The server refused, or cannot be reached.
    """
    message = EmailMessage()
    message["Subject"] = text.splitlines()[0]
    message["From"], message["To"] = mail.sender, ", ".join(mail.to)
    message.set_content(text)
    try:
        with _connected(mail) as server:
            if mail.user is not None:
                server.login(expand(mail.user), expand(mail.password or ""))
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise ServiceError(
            f"The mail server {mail.server}:{mail.port} did not take the alert: {error}.",
            fix="Check `monitor.email`; the alert is sent again with the next run.",
        ) from error


def _connected(mail: Email) -> smtplib.SMTP:
    if mail.security == "tls":
        return smtplib.SMTP_SSL(
            mail.server, mail.port, timeout=_SECONDS, context=ssl.create_default_context()
        )
    server = smtplib.SMTP(mail.server, mail.port, timeout=_SECONDS)
    if mail.security == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server
