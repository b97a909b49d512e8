"""`rubricator export`: the artifact, with its encoders in the precision that pays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from rubricator.cli.console import figure_table, out
from rubricator.cli.run import ConfigFile, Force, OutFolder, Overrides
from rubricator.errors import DataError
from rubricator.pages.formatting import duration

if TYPE_CHECKING:
    from rubricator.dataset.precision_table import PrecisionTable


def export_artifact(
    run_folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN",
            help="Folder of the run; the same as --out.",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    runtime: Annotated[
        str | None,
        typer.Option(help="openvino, onnx or auto: what may compute the encoder.", show_default=False),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="bf16, int8, fp32 or auto: the quickest of them.", show_default=False),
    ] = None,
    max_accuracy_drop: Annotated[
        float | None,
        typer.Option(
            help="How much of the metric of the run may be lost on validation; 0.005 unless said.",
            show_default=False,
        ),
    ] = None,
    max_flips: Annotated[
        float | None,
        typer.Option(
            help="What share of texts may be decided otherwise than in single precision; 0.01 unless said.",
            show_default=False,
        ),
    ] = None,
    serves: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="USE", help="bulk, single or both: what must be quick.", show_default=False
        ),
    ] = None,
    trim_vocabulary: Annotated[
        bool,
        typer.Option("--trim-vocabulary", help="Leave out pieces that texts in these scripts never need."),
    ] = False,
    force: Force = False,
) -> None:
    """Write the artifact: the winner with all it needs to serve.

    With any option about runtime or precision, every way of computing the encoders is tried on validation,
    and the quickest that keeps decisions is taken; each stands for a setting of the section `export`. Without
    them the machine that serves takes its quickest. Stages before this one run first where something changed.

    Example: `rubricator export runs/news -c examples/news/rubricator.yaml --precision auto`
    """
    from rubricator.cli.stages import go
    from rubricator.dataset.precision_table import read_table

    wishes = {
        "runtime": runtime,
        "precision": precision,
        "max_accuracy_drop": max_accuracy_drop,
        "max_flips": max_flips,
        "serves": serves,
        "trim_vocabulary": trim_vocabulary or None,
    }
    settings = [
        *(overrides or []),
        *(f"export.{name}={value}" for name, value in wishes.items() if value is not None),
    ]
    folder = _folder(run_folder, out_folder)
    run = go(config, settings, folder, until="export", force=["export"] if force else [])
    table = read_table(run.folder)
    if table is not None:
        _show(table)


def _folder(run: Path | None, out_folder: Path | None) -> Path | None:
    """The folder of the run, which must be there where it was named as one."""
    if run is None:
        return out_folder
    if out_folder is not None and out_folder != run:
        raise typer.BadParameter("RUN and --out name two folders")
    if not (run / "stages").is_dir():
        raise DataError(
            f"{run} is not the folder of a run: it has no folder `stages`.",
            fix="Name what `rubricator run` wrote, such as runs/news, or leave it out.",
        )
    return run


def _show(table: PrecisionTable) -> None:
    out.print()
    out.print(_decisions(table))
    out.print(_costs(table))
    out.print(f"{table.metric.replace('_', ' ')} and decisions on {table.about}.")
    out.print(
        f"Quickest of those kept: {table.fastest['bulk']} in bulk, {table.fastest['single']} for a single "
        f"text. {table.cores} cores of {escape(table.processor)}; medians of {table.rounds} rounds in turn."
    )
    for name, reason in table.left_out.items():
        out.print(f"[dim]{name}: not tried, {escape(reason)}[/dim]")


def _decisions(table: PrecisionTable) -> Table:
    """What each way costs in decisions; a terminal of 80 columns has room for no more beside it."""
    shown = figure_table("computed by", table.metric.replace("_", " "), "drop", "flips", "worst Δp", "")
    for row in table.rows:
        shown.add_row(
            row.name,
            f"{row.figure:.4f}",
            f"{row.drop:.4f}",
            f"{row.flips:.2%}",
            f"{row.worst:.3f}",
            "chosen" if row.name == table.chosen else "" if row.kept else "not kept",
        )
    return shown


def _costs(table: PrecisionTable) -> Table:
    """What each way takes: time, and room."""
    headings = ("texts/s", "tokens/s·core", "p50", "p95", "size", "memory")
    shown = figure_table("computed by", *headings)
    for row in table.rows:
        shown.add_row(
            row.name,
            f"{row.texts_per_second:,.1f}",
            f"{row.tokens_per_second:,.0f}",
            duration(row.p50),
            duration(row.p95),
            f"{row.bytes / 2**20:,.0f} MiB",
            "–" if row.memory is None else f"{row.memory / 2**20:,.0f} MiB",
        )
    return shown
