"""A figure that was drawn. Apart from those who draw, because drawing takes a second to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One figure, a PNG file.

    Attributes:
        category: Key of its category; None for a figure of the whole part.
        kind: `overview`, `matrix`, `histogram`, `roc`, `precision-recall`, `confusion` or `reliability`.
        alt: What it shows, for those who cannot see it.
    """

    category: str | None
    kind: str
    path: Path
    alt: str


def clear_plots(folder: Path) -> None:
    """Remove what was drawn before: categories and kinds of model that are gone leave no picture behind."""
    for image in folder.glob("*.png"):
        image.unlink()
