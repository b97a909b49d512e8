"""Limits of the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """What the service accepts before it says no.

    Attributes:
        max_texts: Most texts in one request.
        max_body_bytes: Largest body of a request.
        max_characters: Longest text; the artifact's own limit holds as well.
        batch_texts: Texts of concurrent requests that go through the model together.
        queue_texts: Texts that may wait for the model; beyond them requests get 503.
    """

    max_texts: int = 256
    max_body_bytes: int = 2 * 2**20
    max_characters: int = 100_000
    batch_texts: int = 64
    queue_texts: int = 1024
