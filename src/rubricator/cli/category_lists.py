"""`rubricator category`: what shows the list and its versions, and carries labels over in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from rubricator.cli.category_options import Language, run_of
from rubricator.cli.console import figure_table, out
from rubricator.cli.run import ConfigFile, OutFolder, Overrides

if TYPE_CHECKING:
    from rubricator.taxonomy import Taxonomy
    from rubricator.taxonomy.versions import History


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
    taxonomy, history = _list(config, overrides)
    for sentence in history.difference(before, after, taxonomy).sentences or ("Nothing differs.",):
        out.print(escape(sentence))


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
    run = run_of(config, overrides, out_folder)
    done, carried = migrate(run, map_file, tables or [], output=output, reviews=reviews, since=since)
    for one in done:
        out.print(f"{plural(one.rows, 'row')}: {one.target}")
        if one.open:
            shown = ", ".join(one.open[:10]) + (" …" if len(one.open) > 10 else "")
            out.print(f"  {len(one.open):,} do not tell which new category they mean: {escape(shown)}")
    if reviews:
        out.print(f"{plural(carried, 'review')} carried over")


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


def _list(config: Path, overrides: list[str] | None) -> tuple[Taxonomy, History]:
    from rubricator.config import read_config
    from rubricator.taxonomy import Taxonomy
    from rubricator.taxonomy.versions import History

    settings = read_config(config, overrides or [])
    file = settings.path(settings.taxonomy)
    return Taxonomy.read(file), History.beside(file)
