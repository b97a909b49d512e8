"""`rubricator category`: what changes the list, and what brings the model up to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from rich.markup import escape

from rubricator.cli.category_options import (
    Anyway,
    Apply,
    By,
    Description,
    Key,
    Keywords,
    Language,
    Plan,
    Promote,
    Registry,
    SameMeaning,
    Title,
    run_of,
)
from rubricator.cli.console import out
from rubricator.cli.run import ConfigFile, OutFolder, Overrides

if TYPE_CHECKING:
    from rubricator.pipeline.category import Changed, ChangePlan
    from rubricator.pipeline.stage import Run

Changer = Callable[..., Any]
"""Makes a `Make` of the options of one command."""


def changing(describe: Changer) -> Callable[..., None]:
    """A command of a function that says what changes: it gets the options that all changes have."""

    def command(
        *,
        plan: Plan = False,
        by: By = None,
        apply: Apply = False,
        anyway: Anyway = False,
        registry: Registry = None,
        promote: Promote = False,
        config: ConfigFile = Path("rubricator.yaml"),
        overrides: Overrides = None,
        out_folder: OutFolder = None,
        **own: Any,
    ) -> None:
        _check_options(apply=apply, anyway=anyway, registry=registry, promote=promote)
        run = run_of(config, overrides, out_folder)
        make = describe(**own)
        if plan:
            from rubricator.cli.extension import tell_prospect
            from rubricator.pipeline.category import plan_change

            _tell_plan(plan_change(run, make))
            tell_prospect(run, make)
            out.print("[dim]Nothing was changed.[/]")
            return
        from rubricator.pipeline.category import apply_change

        _commit(
            run,
            lambda at: apply_change(at, make, by=by or _login()),
            apply=apply,
            anyway=anyway,
            registry=registry,
            promote=promote,
        )

    parameters = list(inspect.signature(describe).parameters.values())
    shared = [one for one in inspect.signature(command).parameters.values() if one.name != "own"]
    hints = get_type_hints(describe, include_extras=True) | get_type_hints(command, include_extras=True)
    typed = [one.replace(annotation=hints[one.name]) for one in (*parameters, *shared)]
    command.__name__, command.__doc__ = describe.__name__, describe.__doc__
    command.__signature__ = inspect.Signature(typed)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in typed} | {"return": None}
    return command


@changing
def add_category(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its key in files, columns and code.")],
    description: Description = None,
    keywords: Keywords = None,
    title: Title = None,
    parent: Annotated[str | None, typer.Option(metavar="KEY", help="The broader category.")] = None,
) -> Any:
    """Add a category.

    Example: `rubricator category add health --description "врачи, больницы, лекарства" --apply`
    """
    from rubricator.taxonomy.changes import add, made

    new = made({"key": key, **_fields(title, description, keywords), "parent": parent})
    return lambda taxonomy, retired: add(taxonomy, new, retired=retired)


@changing
def remove_category(key: Key) -> Any:
    """Remove a category; its key is not used again.

    Example: `rubricator category remove culture --plan`
    """
    from rubricator.taxonomy.changes import remove

    return lambda taxonomy, _: remove(taxonomy, key)


@changing
def rename_category(key: Key, new: Annotated[str, typer.Argument(metavar="NEW", help="Its new key.")]) -> Any:
    """Give a category another key; to give it another title, use `describe --title`.

    Example: `rubricator category rename sport sports`
    """
    from rubricator.taxonomy.changes import rename

    return lambda taxonomy, retired: rename(taxonomy, key, new, retired=retired)


@changing
def describe_category(
    key: Key,
    description: Description = None,
    keywords: Keywords = None,
    title: Title = None,
    same_meaning: SameMeaning = False,
) -> Any:
    """Give a category another description, title or keywords.

    People's labels of it are stale afterwards (`rubricator review --stale`), unless only keywords change or
    you say that the meaning stays.

    Example: `rubricator category describe sport --title Спорт --same-meaning`
    """
    from rubricator.taxonomy.changes import describe

    fields = _fields(title, description, keywords)
    if not fields:
        raise typer.BadParameter("give --description, --title or --keywords")
    return lambda taxonomy, _: describe(taxonomy, key, fields, same_meaning=same_meaning)


@changing
def merge_categories(
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Categories that become one.")],
    into: Annotated[str, typer.Option(metavar="KEY", help="One of the list, or a new one.")],
    description: Description = None,
    title: Title = None,
) -> Any:
    """Make several categories one; their descriptions and keywords are joined.

    Example: `rubricator category merge economy politics --into society --title Общество --plan`
    """
    from rubricator.taxonomy.changes import merge

    fields = {name: str(value) for name, value in _fields(title, description, None).items()}
    return lambda taxonomy, retired: merge(taxonomy, keys, into, update=fields, retired=retired)


@changing
def split_category(
    key: Key,
    into: Annotated[
        list[str] | None,
        typer.Option(metavar="'KEY: WHAT BELONGS THERE'", help="One part with its description. Repeatable."),
    ] = None,
) -> Any:
    """Split a category into several; people are asked which of them their labels mean.

    Example: `rubricator category split culture --into 'music: концерты' --into 'books: романы' --plan`
    """
    from rubricator.taxonomy.changes import made, split

    parts = []
    for one in into or []:
        part, _, description = one.partition(":")
        parts.append(made({"key": part.strip(), "description": description.strip()}))
    return lambda taxonomy, retired: split(taxonomy, key, parts, retired=retired)


@changing
def import_list(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table in IAB's form, or SKOS.")],
    replace: Annotated[bool, typer.Option("--replace", help="Remove what the file has not.")] = False,
    language: Language = "",
) -> Any:
    """Take categories out of a table (Unique ID, Parent, Name, Tier 1 …) or SKOS (.ttl, .rdf, .jsonld).

    Example: `rubricator category import iab.tsv --plan`
    """
    from rubricator.pipeline.category_files import importing, read_categories

    return importing(read_categories(file, language=language), where=str(file), replace=replace)


def roll_list_back(
    number: Annotated[str, typer.Argument(metavar="VERSION", help="Such as 1.0.")],
    by: By = None,
    apply: Apply = False,
    anyway: Anyway = False,
    registry: Registry = None,
    promote: Promote = False,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Bring a former version back, as a new one; its file comes back as it was.

    Example: `rubricator category rollback 1.0`
    """
    from rubricator.pipeline.category import roll_back

    _check_options(apply=apply, anyway=anyway, registry=registry, promote=promote)
    _commit(
        run_of(config, overrides, out_folder),
        lambda run: roll_back(run, number, by=by or _login()),
        apply=apply,
        anyway=anyway,
        registry=registry,
        promote=promote,
    )


