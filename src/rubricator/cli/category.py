"""`rubricator category`: the list of categories changes, and its versions are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from rubricator.cli.console import figure_table, out
from rubricator.cli.run import ConfigFile, OutFolder, Overrides

if TYPE_CHECKING:
    from rubricator.pipeline.category import Changed, ChangePlan, Make
    from rubricator.pipeline.stage import Run
    from rubricator.taxonomy import Taxonomy
    from rubricator.taxonomy.versions import History

category = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="""Change the list of categories, with what it costs told before; every version is kept.

Each change edits `taxonomy.yaml` in place (its comments stay) and makes a version in `taxonomy.history/`: the
first number counts up when labels given before lose their meaning, the second when something is added.
`--plan` tells what a change costs and makes none. A key is never used again for something else.

Example: `rubricator category add health --description "врачи, больницы, лекарства" --plan`
""",
)

Plan = Annotated[bool, typer.Option("--plan", help="Tell what it costs, and change nothing.")]
By = Annotated[str | None, typer.Option(metavar="NAME", help="Who changes it; by default your login name.")]
Title = Annotated[str | None, typer.Option(help="What people see.")]
Description = Annotated[
    str | None, typer.Option(help="What belongs there, in the words of the texts, as a list with commas.")
]
Keywords = Annotated[
    str | None, typer.Option(metavar="WORDS", help="Words that speak for it, joined by commas; `выбор*`.")
]
SameMeaning = Annotated[
    bool, typer.Option("--same-meaning", help="Labels given so far hold: only the wording changes.")
]
Language = Annotated[str, typer.Option(help="Language of the labels in SKOS, such as `ru`.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of a category.")]


@category.command("add")
def add_category(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its key in files, columns and code.")],
    description: Description = None,
    keywords: Keywords = None,
    title: Title = None,
    parent: Annotated[str | None, typer.Option(metavar="KEY", help="The broader category.")] = None,
    plan: Plan = False,
    by: By = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Add a category.

    Example: `rubricator category add health --title Здоровье --description "врачи, больницы, лекарства"`
    """
    from rubricator.taxonomy.changes import add, made

    new = made({"key": key, **_fields(title, description, keywords), "parent": parent})
    _change(
        lambda taxonomy, retired: add(taxonomy, new, retired=retired),
        *(config, overrides, out_folder),
        plan=plan,
        by=by,
    )


