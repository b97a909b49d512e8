"""`rubricator run`, and one command per stage with the same code behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from rubricator.cli.commands import COMMANDS

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
    from rubricator.cli.stages import LAST, go
    from rubricator.cli.table import show_result

    settings = [*(overrides or []), *overriding(models, minutes)]
    run = go(config, settings, out_folder, until=until, force=force or [])
    if until in (None, LAST):
        show_result(run.folder, config=config)


def overriding(models: list[str] | None, minutes: float | None) -> list[str]:
    """The settings that `--model` and `--minutes` stand for."""
    settings = [] if minutes is None else [f"train.minutes={minutes:g}"]
    if models:
        settings.append("train.models=" + ("auto" if "auto" in models else json.dumps(models)))
    return settings


def _stage_command(stage: str) -> Callable[..., None]:
    def command(
        config: ConfigFile = Path("rubricator.yaml"),
        overrides: Overrides = None,
        out_folder: OutFolder = None,
        force: Force = False,
    ) -> None:
        from rubricator.cli.stages import go

        go(config, overrides, out_folder, until=stage, force=[stage] if force else [])

    command.__doc__ = (
        f"{COMMANDS[stage].about}\n\nStages before it run first where something changed.\n\n"
        f"Example: `rubricator {stage} -c examples/news/rubricator.yaml`"
    )
    return command


# The others have more to say: see cli/split.py, cli/label.py, cli/train.py, cli/export.py.
read_texts, evaluate_model = (_stage_command(stage) for stage in ("read", "evaluate"))
