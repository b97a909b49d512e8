"""The command `rubricator`: one thin file per command."""

from __future__ import annotations

from rubricator.cli.app import app


def main() -> None:
    """Entry point of the console script."""
    app()
