"""The commands together, and the one place where errors become exit codes."""

from __future__ import annotations

import errno
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from rubricator import __version__
from rubricator.cli.commands import COMMANDS
from rubricator.cli.console import err
from rubricator.errors import RubricatorError

USER_ERROR = 2
_OF_THE_FOLDER = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES),
    *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP),
)
INTERRUPTED = 130


class _Commands(TyperGroup):
    """Tells people what went wrong in words; a traceback is for faults of the program only."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and COMMANDS[name].load(name), rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except RubricatorError as error:
            _print_error(error.problem, error.fix)
            raise typer.Exit(USER_ERROR) from error
        except KeyboardInterrupt:
            _print_error("Stopped.", "Run the same command again: it goes on where it was.")
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            if error.errno not in _OF_THE_FOLDER:
                raise
            where = f" ({error.filename})" if error.filename else ""
            fix = "Make room or choose another folder, then run again: it goes on."
            _print_error(f"{error.strerror}{where}.", fix)
            raise typer.Exit(USER_ERROR) from error


def _print_error(problem: str, fix: str) -> None:
    err.print(f"[bold red]✗[/] {escape(problem)}")
    if fix:
        err.print(f"[bold]→[/] {escape(fix)}")


app = typer.Typer(
    name="rubricator",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="From a pile of texts and a list of categories to a classifier in production.\n\n"
    "Start with `rubricator init mynews --template news`, then `rubricator run -c mynews/rubricator.yaml`.",
)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def _listed() -> None:
    """Stands in for every command until one is used: enough for `--help`."""


for _name, _command in COMMANDS.items():
    app.command(_name, help=_command.about, rich_help_panel=_command.panel)(_listed)
