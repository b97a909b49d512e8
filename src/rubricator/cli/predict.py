"""`rubricator predict`: a file of texts in, a file of categories and probabilities out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from rubricator.cli.console import log_to, out, show_progress

if TYPE_CHECKING:
    from rubricator.predict.files import PredictionReport

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
    keep: Annotated[
        bool, typer.Option("--keep", help="Write the columns of the input, too, after the others.")
    ] = False,
    encoding: Annotated[
        str | None,
        typer.Option(help="Of CSV, TSV and JSONL, such as cp1251; by default found out.", show_default=False),
    ] = None,
    header: Annotated[int, typer.Option(min=1, help="Line (in Excel: row) of the header.")] = 1,
    sheet: Annotated[
        str | None,
        typer.Option(help="Sheet of Excel, by name or number; the first by default.", show_default=False),
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
    explain: Annotated[
        int,
        typer.Option(min=0, max=50, help="Name so many words that weigh most for each category of a text."),
    ] = 0,
    cache: Annotated[
        bool, typer.Option("--cache", help="Remember the vectors of an encoder for the next time.")
    ] = False,
    workers: Annotated[
        int,
        typer.Option(
            min=0, help="Processes that share the work of a model without an encoder; 0: one per processor."
        ),
    ] = 0,
    batch: Annotated[int, typer.Option(min=1, help="Most rows that go through the model together.")] = 4096,
    restart: Annotated[
        bool, typer.Option("--restart", help="Throw away what an earlier run left unfinished.")
    ] = False,
    verify: Verify = None,
) -> None:
    """Predict the categories of every row.

    Writes `id`, `labels` (keys joined by commas, empty for none) and a calibrated probability
    `p_<key>` per category. The artifact remembers which columns hold what; options override it.
    Rows that cannot be used are listed in OUTPUT.rejected.csv. A run that was killed goes on where it was
    when it is started again.

    Example: `rubricator predict runs/news/artifact texts.xlsx -o predictions.parquet --body Текст`
    """
    from rubricator.predict import Predictor
    from rubricator.predict.files import predict_file
    from rubricator.tables.layout import Layout

    if min_probability is not None and precision is not None:
        raise typer.BadParameter("--min-probability and --precision exclude each other")
    with log_to(None):
        vectors = _vectors() if cache else None
        predictor = Predictor.load(artifact, threads=threads, key=verify, cache=vectors)
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
            layout=Layout(encoding=encoding, header=header, sheet=sheet),
            keep=keep,
            batch=batch,
            min_probability=min_probability,
            explain=explain,
            workers=workers or os.cpu_count() or 1,
            restart=restart,
            progress=show_progress,
        )
    _print_report(report, time.monotonic() - started, output)
    if report.routes:
        shares = ", ".join(f"{who} {count / report.rows:.1%}" for who, count in report.routes.items())
        out.print(f"Who answered (column route): {shares}")
    if report.unsure is not None:
        out.print(
            f"{report.unsure:,} of them are marked for a person (column unsure): the probability that "
            f"all their categories are right is below {min_probability:.3f}"
        )


def _print_report(report: PredictionReport, seconds: float, output: Path) -> None:
    rate = "" if report.earlier else f" ({report.rows / seconds:,.0f} texts/s)"
    out.print(f"{report.rows:,} rows in {seconds:.1f} s{rate}: {output}")
    if report.earlier:
        out.print(f"{report.earlier:,} rows of the input had been done by an earlier run")
    out.print(escape(_read_as(report)))
    if report.repeats:
        out.print(f"{report.repeats:,} texts repeat another one and were classified once")
    if report.rejected_file:
        out.print(f"{report.rejected:,} rows could not be used: {report.rejected_file}")
    if report.repeated_ids and report.repeated_ids.ids:
        repeated = report.repeated_ids
        rows = "; ".join("rows " + ", ".join(f"{row:,}" for row in places) for places in repeated.places)
        out.print(
            f"{repeated.ids:,} ids stand in several rows ({repeated.rows:,} in all), all of which are in the "
            f"output: {rows}"
        )


def _vectors() -> Path:
    """Where vectors are remembered: in the file that runs use."""
    from rubricator.encode import cache_folder

    return cache_folder(None) / "vectors.sqlite"


def _read_as(report: PredictionReport) -> str:
    """Which columns were read, and in which encoding where it is not UTF-8."""
    from rubricator.tables.encodings import is_utf8

    columns = report.columns
    roles = {"title": columns.title, "text": columns.body, "ids": columns.id}
    read = [f"{role} from '{name}'" for role, name in roles.items() if name]
    read += [f"also '{name}'" for name in columns.features] + ([] if columns.id else ["row numbers as ids"])
    strange = report.encoding and not is_utf8(report.encoding)
    return f"Read: {', '.join(read)}" + (f"; encoding {report.encoding}" if strange else "")
