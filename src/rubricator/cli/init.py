"""`rubricator init`: a folder that runs as it is, to be changed piece by piece."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import typer

from rubricator.cli.console import out
from rubricator.errors import RubricatorError


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or one without these files.")],
    template: Annotated[
        Literal["news", "reviews", "videos"],
        typer.Option(
            help="**news**: several categories a text, time, golden set. **reviews**: one category each, "
            "with a none category. **videos**: one category each, three languages, columns beside the text."
        ),
    ] = "news",
) -> None:
    """Make a folder with commented settings, categories and sample data that run as they are.

    Example: `rubricator init mine --template reviews && rubricator run -c mine/rubricator.yaml`
    """
    packaged = Path(str(files("rubricator"))) / "templates"  # in the wheel
    source = (packaged if packaged.is_dir() else Path(__file__).parents[3] / "examples") / template
    existing = [file.name for file in sorted(source.iterdir()) if (folder / file.name).exists()]
    if existing:
        raise RubricatorError(
            f"{folder} already holds {', '.join(existing)}.",
            fix="Name another folder: nothing is overwritten.",
        )
    shutil.copytree(source, folder, dirs_exist_ok=True)
    out.print(
        f"{folder} holds settings, categories and sample data. Put your own data in, and change the rest."
    )
    out.print(f"  rubricator run -c {folder / 'rubricator.yaml'}")
