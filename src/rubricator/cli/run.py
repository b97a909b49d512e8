"""`rubricator run`, and one command per stage with the same code behind it."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text as Line

from rubricator.cli.console import log_to, out, show_progress
from rubricator.cli.table import show_result
from rubricator.config import read_config, shown_arguments
from rubricator.pages.formatting import plural
from rubricator.pipeline.other_runs import reviews_elsewhere
from rubricator.pipeline.stage import RUNS, Run, Stage, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.pipeline.tracking import check_tracking, track
from rubricator.records import ONLY_FAILURES, Status
from rubricator.taxonomy import Taxonomy

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The settings.", show_default=True)]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a setting, e.g. `--set split.test=0.3`. Repeatable."
    ),
]
OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Where outputs go instead of runs/NAME.")
]
Force = Annotated[bool, typer.Option("--force", help="Do it again even if nothing changed.")]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="A kind to train instead of those in the settings: linear, static, heads, cascade, hybrid, "
        "finetune, lora; or `auto`. Repeatable.",
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        help="How long encoding and training may take: `train.minutes`. What was trained by then is kept."
    ),
]


def run_pipeline(
    config: ConfigFile = Path("rubricator.yaml"),
    models: Models = None,
    minutes: Minutes = None,
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Stop after this stage.")] = None,
    force: Annotated[
        list[str] | None,
        typer.Option(metavar="STAGE", help="Do this stage again even if nothing changed. Repeatable."),
    ] = None,
) -> None:
    """Run the whole pipeline: read, split, label, train, evaluate, export.

    Stages whose inputs have not changed are skipped; a run that was stopped or killed goes on where it was.

    Example: `rubricator run -c examples/news/rubricator.yaml --set golden.use=test --out runs/strict`
    """
    settings = [*(overrides or []), *overriding(models, minutes)]
    run = go(config, settings, out_folder, until=until, force=force or [])
    if until in (None, STAGES[-1].name):
        show_result(run.folder, config=config)


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
    given = ["-c", str(config), *(part for one in overrides or [] for part in ("--set", one))]
    options = shown_arguments([*given, *(() if out_folder is None else ("--out", str(out_folder)))])
    run = Run(
        *(settings, taxonomy, folder),
        progress=show_progress,
        say=_say,
        command=command,
        options=options,
        again=again,
    )
    folder.mkdir(parents=True, exist_ok=True)
    check_tracking(settings.tracking)
    with log_to(folder / "run.log"):
        run_stages(run, STAGES, until=until, force=force)
        if until not in ("read", "split"):  # what comes later stands on reviews
            _tell_of_reviews(run)
        if until in (None, STAGES[-1].name) and (place := track(folder, settings, settings.tracking)):
            out.print(f"MLflow    {place}")
    return run


def _tell_of_reviews(run: Run) -> None:
    for place, count in reviews_elsewhere(run).items():
        command = f"rubricator review {run.options} --import {shlex.quote(str(place))}"
        _say(
            f"[yellow]![/] {plural(count, 'review')} of these texts in {escape(str(place))} are not known "
            f"here. To take them along: {escape(command)}"
        )


def overriding(models: list[str] | None, minutes: float | None) -> list[str]:
    """The settings that `--model` and `--minutes` stand for."""
    settings = [] if minutes is None else [f"train.minutes={minutes:g}"]
    if models:
        settings.append("train.models=" + ("auto" if "auto" in models else json.dumps(models)))
    return settings


def _say(line: str) -> None:
    out.print(line)
    logging.getLogger("rubricator.run").info(Line.from_markup(line).plain)


def _stage_command(stage: Stage) -> Callable[..., None]:
    def command(
        config: ConfigFile = Path("rubricator.yaml"),
        overrides: Overrides = None,
        out_folder: OutFolder = None,
        force: Force = False,
    ) -> None:
        go(config, overrides, out_folder, until=stage.name, force=[stage.name] if force else [])

    command.__doc__ = (
        f"{stage.about}\n\nStages before it run first where something changed.\n\n"
        f"Example: `rubricator {stage.name} -c examples/news/rubricator.yaml`"
    )
    return command


# Labelling and training have more to say: see cli/label.py, cli/train.py.
read_texts, split_texts, evaluate_model, export_artifact = (
    _stage_command(stage) for stage in STAGES if stage.name not in ("label", "train")
)