@category.command("remove")
def remove_category(
    key: Key,
    plan: Plan = False,
    by: By = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Remove a category; its key is not used again.

    Example: `rubricator category remove culture --plan`
    """
    from rubricator.taxonomy.changes import remove

    _change(lambda taxonomy, _: remove(taxonomy, key), config, overrides, out_folder, plan=plan, by=by)


@category.command("rename")
def rename_category(
    key: Key,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new key.")],
    plan: Plan = False,
    by: By = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Give a category another key; to give it another title, use `describe --title`.

    Example: `rubricator category rename sport sports`
    """
    from rubricator.taxonomy.changes import rename

    _change(
        lambda taxonomy, retired: rename(taxonomy, key, new, retired=retired),
        *(config, overrides, out_folder),
        plan=plan,
        by=by,
    )


@category.command("describe")
def describe_category(
    key: Key,
    description: Description = None,
    keywords: Keywords = None,
    title: Title = None,
    same_meaning: SameMeaning = False,
    plan: Plan = False,
    by: By = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Give a category another description, title or keywords.

    People's labels of it are stale afterwards (`rubricator review --stale`), unless only keywords change or
    you say that the meaning stays.

    Example: `rubricator category describe sport --title Спорт --same-meaning`
    """
    from rubricator.taxonomy.changes import describe

    fields = _fields(title, description, keywords)
    if not fields:
        raise typer.BadParameter("give --description, --title or --keywords")
    _change(
        lambda taxonomy, _: describe(taxonomy, key, fields, same_meaning=same_meaning),
        *(config, overrides, out_folder),
        plan=plan,
        by=by,
    )


@category.command("merge")
def merge_categories(
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Categories that become one.")],
    into: Annotated[str, typer.Option(metavar="KEY", help="One of the list, or a new one.")],
    description: Description = None,
    title: Title = None,
    plan: Plan = False,
    by: By = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Make several categories one; their descriptions and keywords are joined.

    Example: `rubricator category merge economy politics --into society --title Общество --plan`
    """
    from rubricator.taxonomy.changes import merge

    fields = {name: str(value) for name, value in _fields(title, description, None).items()}
    _change(
        lambda taxonomy, retired: merge(taxonomy, keys, into, update=fields, retired=retired),
        *(config, overrides, out_folder),
        plan=plan,
        by=by,
    )


@category.command("split")
def split_category(
    key: Key,
    into: Annotated[
        list[str] | None,
        typer.Option(metavar="'KEY: WHAT BELONGS THERE'", help="One part with its description. Repeatable."),
    ] = None,
    plan: Plan = False,
    by: By = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Split a category into several; people are asked which of them their labels mean.

    Example: `rubricator category split culture --into 'music: концерты' --into 'books: романы' --plan`
    """
    from rubricator.taxonomy.changes import made, split

    parts = []
    for one in into or []:
        part, _, description = one.partition(":")
        parts.append(made({"key": part.strip(), "description": description.strip()}))
    _change(
        lambda taxonomy, retired: split(taxonomy, key, parts, retired=retired),
        *(config, overrides, out_folder),
        plan=plan,
        by=by,
    )


@category.command("list")
def list_categories(config: ConfigFile = Path("rubricator.yaml"), overrides: Overrides = None) -> None:
    """List the categories, with the version since which each means what it means.

    Example: `rubricator category list -c examples/news/rubricator.yaml`
    """
    from rubricator.pages.formatting import excerpt

    taxonomy, history = _list(config, overrides)
    table = figure_table("key")
    for heading in ("title", "since", "description"):
        table.add_column(heading)
    meanings = history.meanings(taxonomy)
    for one in taxonomy.categories:
        since = meanings.get(one.key, "").rpartition("@")[2]
        cells = (one.key, one.title, since or "–", excerpt(" ".join(one.description.split()), 60))
        table.add_row(*map(escape, cells))
    out.print(f"{taxonomy.name or 'categories'}, {taxonomy.task}, version {history.shown(taxonomy)}")
    out.print(table)


@category.command("history")
def show_history(config: ConfigFile = Path("rubricator.yaml"), overrides: Overrides = None) -> None:
    """List the versions: when and by whom each was made, and what changed.

    Example: `rubricator category history -c examples/news/rubricator.yaml`
    """
    taxonomy, history = _list(config, overrides)
    if history.last is None:
        out.print(f"There is no history yet; the list is {taxonomy.version}. The first change begins one.")
        return
    for one in history.versions:
        by = f" by {escape(one.by)}" if one.by else ""
        out.print(f"[bold]{one.number}[/] [dim]{one.digest} {one.when}{by}[/]  {escape(one.change)}")
    if history.last.digest != taxonomy.version:
        out.print(
            f"[yellow]![/] {history.file} was changed by hand since; the next change records that first."
        )


@category.command("diff")
def show_difference(
    before: Annotated[str, typer.Argument(metavar="VERSION", help="Such as 1.0.")],
    after: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="The later one; by default the list of today.")
    ] = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
) -> None:
    """Say in words what sets two versions apart.

    Example: `rubricator category diff 1.0`
    """
    from rubricator.taxonomy.differences import compare

    taxonomy, history = _list(config, overrides)
    old = history.taxonomy(history.named(before))
    new = taxonomy if after is None else history.taxonomy(history.named(after))
    difference = compare(old, new)
    for sentence in difference.sentences or ("Nothing differs.",):
        out.print(escape(sentence))


@category.command("rollback")
def roll_list_back(
    number: Annotated[str, typer.Argument(metavar="VERSION", help="Such as 1.0.")],
    by: By = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Bring a former version back, as a new one; its file comes back as it was.

    Example: `rubricator category rollback 1.0`
    """
    from rubricator.pipeline.category import roll_back

    _tell(roll_back(_run(config, overrides, out_folder), number, by=by or _login()))


@category.command("migrate")
def migrate_labels(
    map_file: Annotated[
        Path, typer.Argument(metavar="MAP", help="Table of `old` and `new` keys; each change writes one.")
    ],
    tables: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Golden files, label tables, predictions."),
    ] = None,
    reviews: Annotated[
        bool, typer.Option("--reviews", help="Carry the reviews of the run over, too.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Insist on a row for every key that has gone since then."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where the one file goes; else FILE.migrated.SUFFIX."),
    ] = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Carry labels of an older list over to that of today.

    The map has a row per old key: its new key, several joined by commas, or `-` to drop its labels. Of
    several, `how` says whether a text belongs in `each`, or in `one` (then people must say which: such rows
    are left out and listed). Files are written anew beside the old ones.

    Example: `rubricator category migrate taxonomy.history/2.0.map.tsv golden.csv`
    """
    from rubricator.pages.formatting import plural
    from rubricator.pipeline.migrate import migrate

    if output is not None and len(tables or []) != 1:
        raise typer.BadParameter("-o needs exactly one FILE")
    run = _run(config, overrides, out_folder)
    done, carried = migrate(run, map_file, tables or [], output=output, reviews=reviews, since=since)
    for one in done:
        out.print(f"{plural(one.rows, 'row')}: {one.target}")
        if one.open:
            shown = ", ".join(one.open[:10]) + (" …" if len(one.open) > 10 else "")
            out.print(f"  {len(one.open):,} do not tell which new category they mean: {escape(shown)}")
    if reviews:
        out.print(f"{plural(carried, 'review')} carried over")


@category.command("import")
def import_list(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table in IAB's form, or SKOS.")],
    replace: Annotated[bool, typer.Option("--replace", help="Remove what the file has not.")] = False,
    language: Language = "",
    plan: Plan = False,
    by: By = None,
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
) -> None:
    """Take categories out of a table (Unique ID, Parent, Name, Tier 1 …) or SKOS (.ttl, .rdf, .jsonld).

    Example: `rubricator category import iab.tsv --plan`
    """
    from rubricator.pipeline.category_files import importing, read_categories

    found = read_categories(file, language=language)
    make = importing(found, where=str(file), replace=replace)
    _change(make, config, overrides, out_folder, plan=plan, by=by)


@category.command("export")
def export_list(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; the suffix names the format.")],
    language: Language = "",
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
) -> None:
    """Write the list as a table in IAB's form, or as SKOS (.ttl, .rdf, .jsonld).

    Example: `rubricator category export categories.tsv -c examples/news/rubricator.yaml`
    """
    from rubricator.pipeline.category_files import export_categories

    taxonomy, _ = _list(config, overrides)
    count = export_categories(file, taxonomy, language=language)
    out.print(f"{count:,} categories: {file}")


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


def _run(config: Path, overrides: list[str] | None, out_folder: Path | None) -> Run:
    from rubricator.config import read_config
    from rubricator.pipeline.category import run_of_list

    return run_of_list(read_config(config, overrides or []), out_folder)


def _list(config: Path, overrides: list[str] | None) -> tuple[Taxonomy, History]:
    from rubricator.config import read_config
    from rubricator.taxonomy import Taxonomy
    from rubricator.taxonomy.versions import History

    settings = read_config(config, overrides or [])
    file = settings.path(settings.taxonomy)
    return Taxonomy.read(file), History.beside(file)


def _change(
    make: Make,
    config: Path,
    overrides: list[str] | None,
    out_folder: Path | None,
    *,
    plan: bool,
    by: str | None,
) -> None:
    from rubricator.pipeline.category import apply_change, plan_change

    run = _run(config, overrides, out_folder)
    if plan:
        _tell_plan(plan_change(run, make))
        out.print("[dim]Nothing was changed.[/]")
    else:
        _tell(apply_change(run, make, by=by or _login()))


def _tell_plan(plan: ChangePlan) -> None:
    kind = "major: labels given before lose some of their meaning" if plan.major else "minor"
    out.print(f"[bold]{escape(plan.about)}[/] (after {plan.before}; {kind})")
    for line in plan.lines():
        out.print(f"  {escape(line)}")


def _tell(changed: Changed) -> None:
    _tell_plan(changed.plan)
    out.print(f"The list is version [bold]{changed.version.number}[/] ({changed.version.digest}).")
    for line in changed.next_steps():
        out.print(f"→ {escape(line)}")


def _login() -> str:
    from rubricator.cli.review import login

    return login()
