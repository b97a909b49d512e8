"""What `rubricator category apply` does and tells, also where a change of the list asks for it at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from rubricator.artifact import read_artifact
from rubricator.artifact.manifest import MANIFEST
from rubricator.cli.console import estimate_cell, figure_table, out, show_progress
from rubricator.errors import ArtifactError
from rubricator.pages.formatting import plural, series
from rubricator.pipeline.category import Make, prospect
from rubricator.pipeline.extension.apply import Extended, extend
from rubricator.pipeline.extension.estimate import estimate
from rubricator.pipeline.extension.plan import SETTLED, plan_extension
from rubricator.pipeline.promote import promoted, register
from rubricator.pipeline.stage import Run

if TYPE_CHECKING:
    from rubricator.dataset.metrics import PartMetrics
    from rubricator.taxonomy.versions import History


def tell_plan(run: Run, history: History | None = None) -> None:
    """What bringing the model up to the list takes; nothing is done."""
    plan = plan_extension(run, history)
    if plan.settled:
        out.print(SETTLED)
        return
    for line in (*plan.lines(), *estimate(run, plan).lines()):
        out.print(f"  {escape(line)}")


def tell_prospect(run: Run, make: Make) -> None:
    """The same for a list that is not yet changed; silent where no model was trained."""
    if (run.folder / "artifact" / MANIFEST).exists():
        out.print("The model (`--apply`):")
        tell_plan(*prospect(run, make))


def check(run: Run, *, registry: Path | None, promote: bool) -> None:
    """Refuse what could not be done after the list was changed.

    Raises:
        ArtifactError: The run has no artifact.
    """
    if promote and registry is None:
        raise typer.BadParameter("--promote needs --registry DIR")
    try:
        read_artifact(run.folder / "artifact")
    except ArtifactError as error:
        raise ArtifactError(
            f"{error.problem} The list was not changed.",
            fix=f"{error.fix} Without --apply the list alone is changed.",
        ) from error


def settled(run: Run) -> bool:
    """Whether the artifact has the list already; it is said."""
    plan = plan_extension(run)
    if plan.settled:
        out.print(SETTLED)
    return plan.settled


def follow(run: Run, *, anyway: bool, registry: Path | None, promote: bool) -> None:
    """Extend the artifact of a run, with progress; tell what was done, and register it where asked for.

    Raises:
        Exit: The new model was not put in place.
    """
    if promote and registry is None:
        raise typer.BadParameter("--promote needs --registry DIR")
    done = extend(replace(run, progress=show_progress, say=out.print), anyway=anyway)
    _tell(done, run)
    if not done.in_place:
        raise typer.Exit(1)
    if registry is not None:
        manifest = register(done.folder, registry)
        out.print(f"{manifest.identifier} is in {registry}")
        if promote:
            promotion = promoted(
                registry, manifest.identifier, note=f"follows the list {manifest.taxonomy_version}"
            )
            instead = f" instead of {promotion.before}" if promotion.before else ""
            out.print(f"Promoted {promotion.version}{instead}")
        else:
            out.print(f"→ rubricator models promote {manifest.id} --registry {registry}")


def _tell(done: Extended, run: Run) -> None:
    for line in done.extension.lines():
        out.print(f"  {escape(line)}")
    if done.comparison is not None:
        from rubricator.cli.comparison_table import show_comparison

        show_comparison(done.comparison)
    if done.after is not None:
        _tell_figures(done.before, done.after)
    for sentence in done.figures.reasons:
        out.print(f"[green]✓[/] {escape(sentence)}")
    for sentence in done.figures.doubts:
        out.print(f"[yellow]![/] {escape(sentence)}")
    share = f", {done.seconds / done.full_seconds:.0%} of a whole run" if done.full_seconds else ""
    out.print(f"{done.identifier}: {plural(done.texts, 'text')} asked about; {done.seconds:,.1f} s{share}")
    if not done.in_place:
        out.print(
            f"[bold]It was not put in place[/]: {done.folder} holds it, and the old model serves on.\n"
            "→ rubricator category apply --anyway"
        )
    if done.review is not None:
        chosen, new = done.review, series([*done.extension.new])
        out.print(
            f"Most worth a review: {plural(chosen.positive, 'text')} that the teachers call {escape(new)}, "
            f"and {chosen.negative:,} that they do not."
        )
        out.print(f"→ rubricator review {escape(run.options)} --ids {chosen.file}", soft_wrap=True)


def _tell_figures(before: PartMetrics | None, after: PartMetrics) -> None:
    table = figure_table("key")
    for heading in ("texts", "F1 before", "F1 now"):
        table.add_column(heading, justify="right")
    old = {one.key: one.f1 for one in before.categories} if before else {}
    for one in after.categories:
        earlier = estimate_cell(old[one.key]) if one.key in old else "–"
        table.add_row(escape(one.key), f"{one.support:,}", earlier, estimate_cell(one.f1))
    out.print(f"On {escape(after.about)}:")
    out.print(table)
