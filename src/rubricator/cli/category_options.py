"""Options that several commands of `rubricator category` have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rubricator.pipeline.stage import Run

Plan = Annotated[bool, typer.Option("--plan", help="Tell what it costs, and change nothing.")]
By = Annotated[str | None, typer.Option(metavar="NAME", help="Who changes it; by default your login name.")]
Title = Annotated[str | None, typer.Option(help="What people see.")]
Description = Annotated[
    str | None, typer.Option(help="What belongs there, in the words of the texts, as a list with commas.")
]
Keywords = Annotated[
    str | None, typer.Option(metavar="WORDS", help="Words that speak for it, joined by commas; `выбор*`.")
]
SameMeaning = Annotated[
    bool, typer.Option("--same-meaning", help="Labels given so far hold: only the wording changes.")
]
Language = Annotated[str, typer.Option(help="Language of the labels in SKOS, such as `ru`.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of a category.")]
Apply = Annotated[bool, typer.Option("--apply", help="Bring the model of the run up to the list at once.")]
Anyway = Annotated[
    bool, typer.Option("--anyway", help="Put the new model in place even if it is surely worse.")
]
Registry = Annotated[
    Path | None,
    typer.Option("--registry", metavar="DIR", help="Add the new model to this folder of versions."),
]
Promote = Annotated[bool, typer.Option("--promote", help="Make it the champion of the registry.")]


def run_of(config: Path, overrides: list[str] | None, out_folder: Path | None) -> Run:
    """The run of some settings with its list as it is now."""
    from rubricator.cli.stages import options_of
    from rubricator.config import read_config
    from rubricator.pipeline.category import run_of_list

    run = run_of_list(read_config(config, overrides or []), out_folder)
    return replace(run, options=options_of(config, overrides, out_folder))
