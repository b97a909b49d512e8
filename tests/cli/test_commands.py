"""Commands that are imported when they are used."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.cli.commands import COMMANDS

LIGHT = {
    "rubricator.errors",
    "rubricator.masking",
    "rubricator.pages",
    "rubricator.pages.formatting",
    "rubricator.progress",
    "rubricator.project",
    "rubricator.project.progress",
}
HEAVY = {"numpy", "polars", "scipy", "sklearn", "sqlalchemy", "yaml", "jinja2", "httpx"}


def modules_after(*commands: list[str]) -> set[str]:
    code = (
        "import sys; from rubricator.cli import main\n"
        f"for sys.argv[1:] in {list(commands)}:\n"
        "    try: main()\n    except SystemExit: pass\n"
        "print('imported:', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("imported:")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["comparr"], []])
def test_what_needs_no_work_imports_nothing_heavy(arguments: list[str]) -> None:
    modules = modules_after(arguments)
    ours = {name for name in modules if name.startswith("rubricator.")}
    assert {name for name in ours if not name.startswith("rubricator.cli")} <= LIGHT
    assert ours & {f"rubricator.cli.{name}" for name in (*COMMANDS, "table")} == set()
    assert not modules & HEAVY


def test_no_command_needs_what_it_works_with_to_show_its_help() -> None:
    modules = modules_after(*([name, "--help"] for name in COMMANDS))
    ours = {name for name in modules if name.startswith("rubricator.")}
    assert {f"rubricator.cli.{command.function.partition(':')[0]}" for command in COMMANDS.values()} <= ours
    assert {name for name in ours if not name.startswith("rubricator.cli")} <= LIGHT | {"rubricator.records"}
    assert not modules & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_the_first_sentence_that_the_command_says_of_itself(name: str) -> None:
    command = COMMANDS[name].load(name)
    assert command.name == name
    assert (
        inspect.cleandoc(command.help or "").partition("\n\n")[0].replace("\n", " ") == COMMANDS[name].about
    )


def test_help_lists_every_command_and_a_slip_is_understood() -> None:
    listed = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "150"}).output
    assert [name for name in COMMANDS if f" {name} " not in listed] == []
    slip = CliRunner().invoke(app, ["comparr"])
    assert slip.exit_code == 2
    assert "Did you mean 'compare'?" in slip.output
