"""`rubricator models`: versions, the one that serves, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import JustifyMethod
from rich.markup import escape
from rich.table import Table

from rubricator.cli.console import out
from rubricator.cli.predict import Verify

if TYPE_CHECKING:
    from rubricator.artifact import Promotion, Version
    from rubricator.artifact.registry import Check, ModelRegistry

Registry = Annotated[Path, typer.Option("--registry", metavar="DIR", help="The folder of versions.")]
Note = Annotated[str, typer.Option(help="Why; it goes into the record.", show_default=False)]
VersionName = Annotated[
    str,
    typer.Argument(metavar="VERSION", help="`name@id`, or the first digits of the id.", show_default=False),
]
_DEFAULT = Path("models")

models = typer.Typer(
    name="models",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="Keep versions of a model, say which one serves, go back to an earlier one.\n\n"
    "A registry is a folder: `versions/` holds artifacts that never change, `promotions.jsonl` who was "
    "champion when. `rubricator serve --registry DIR` serves the champion and follows each promotion "
    "without dropping a request.\n\n"
    "Example: `rubricator models add runs/news`, then `rubricator models promote VERSION`",
)


@models.command("list")
def list_versions(registry: Registry = _DEFAULT) -> None:
    """List the versions; the champion is marked, what cannot serve is explained.

    Example: `rubricator models list`
    """
    found = _open(registry)
    champion = found.champion()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "version", "kind", "made", "categories", "taxonomy", "state"):
        justify: JustifyMethod = "right" if heading == "categories" else "left"
        # A version is there to be copied: it is never broken.
        table.add_column(heading, overflow="fold", justify=justify, no_wrap=heading == "version")
    versions = found.versions()
    for version in versions:
        table.add_row("★" if version.name == champion else "", *_row(version))
    out.print(table)
    for version in versions:
        if version.problem:
            out.print(f"[red]{escape(version.name)}[/]: {escape(version.problem)}", soft_wrap=True)
    if not versions:
        out.print("No versions yet: `rubricator models add RUN` adds one.")


@models.command("show")
def show_version(version: VersionName, registry: Registry = _DEFAULT) -> None:
    """Show one version: its categories, when it served, and where its card lies.

    Example: `rubricator models show 3f2a`
    """
    from rubricator.artifact import audit_artifact

    found = _open(registry)
    folder = found.artifact(version)
    manifest = audit_artifact(folder)
    out.print(
        f"[bold]{escape(manifest.identifier)}[/] ({manifest.kind}), made {manifest.created:%Y-%m-%d %H:%M}"
    )
    keys = ", ".join(manifest.taxonomy.keys)
    out.print(f"Taxonomy  {manifest.taxonomy_version}, {manifest.taxonomy.task.value}: {escape(keys)}")
    for note in found.notes(version):
        out.print(f"Note      {note.at:%Y-%m-%d %H:%M} {escape(note.note)}")
    for promotion in found.record():
        if manifest.identifier in (promotion.version, promotion.before):
            out.print(f"Record    {escape(_told(promotion))}")
    out.print(f"Folder    {folder}")
    out.print(f"Card      {folder / 'README.md'}")


@models.command("add")
def add_version(
    artifact: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or of an artifact.")],
    registry: Registry = _DEFAULT,
    note: Annotated[str, typer.Option(help="What to keep with it.", show_default=False)] = "",
) -> None:
    """Copy the artifact of a run into the registry, checked before and after; it does not serve yet.

    Example: `rubricator models add runs/news`
    """
    from rubricator.artifact import ModelRegistry

    manifest = ModelRegistry(registry).add(artifact, note=note)
    out.print(
        f"{manifest.identifier} is in {registry}; `rubricator models promote {manifest.id}` makes it serve"
    )


@models.command("promote")
def promote_version(
    version: VersionName, registry: Registry = _DEFAULT, note: Note = "", verify: Verify = None
) -> None:
    """Make a version the champion, after loading it and trying it on a few texts.

    Services over this registry follow within a second or two. `smoke.jsonl` in the registry names texts that
    every champion must answer: `{"text": "…", "categories": ["sport"]}`, one a line.

    Example: `rubricator models promote 3f2a --note "more videos in training"`
    """
    out.print(escape(_told(_open(registry).promote(version, check=_check(registry, verify), note=note))))


@models.command("rollback")
def roll_back(registry: Registry = _DEFAULT, note: Note = "", verify: Verify = None) -> None:
    """Make the champion again that the present one replaced; twice goes two steps back.

    Example: `rubricator models rollback --note "too many false alarms"`
    """
    out.print(escape(_told(_open(registry).rollback(check=_check(registry, verify), note=note))))


def _open(folder: Path) -> ModelRegistry:
    from rubricator.artifact import ModelRegistry
    from rubricator.errors import ArtifactError

    if not folder.is_dir():
        raise ArtifactError(
            f"There is no registry in {folder}.",
            fix="Name its folder with --registry, or begin one: `rubricator models add RUN`.",
        )
    return ModelRegistry(folder)


def _check(registry: Path, key: Path | None) -> Check:
    from rubricator.pipeline.promote import load_fit, read_smoke

    smoke = read_smoke(registry)
    return lambda folder: load_fit(folder, smoke=smoke, key=key)


def _row(version: Version) -> tuple[str, ...]:
    manifest = version.manifest
    if manifest is None:
        return (escape(version.name), "", "", "", "", "[red]broken[/]")
    made, categories = f"{manifest.created:%Y-%m-%d %H:%M}", str(len(manifest.taxonomy.categories))
    return (escape(version.name), manifest.kind, made, categories, manifest.taxonomy_version, "whole")


def _told(promotion: Promotion) -> str:
    instead = f" instead of {promotion.before}" if promotion.before else ""
    verb = "Promoted" if promotion.action == "promote" else "Rolled back to"
    note = f": {promotion.note}" if promotion.note else ""
    return f"{promotion.at:%Y-%m-%d %H:%M} {verb} {promotion.version}{instead}{note}"
