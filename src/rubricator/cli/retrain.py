"""`rubricator retrain`: a challenger out of corrections, and whether it may replace the champion."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from rubricator.cli.console import figure_table, out
from rubricator.cli.models import Registry
from rubricator.cli.run import ConfigFile, OutFolder, Overrides

if TYPE_CHECKING:
    from rubricator.evaluate.comparison.challenge import CategoryFigures, Challenge
    from rubricator.pipeline.retrain import Retrained

HOLD, REJECT = 3, 4
"""Exit codes; 0 is PROMOTE, 2 is bad input as everywhere."""
_COLOURS = {"PROMOTE": "green", "HOLD": "yellow", "REJECT": "red"}


def retrain_model(
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    feedback: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STORE",
            help="Database that `serve --feedback` writes, or a table of decisions. Repeatable.",
            show_default=False,
        ),
    ] = None,
    champion: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="An artifact or a run, instead of the registry's champion.",
            show_default=False,
        ),
    ] = None,
    registry: Registry = Path("models"),
    wanted: Annotated[
        int, typer.Option("--wanted", min=1, help="New corrections that a challenger is trained for.")
    ] = 50,
    confidence: Annotated[
        float, typer.Option(help="That no challenger is promoted that is not better.")
    ] = 0.95,
    margin: Annotated[float, typer.Option(help="How much F1 a challenger may lose in any category.")] = 0.1,
    since: Annotated[
        datetime | None, typer.Option(help="Blind reviews from before do not measure.", show_default=False)
    ] = None,
    share: Annotated[
        float, typer.Option(help="The newest share of the blind reviews that measures; the others teach.")
    ] = 1.0,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what would happen, and what it costs.")
    ] = False,
    promote: Annotated[
        bool, typer.Option("--promote", help="Let the challenger serve if the answer is PROMOTE.")
    ] = False,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the decision here, too.")
    ] = None,
) -> None:
    """Train a challenger on corrections; say whether it may replace the champion.

    Both are compared on the recent blind reviews, which neither learnt from. PROMOTE: it is better beyond
    chance, and in no category worse by more than the margin. REJECT: it is worse, overall or in a category.
    HOLD: it cannot be told yet; how many more blind reviews would decide is said. The decision lies in
    `RUN/challenger/decision.json`.

    Exit codes: 0 for PROMOTE and --plan, 3 for HOLD, 4 for REJECT, 2 for bad input.

    Example: `rubricator retrain -c examples/news/rubricator.yaml --feedback feedback.sqlite --plan`
    """
    from datetime import UTC

    from rubricator.cli.stages import go
    from rubricator.dataset.files import save_json
    from rubricator.pipeline.retrain import RetrainSettings, plan_retraining, retrain

    settings = RetrainSettings(
        feedback=tuple(feedback or ()),
        champion=champion,
        registry=registry,
        wanted=wanted,
        confidence=confidence,
        margin=margin,
        since=None if since is None else since.replace(tzinfo=since.tzinfo or UTC),
        share=share,
    )
    run = go(config, overrides, out_folder, until="split")
    if plan:
        planned = plan_retraining(run, settings)
        for line in planned.lines:
            out.print(escape(line))
        out.print("There is enough." if planned.enough else "There is too little yet: the answer is HOLD.")
        return
    done = retrain(run, settings, promote=promote)
    if json_ is not None:
        save_json(json_, done.as_dict())
    _show(done)
    raise typer.Exit({"PROMOTE": 0, "HOLD": HOLD, "REJECT": REJECT}[done.verdict])


def _show(done: Retrained) -> None:
    out.print()
    if done.challenge is not None:
        _show_comparison(done, done.challenge)
        for note in (*done.challenge.notes, *done.plan.material.notes):
            out.print(f"[yellow]![/] {escape(note)}")
    colour = _COLOURS[done.verdict]
    out.print(f"[bold {colour}]{done.verdict}[/]")
    for reason in done.reasons:
        out.print(f"  {escape(reason)}")
    if done.promoted:
        out.print(f"{escape(str(done.challenger))} serves from {escape(str(done.settings.registry))} now")
    out.print(f"Decision  {escape(str(done.file))}")


def _show_comparison(done: Retrained, challenge: Challenge) -> None:
    table = figure_table(
        f"{challenge.texts:,} reviews", "texts", "champion", "challenger", "change", "won : lost"
    )
    evidence, texts = challenge.evidence, f"{challenge.texts:,}"
    right = [f"{share:.3f}" for share in challenge.right]
    gain = "" if evidence.overall.gain is None else f"{evidence.overall.gain:+.3f}"
    won = f"{evidence.overall.ahead:,} : {evidence.overall.behind:,}"
    table.add_row("all right", texts, *right, gain, won)
    table.add_row("macro-F1", texts, *_cells(challenge.macro), "")
    for figures, one in zip(challenge.categories, evidence.categories, strict=True):
        state = "[red]worse[/]" if one in evidence.harmed else "[yellow]open[/]"
        row = (f"F1 {escape(figures.key)}", f"{figures.support:,}", *_cells(figures))
        table.add_row(*row, state if one in evidence.unclear else "not worse")
    out.print(
        f"Champion {escape(done.champion)}, challenger {escape(str(done.challenger))}, look {done.look}"
    )
    out.print(table)


def _cells(figures: CategoryFigures) -> list[str]:
    old, new = ("–" if value is None else f"{value:.3f}" for value in (figures.old, figures.new))
    change = figures.change
    if change.value is None or change.low is None or change.high is None:
        return [old, new, "–"]
    return [old, new, f"{change.value:+.3f}\n[dim]{change.low:+.3f} to {change.high:+.3f}[/]"]
