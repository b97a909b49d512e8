"""`rubricator distil`: a quick student of the model, and an artifact of both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from rubricator.cli.console import figure_table, out
from rubricator.cli.run import ConfigFile, OutFolder, Overrides
from rubricator.pages.formatting import figure, percent

if TYPE_CHECKING:
    from rubricator.pipeline.two_speed import Distilled


def distil_model(
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    max_drop: Annotated[
        float,
        typer.Option("--max-accuracy-drop", min=0, max=1, help="How much the metric may fall, surely."),
    ] = 0.005,
) -> None:
    """Teach a quick student what the model thinks, and write an artifact that answers at two speeds.

    The student answers a text if it surely decides as the model would, which answers the others; how sure it
    must be is set so that the metric falls by no more than allowed. That takes texts, but no labels. Stages
    run first where something changed. The artifact serves like any other; predictions say who answered.

    Example: `rubricator distil -c examples/news/rubricator.yaml --max-accuracy-drop 0.01`
    """
    from rubricator.cli.stages import go
    from rubricator.pipeline.two_speed import CURVE, PLOT, distil

    run = go(config, overrides, out_folder, until="export")
    done = distil(run, max_drop=max_drop)
    _tell(done)
    out.print(f"{done.manifest.identifier} in {done.folder}")
    out.print(f"The curve: {run.folder / PLOT}, {run.folder / CURVE}")


def _tell(done: Distilled) -> None:
    from rubricator.pipeline.two_speed_card import shown

    chosen, rates = done.chosen, done.done.rates
    table = figure_table(
        "student", "texts/s", "decided otherwise", f"fall of {done.metric}", "at most", "on labels"
    )
    table.add_row("none", f"{rates.rest:,.0f}", "0.0%", "0.0000", "0.0000", "0.0000")
    for point in shown(done.done):
        table.add_row(
            percent(point.share) + (" ◂" if point is chosen else ""),
            f"{point.texts_per_second:,.0f}",
            f"{point.flips:.1%}",
            *(figure(value, 4) for value in (point.fall.value, point.fall.high, point.measured.value)),
        )
    out.print(table)
    for sentence in done.about:
        out.print(escape(sentence))
    out.print(
        f"The student answers {percent(chosen.share)} of texts: both together "
        f"{chosen.texts_per_second:,.0f} texts/s, {done.done.times:.1f} times the encoder alone."
    )
    out.print(
        f"Of {done.metric} that costs {figure(chosen.fall.value, 4)}, surely no more than "
        f"{figure(chosen.fall.high, 4)}; {done.max_drop:g} is allowed."
    )
