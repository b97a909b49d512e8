"""Export: the winner and all it needs to serve, in one audited folder."""

from __future__ import annotations

