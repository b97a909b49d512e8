"""`rubricator compare`: old against new on the same test texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rubricator.cli.console import out


def compare_runs(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="OLD NEW…", help="Folders of runs; the others are compared with the first."),
    ],
    page: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page.")] = Path("compare.html"),
    plain: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write every figure and every changed text as JSON, too."
        ),
    ] = None,
) -> None:
    """Compare runs on the texts that all of them were measured on.

    Headline figures and F1 of every category with the change, its interval and whether chance explains it
    (paired bootstrap, exact McNemar test), and every text that is answered differently.

    Example: `rubricator compare runs/news runs/strict`
    """
    from rubricator.cli.comparison_table import show_comparison
    from rubricator.pipeline.compare import compare

    show_comparison(compare(runs, page=page, json=plain))
    out.print(f"\nPage      {page}")
    if plain:
        out.print(f"JSON      {plain}")
