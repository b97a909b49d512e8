"""`rubricator predict`: a file of texts in, a file of categories and probabilities out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from rubricator.cli.console import log_to, out, show_progress
from rubricator.predict import Predictor, predict_file

Verify = Annotated[
    Path | None,
    typer.Option(
        metavar="KEY",
        help="Use the artifact only if the owner of this public key (Ed25519, PEM) signed it.",
        show_default=False,
    ),
]


def predict_texts(
    artifact: Annotated[Path, typer.Argument(help="Folder that `run` or `export` wrote.")],
    texts: Annotated[Path, typer.Argument(metavar="INPUT", help="CSV, TSV, JSONL, Parquet or Excel.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to write; the suffix names the format.")
    ],
    id_column: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="Column of ids.")] = None,
    title_column: Annotated[
        str | None, typer.Option("--title", metavar="COLUMN", help="Column of titles.")
    ] = None,
    body_column: Annotated[
        str | None, typer.Option("--body", metavar="COLUMN", help="Column of texts.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Threads of the encoder; 0: the runtime decides.")] = 0,
    min_probability: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Mark texts for a person whose categories are not all right with that probability.",
        ),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Mark as many that this share of the others should be right."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Rows that go through the model together.")] = 512,
    verify: Verify = None,
) -> None:
    """Predict the categories of every row.

    Writes `id`, `labels` (keys joined by commas, empty for none) and a calibrated probability
    `p_<key>` per category. The artifact remembers which columns hold what; options override it.
    Rows that cannot be used are listed in OUTPUT.rejected.csv.

    Example: `rubricator predict runs/news/artifact texts.xlsx -o predictions.parquet --body Текст`
    """
    if min_probability is not None and precision is not None:
        raise typer.BadParameter("--min-probability and --precision exclude each other")
    with log_to(None):
        predictor = Predictor.load(artifact, threads=threads, key=verify)
        update: dict[str, str | None] = {"id": id_column} if id_column else {}
        if title_column or body_column:  # a new title or body replaces both
            update |= {"title": title_column, "body": body_column}
        columns = predictor.manifest.columns.model_copy(update=update)
        if precision is not None:
            min_probability = predictor.certainty(precision).confidence
        started = time.monotonic()
        report = predict_file(
            predictor,
            texts,
            output,
            columns=columns,
            batch=batch,
            min_probability=min_probability,
            progress=show_progress,
        )
    seconds = time.monotonic() - started
    out.print(f"{report.rows:,} rows in {seconds:.1f} s ({report.rows / seconds:,.0f} texts/s): {output}")
    if report.unsure is not None:
        out.print(
            f"{report.unsure:,} of them are marked for a person (column unsure): the probability that "
            f"all their categories are right is below {min_probability:.3f}"
        )
    if report.rejected_file:
        out.print(f"{report.rejected:,} rows could not be used: {report.rejected_file}")
