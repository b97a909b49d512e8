"""A figure that was drawn. Apart from those who draw, because drawing takes a second to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One figure: a PNG file, and what it shows for those who cannot see it (`alt`).

    The category is None for a figure of the whole part. Kinds are `overview`, `coverage`, `matrix`,
    `histogram`, `roc`, `precision-recall`, `confusion` and `reliability`; of models `importance` and
    `epochs`.
    """

    category: str | None
    kind: str
    path: Path
    alt: str