def apply_to_artifact(
    plan: Plan = False,
    anyway: Anyway = False,
    registry: Registry = None,
    promote: Promote = False,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Bring the model up to the list: it learns what is new, and keeps the rest bit by bit.

    Where exactly one category is right, and where the encoder was trained, everything is learnt anew, the new
    model is compared with the old one category by category, and takes its place unless it is surely worse.
    Killed at any moment, the old model is whole and serves on.

    Example: `rubricator category apply --plan`
    """
    from rubricator.cli.extension import follow, tell_plan

    run = run_of(config, overrides, out_folder)
    if plan:
        tell_plan(run)
        out.print("[dim]Nothing was changed.[/]")
    else:
        follow(run, anyway=anyway, registry=registry, promote=promote)


def _fields(
    title: str | None, description: str | None, keywords: str | None
) -> dict[str, str | tuple[str, ...]]:
    fields: dict[str, str | tuple[str, ...]] = {}
    if title is not None:
        fields["name"] = " ".join(title.split())
    if description is not None:
        fields["description"] = " ".join(description.split())
    if keywords is not None:
        fields["keywords"] = tuple(word.strip() for word in keywords.split(",") if word.strip())
    return fields


def _check_options(*, apply: bool, anyway: bool, registry: Path | None, promote: bool) -> None:
    if (anyway or registry or promote) and not apply:
        raise typer.BadParameter("--anyway, --registry and --promote need --apply")


def _commit(
    run: Run,
    change: Callable[[Run], Changed],
    *,
    apply: bool,
    anyway: bool,
    registry: Path | None,
    promote: bool,
) -> None:
    """Make a change of the list; where that is asked for, the model follows it."""
    if apply:
        from rubricator.cli.extension import check, follow, settled

        check(run, registry=registry, promote=promote)  # before the list is changed
    _tell(change(run), applied=apply)
    if apply:
        from rubricator.taxonomy import Taxonomy

        now = replace(run, taxonomy=Taxonomy.read(run.config.path(run.config.taxonomy)))
        if settled(now):  # a former list came back whose model is still there
            return
        follow(now, anyway=anyway, registry=registry, promote=promote)


def _tell_plan(plan: ChangePlan) -> None:
    kind = "major: labels given before lose some of their meaning" if plan.major else "minor"
    out.print(f"[bold]{escape(plan.about)}[/] (after {plan.before}; {kind})")
    for line in plan.lines():
        out.print(f"  {escape(line)}")


def _tell(changed: Changed, *, applied: bool = False) -> None:
    _tell_plan(changed.plan)
    out.print(f"The list is version [bold]{changed.version.number}[/] ({changed.version.digest}).")
    for line in changed.next_steps(applied=applied):
        out.print(f"→ {escape(line)}")


def _login() -> str:
    from rubricator.cli.review import login

    return login()
