"""What the pages show is run, and what there is stands on a page."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from commands import COMMAND, rubricator
from pydantic import BaseModel
from typer.core import TyperCommand
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.cli.commands import COMMANDS
from rubricator.config import (
    Augment,
    Config,
    GgufEngineConfig,
    LlmTeacherConfig,
    OpenAIEngineConfig,
    ReplayEngineConfig,
    TransformersEngineConfig,
)
from rubricator.predict import Predictor

ROOT = Path(__file__).parents[2]
ENGINES = (OpenAIEngineConfig, GgufEngineConfig, TransformersEngineConfig, ReplayEngineConfig)
CAPTURED = {"capture_output": True, "text": True, "check": False}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


def shown(page: Path, program: str) -> list[str]:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line.partition("  #")[0].strip() for line in lines if line.startswith(program)]


Checkouts = Callable[[Path], Path]


@pytest.fixture(scope="module")
def checkouts(news_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkouts:
    """A folder like a checkout in which the demo has run, one for each page: its commands follow one another.

    Whoever changes an artifact writes a new one beside it, so its files can be links.
    """

    @cache
    def checkout(page: Path) -> Path:
        folder = tmp_path_factory.mktemp(page.stem)
        shutil.copytree(news_run / "examples", folder / "examples")
        run = news_run / "runs/news"
        shutil.copytree(run, folder / "runs/news", ignore=shutil.ignore_patterns("artifact"))
        shutil.copytree(run / "artifact", folder / "runs/news/artifact", copy_function=os.link)
        return folder

    return checkout


FIRST_SHOWN = {line: page for page in reversed(PAGES) for line in shown(page, "rubricator ")}
"""Every command, and the first page that shows it."""
SERVING = [line for line in FIRST_SHOWN if line.startswith("rubricator serve")]
OTHERS = [
    pytest.param(page, line, id=line, marks=pytest.mark.xdist_group(page.name))
    for page in PAGES
    for line in dict.fromkeys(shown(page, "rubricator "))
    if FIRST_SHOWN[line] == page and line not in SERVING
]


def fill_log(checkout: Path) -> None:
    """As if the service had answered the news two weeks ago."""
    from rubricator.store import Store
    from rubricator.store.predictions import LoggedPrediction, PredictionLog

    predictor = Predictor.load(checkout / "runs/news/artifact")
    texts = pl.read_csv(checkout / "examples/news/news.csv", infer_schema=False)["text"].to_list()[:100]
    with Store.open(checkout / "log.sqlite") as store:
        PredictionLog(store).append(
            [
                LoggedPrediction(
                    at=datetime.now(UTC) - timedelta(days=14),
                    text_id=one.text_id,
                    model=one.model,
                    taxonomy_version=one.taxonomy_version,
                    role="champion",
                    categories=one.categories,
                    probabilities=one.probabilities,
                    seconds=0.01,
                    characters=100,
                )
                for one in predictor.predict([text for text in texts if text and text.strip()])
            ]
        )


def test_pages_show_commands_at_all() -> None:
    assert len(OTHERS) >= 20
    assert len(SERVING) >= 1


@pytest.mark.parametrize(("page", "line"), OTHERS)
def test_commands_on_the_pages_work(page: Path, line: str, checkouts: Checkouts) -> None:
    checkout, arguments = checkouts(page), shlex.split(line)[1:]
    if "mine/rubricator.yaml" in arguments and not (checkout / "mine").exists():
        rubricator("init", "mine", cwd=checkout)
    if "--import" in arguments and not (checkout / "batch.csv").exists():
        rubricator("review", "-c", "examples/news/rubricator.yaml", "--export", "batch.csv", cwd=checkout)
    if arguments[0] == "predict":
        # A text costs the same in a long file.
        texts = checkout / arguments[2]
        arguments[2] = "few.csv"
        pl.read_csv(texts, infer_schema=False).head(20).write_csv(checkout / "few.csv")
    if arguments[0] == "models" and "VERSION" in arguments:
        (version,) = (path.name for path in (checkout / "models/versions").iterdir())
        arguments = [version if argument == "VERSION" else argument for argument in arguments]
    if arguments[0] == "monitor" and not (checkout / "log.sqlite").exists():
        fill_log(checkout)
    if arguments[0] == "compare":
        shutil.copytree(checkout / arguments[1], checkout / arguments[2])
    done = rubricator(*arguments, cwd=checkout)
    assert done.returncode == 0, done.stderr


@pytest.mark.xdist_group("serving.md")
def test_the_service_answers_the_request_on_the_page(checkouts: Checkouts) -> None:
    page = ROOT / "docs/serving.md"
    requests = shown(page, "curl ")
    process = subprocess.Popen(
        [COMMAND, *shlex.split(SERVING[0])[1:-1], "0"], cwd=checkouts(page), stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        address = next(found[1] for line in process.stderr if (found := re.search(r"running on (\S+)", line)))
        said = [
            subprocess.run(
                shlex.split(request.replace("http://127.0.0.1:8000", address)),
                capture_output=True,
                text=True,
                check=True,
            ).stdout.replace(" ", "")
            for request in requests
        ]
        assert '"labels":["sport"]' in said[0]
        assert all('"taxonomy_version":' in one and '"detail"' not in one for one in said)
        # What asks a service is marked `py`: without one it would not run.
        (program,) = blocks(page, "py")
        program = program.replace("http://127.0.0.1:8000", address)
        done = subprocess.run([sys.executable, "-c", program], **CAPTURED)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("('sport',) {")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.name, marks=pytest.mark.xdist_group(page.name))
        for page in PAGES
        if blocks(page, "python")
    ],
)
def test_python_on_the_pages_works(page: Path, checkouts: Checkouts) -> None:
    # One after the other in one namespace, as a reader runs them in a notebook.
    program = "\n".join(blocks(page, "python"))
    done = subprocess.run([sys.executable, "-c", program], cwd=checkouts(page), **CAPTURED)
    assert done.returncode == 0, done.stderr


def test_make_targets_on_the_pages_exist() -> None:
    targets = {
        line.split()[1] for page in [*PAGES, ROOT / "CONTRIBUTING.md"] for line in shown(page, "make ")
    }
    assert {"demo", "test"} <= targets
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets)


def parts_of(command: TyperCommand) -> list[TyperCommand]:
    """A command, or those that a group holds."""
    return list(getattr(command, "commands", {"": command}).values())


def test_every_command_and_option_is_documented() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert len(COMMANDS) == 25
    assert [name for name in COMMANDS if f"rubricator {name}" not in pages] == []
    options = {
        option
        for name, command in COMMANDS.items()
        for single in parts_of(command.load(name))
        for parameter in single.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--") and option != "--help"
    }
    assert len(options) > 20
    assert [option for option in sorted(options) if not re.search(rf"{option}\b", pages)] == []


def test_every_command_teaches_with_an_example() -> None:
    for name in COMMANDS:
        said = CliRunner().invoke(app, [name, "--help"]).output
        assert "Example" in said or name == "doctor", name


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")

    def keys(model: type[BaseModel], prefix: str = "") -> list[str]:
        found = []
        for name, field in model.model_fields.items():
            inner = field.annotation
            is_section = isinstance(inner, type) and issubclass(inner, BaseModel)
            if is_section and name not in ("columns", "clean"):
                found += keys(inner, f"{prefix}{name}.")
            elif not field.exclude:
                found.append(prefix + name)
        return found

    names = keys(Config)
    assert len(names) > 25
    names += [name for model in ENGINES for name in model.model_fields if name != "kind"]
    names += [f"augment.{name}" for name in Augment.model_fields]
    names += [name for name in LlmTeacherConfig.model_fields if name != "kind"]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_house_on_the_page_is_the_house() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    assert "\n".join(layers) in page
    rooms = {path.stem for path in (ROOT / "src/rubricator").glob("[!_]*") if path.suffix != ".typed"}
    assert [room for room in sorted(rooms) if f"`{room}`" not in page] == []
    paths = re.findall(r"`((?:src|tests)/[\w/.]+)`", page)
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
