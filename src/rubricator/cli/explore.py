"""`rubricator explore`: what texts are like, and what of it will hurt a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rubricator.cli.console import log_to, out, show_progress
from rubricator.cli.run import ConfigFile, OutFolder, Overrides

if TYPE_CHECKING:
    from rubricator.pipeline.explore import Exploration


def explore_texts(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Explore this file instead of the one in the settings: CSV, TSV, JSONL, Parquet or Excel.",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    text: Annotated[
        str | None,
        typer.Option(
            "--text", "--body", metavar="COLUMN", help="With FILE: column of texts.", show_default=False
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="With FILE: column of titles.", show_default=False)
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="With FILE: column of labels.", show_default=False)
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option("--id", metavar="COLUMN", help="With FILE: column of ids.", show_default=False),
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="With FILE: column of sources.", show_default=False)
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="With FILE: column of times.", show_default=False)
    ] = None,
    suggest_taxonomy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the themes of the texts as a first list of categories.",
            show_default=False,
        ),
    ] = None,
    map_files: Annotated[
        bool,
        typer.Option("--map-files", help="Write the map as PNG, PDF and JSON into explore-map/, too."),
    ] = False,
    no_vectors: Annotated[
        bool,
        typer.Option("--no-vectors", help="Encode nothing: quicker, without what compares texts by meaning."),
    ] = False,
) -> None:
    """Show what texts are like, their duplicates and categories, and what will hurt a model.

    Writes `explore.html` and the same as `explore.json` into the folder of the run. Works at any state of a
    run: with labels and teachers' opinions where they are there. What hurts most comes first. With FILE no
    settings are needed: columns that are called as usual are found, and the categories are those in the
    column of labels.

    Example: `rubricator explore -c examples/news/rubricator.yaml`

    A file: `rubricator explore reviews.csv --text review`
    """
    from rubricator.cli.explore_tables import show_exploration
    from rubricator.pipeline.explore import MAP, PAGE

    columns = {
        "id": id_column,
        "title": title,
        "body": text,
        "source": source,
        "time": time,
        "labels": labels,
    }
    named = {role: column for role, column in columns.items() if column}
    if named and file is None:
        raise typer.BadParameter("columns are named for a FILE; with settings they stand under data.columns")
    found = (
        _of_settings(config, overrides, out_folder, vectors=not no_vectors)
        if file is None
        else _of_file(file, named, overrides, out_folder, vectors=not no_vectors)
    )
    show_exploration(found)
    out.print(f"\nPage      {found.folder / PAGE}")
    if suggest_taxonomy:
        found.suggest_taxonomy(suggest_taxonomy)
        out.print(f"Draft     {suggest_taxonomy}")
    if map_files and found.write_map():
        out.print(f"Map       {found.folder / MAP}")


def _of_settings(
    config: Path, overrides: list[str] | None, out_folder: Path | None, *, vectors: bool
) -> Exploration:
    from rubricator.cli.stages import go
    from rubricator.config import read_config
    from rubricator.pipeline.explore import explore, explore_files
    from rubricator.pipeline.stage import RUNS

    settings = read_config(config, overrides or [])
    if settings.path(settings.taxonomy).exists():
        run = go(config, overrides, out_folder, until="read")
        return explore(run, vectors=vectors)
    folder = out_folder or Path(RUNS) / f"{settings.name}-explore"
    options = _options(["-c", str(config)], overrides, out_folder)
    with log_to(None):
        return explore_files(settings, folder, options=options, vectors=vectors, progress=show_progress)


def _of_file(
    file: Path,
    named: dict[str, str],
    overrides: list[str] | None,
    out_folder: Path | None,
    *,
    vectors: bool,
) -> Exploration:
    from rubricator.pipeline.explore import explore_files, settings_of_file
    from rubricator.pipeline.stage import RUNS

    settings = settings_of_file(file, named, overrides or [])
    folder = out_folder or Path(RUNS) / settings.name
    flags = {"body": "text"}
    columns = [part for role, name in named.items() for part in (f"--{flags.get(role, role)}", name)]
    options = _options([str(file), *columns], overrides, out_folder)
    with log_to(None):
        return explore_files(settings, folder, options=options, vectors=vectors, progress=show_progress)


def _options(given: list[str], overrides: list[str] | None, out_folder: Path | None) -> str:
    from rubricator.config import shown_arguments

    changed = [part for one in overrides or [] for part in ("--set", one)]
    return shown_arguments([*given, *changed, *(() if out_folder is None else ("--out", str(out_folder)))])
