"""Runs the stages that a command asks for, with progress and a log."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.text import Text as Line

from rubricator.cli.console import log_to, out, show_progress
from rubricator.config import read_config, shown_arguments
from rubricator.pages.formatting import plural
from rubricator.pipeline.other_runs import reviews_elsewhere
from rubricator.pipeline.stage import RUNS, Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.pipeline.tracking import check_tracking, track
from rubricator.records import ONLY_FAILURES, Status
from rubricator.taxonomy import Taxonomy

LAST = STAGES[-1].name


def options_of(config: Path, overrides: list[str] | None, out_folder: Path | None) -> str:
    """With which any command means this project and these settings."""
    given = ["-c", str(config), *(part for one in overrides or [] for part in ("--set", one))]
    return shown_arguments([*given, *(() if out_folder is None else ("--out", str(out_folder)))])


def go(
    config: Path,
    overrides: list[str] | None,
    out_folder: Path | None,
    *,
    until: str | None,
    force: Sequence[str] = (),
    again: frozenset[Status] = ONLY_FAILURES,
) -> Run:
    """Run the stages that a command asks for, with progress, and a log in the run's folder."""
    settings = read_config(config, overrides or [])
    taxonomy = Taxonomy.read(settings.path(settings.taxonomy))
    folder = out_folder or Path(RUNS) / settings.name
    command = f"rubricator {shown_arguments(sys.argv[1:])}"
    run = Run(
        *(settings, taxonomy, folder),
        progress=show_progress,
        say=_say,
        command=command,
        options=options_of(config, overrides, out_folder),
        again=again,
    )
    folder.mkdir(parents=True, exist_ok=True)
    check_tracking(settings.tracking)
    with log_to(folder / "run.log"):
        run_stages(run, STAGES, until=until, force=force)
        if until not in ("read", "split"):  # what comes later stands on reviews
            _tell_of_reviews(run)
        if until in (None, LAST) and (place := track(folder, settings, settings.tracking)):
            out.print(f"MLflow    {place}")
    return run


def _tell_of_reviews(run: Run) -> None:
    for place, count in reviews_elsewhere(run).items():
        command = f"rubricator review {run.options} --import {shlex.quote(str(place))}"
        _say(
            f"[yellow]![/] {plural(count, 'review')} of these texts in {escape(str(place))} are not known "
            f"here. To take them along: {escape(command)}"
        )


def _say(line: str) -> None:
    out.print(line)
    logging.getLogger("rubricator.run").info(Line.from_markup(line).plain)
