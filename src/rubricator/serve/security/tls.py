"""Certificates, looked at before anybody connects."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rubricator.errors import ConfigError, MissingExtraError

_LOG = logging.getLogger(__name__)
_SOON = timedelta(days=14)


def check_certificate(path: Path) -> None:
    """Refuse a certificate that no client would accept today; warn of one that ends soon.

    Raises:
        ConfigError: It cannot be read, has expired, or is not valid yet.
        MissingExtraError: `cryptography` is not installed.
    """
    try:
        from cryptography.x509 import load_pem_x509_certificates
    except ImportError as error:
        raise MissingExtraError("cryptography", extra="verify", purpose="Checking a certificate") from error
    try:
        first, *_ = load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The certificate {path} cannot be read: {getattr(error, 'strerror', None) or error}.",
            fix="Name a file in PEM: the server's certificate first, then those that signed it.",
        ) from error
    now = datetime.now(UTC)
    if first.not_valid_after_utc <= now:
        raise ConfigError(
            f"The certificate {path} expired on {first.not_valid_after_utc:%Y-%m-%d}: no client accepts it.",
            fix="Renew it, then start again.",
        )
    if first.not_valid_before_utc > now:
        raise ConfigError(
            f"The certificate {path} is not valid before {first.not_valid_before_utc:%Y-%m-%d %H:%M} UTC.",
            fix="Check the clock of this machine, or wait.",
        )
    if first.not_valid_after_utc - now < _SOON:
        _LOG.warning("The certificate %s expires on %s", path, f"{first.not_valid_after_utc:%Y-%m-%d}")
