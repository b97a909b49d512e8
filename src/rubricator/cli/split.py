"""`rubricator split`: divide the texts, or check a division for what leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rubricator.cli.console import log_to, out, show_progress
from rubricator.cli.run import ConfigFile, Force, OutFolder, Overrides

LEAKS = 1
"""Exit code of `--strict` where something leaks; 2 is bad input, as everywhere."""

_CHECK = "Check"


def _column(name: str, about: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, metavar="COLUMN", help=about, rich_help_panel=_CHECK, show_default=False
    )
    return option


def split_texts(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILES]…",
            help="With --check: a split of your own. PART=FILE each, files named train, dev, test, or one "
            "file with a column of parts. Without any, the split of the run.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Report what leaks between the parts.", rich_help_panel=_CHECK)
    ] = False,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    force: Force = False,
    group_by: Annotated[
        str | None, _column("--group-by", "Texts with one value in it belong together")
    ] = None,
    time: Annotated[
        str | None, _column("--time", "Times: nothing in train should be later than test.")
    ] = None,
    parent: Annotated[
        str | None, _column("--parent", "Of synthetic texts, the ids they were made from, joined by commas.")
    ] = None,
    part: Annotated[str | None, _column("--part", "The part of each text, where a column says it.")] = None,
    id_column: Annotated[str | None, _column("--id", "Ids.")] = None,
    title_column: Annotated[str | None, _column("--title", "Titles.")] = None,
    body_column: Annotated[str | None, _column("--body", "Texts.")] = None,
    labels: Annotated[str | None, _column("--labels", "Labels, from which points are measured.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.05,
            max=1,
            help="With FILES: similarity from which texts are near-duplicates; default 0.5.",
            rich_help_panel=_CHECK,
            show_default=False,
        ),
    ] = None,
    plain: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the report as JSON, too.", rich_help_panel=_CHECK),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs",
            metavar="FILE",
            help="Write every text that leaks beside one that knows it: CSV, TSV, JSONL, Parquet or Excel.",
            rich_help_panel=_CHECK,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with exit code 1 if anything leaks.", rich_help_panel=_CHECK)
    ] = False,
) -> None:
    """Divide the texts into train, validation and test, or check a split for leaks.

    Stages before it run first where something changed. `--check` looks for texts that another part knows:
    equal or nearly equal ones, members of one group, later times, synthetic relatives; and where there are
    labels, it measures how many points they flatter a model by.

    Example: `rubricator split --check train.csv test.csv --group-by author --pairs leaks.csv`
    """
    columns = {
        "id": id_column,
        "title": title_column,
        "body": body_column,
        "labels": labels,
        "part": part,
        "group_by": group_by,
        "time": time,
        "parent": parent,
    }
    _refuse_mixed(check, given, columns, {"--json": plain, "--pairs": pairs, "--strict": strict}, threshold)
    if not check:
        from rubricator.cli.stages import go

        go(config, overrides, out_folder, until="split", force=["split"] if force else [])
        return
    from rubricator.cli.split_table import show_check
    from rubricator.dataset.files import save_json
    from rubricator.ingest.leakage.files import CheckColumns
    from rubricator.ingest.leakage.pairs import write_pairs
    from rubricator.pipeline.split_check import THRESHOLD, check_files, check_run
    from rubricator.tables.writing import kind_of

    if pairs:
        kind_of(pairs)  # a wrong suffix shows now, not after minutes
    if given:
        with log_to(None):
            found = check_files(
                given, CheckColumns(**columns), threshold=threshold or THRESHOLD, progress=show_progress
            )
    else:
        from rubricator.cli.stages import go

        run = go(config, overrides, out_folder, until="split", force=["split"] if force else [])
        found = check_run(run, group_by=group_by)
    show_check(found)
    if plain:
        save_json(plain, found.as_dict())
        out.print(f"JSON      {plain}")
    if pairs:
        number = write_pairs(pairs, found.leaks, found.source)
        out.print(f"Pairs     {pairs} ({number:,} rows)")
    if strict and found.counts:
        raise typer.Exit(LEAKS)


def _refuse_mixed(
    check: bool,
    given: list[str] | None,
    columns: dict[str, str | None],
    outputs: dict[str, object],
    threshold: float | None,
) -> None:
    """Options that would do nothing are mistakes."""
    set_columns = [f"--{name.replace('_', '-')}" for name, value in columns.items() if value]
    named = [*set_columns, *(name for name, value in outputs.items() if value)]
    if not check and (given or named or threshold):
        raise typer.BadParameter(f"{(given or named or ['--threshold'])[0]} belongs to --check")
    of_files = [name for name in set_columns if name != "--group-by"] + (["--threshold"] if threshold else [])
    if check and not given and of_files:
        raise typer.BadParameter(f"{of_files[0]} is for FILES; a run knows its own columns")
