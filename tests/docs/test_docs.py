"""What the pages show is run, and what there is stands on a page."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from commands import COMMAND, rubricator
from pydantic import BaseModel
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.config import (
    Config,
    GgufEngineConfig,
    LlmTeacherConfig,
    OpenAIEngineConfig,
    ReplayEngineConfig,
    TransformersEngineConfig,
)

ROOT = Path(__file__).parents[2]
ENGINES = (OpenAIEngineConfig, GgufEngineConfig, TransformersEngineConfig, ReplayEngineConfig)
CAPTURED = {"capture_output": True, "text": True, "check": False}
OPTIONS = {"--set", "--out", "--until", "--force", "--id", "--title", "--body", "--plan", "--report"}
OPTIONS |= {
    "--export",
    "--teacher",
    "--ask-again",
    "--top",
    "--import",
    "--status",
    "--count",
    "--by",
    "--order",
    "--json",
}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


def shown(page: Path, program: str) -> list[str]:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line.partition("  #")[0].strip() for line in lines if line.startswith(program)]


@pytest.fixture
def checkout(news_run: Path, tmp_path: Path) -> Path:
    """A folder like a checkout in which the demo has run, for one test to change.

    Whoever changes an artifact writes a new one beside it, so its files can be links.
    """
    shutil.copytree(news_run / "examples", tmp_path / "examples")
    run = news_run / "runs/news"
    shutil.copytree(run, tmp_path / "runs/news", ignore=shutil.ignore_patterns("artifact"))
    shutil.copytree(run / "artifact", tmp_path / "runs/news/artifact", copy_function=os.link)
    return tmp_path


COMMANDS = sorted({line for page in PAGES for line in shown(page, "rubricator ")})
SERVING = [line for line in COMMANDS if line.startswith("rubricator serve")]
OTHERS = [line for line in COMMANDS if line not in SERVING]


def test_pages_show_commands_at_all() -> None:
    assert len(OTHERS) >= 10
    assert len(SERVING) >= 1


@pytest.mark.parametrize("line", OTHERS)
def test_commands_on_the_pages_work(line: str, checkout: Path) -> None:
    arguments = shlex.split(line)[1:]
    if "mine/rubricator.yaml" in arguments:
        rubricator("init", "mine", cwd=checkout)
    if "--import" in arguments:
        rubricator("review", "-c", "examples/news/rubricator.yaml", "--export", "batch.csv", cwd=checkout)
    if arguments[0] == "compare":
        shutil.copytree(checkout / arguments[1], checkout / arguments[2])
    done = rubricator(*arguments, cwd=checkout)
    assert done.returncode == 0, done.stderr


def test_the_service_answers_the_request_on_the_page(checkout: Path) -> None:
    (request,) = shown(ROOT / "docs/serving.md", "curl ")
    process = subprocess.Popen(
        [COMMAND, *shlex.split(SERVING[0])[1:-1], "0"], cwd=checkout, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        address = next(found[1] for line in process.stderr if (found := re.search(r"running on (\S+)", line)))
        done = subprocess.run(
            shlex.split(request.replace("http://127.0.0.1:8000", address)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert '"labels":["sport"]' in done.stdout.replace(" ", "")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name
)
def test_python_on_the_pages_works(page: Path, checkout: Path) -> None:
    for block in blocks(page, "python"):
        done = subprocess.run([sys.executable, "-c", block], cwd=checkout, **CAPTURED)
        assert done.returncode == 0, done.stderr


def test_make_targets_on_the_pages_exist() -> None:
    targets = {
        line.split()[1] for page in [*PAGES, ROOT / "CONTRIBUTING.md"] for line in shown(page, "make ")
    }
    assert {"demo", "test"} <= targets
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets)


def test_every_command_and_option_is_documented() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    group = typer.main.get_command(app)
    names = list(group.commands)  # type: ignore[attr-defined]
    assert len(names) == 14
    assert [name for name in names if f"rubricator {name}" not in pages] == []
    assert [option for option in sorted(OPTIONS) if option not in pages] == []


def test_every_command_teaches_with_an_example() -> None:
    for name in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
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
    names += [name for name in LlmTeacherConfig.model_fields if name != "kind"]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
