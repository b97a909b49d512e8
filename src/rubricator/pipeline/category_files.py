"""Lists of categories in files of other tools: tables in IAB's form, and SKOS."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from rubricator.errors import DataError, TaxonomyError
from rubricator.pipeline.category import Make
from rubricator.tables.reading import open_table, open_writer
from rubricator.taxonomy import Category, Taxonomy
from rubricator.taxonomy.changes import Change, checked, refuse_taken
from rubricator.taxonomy.differences import compare
from rubricator.taxonomy.skos import FORMATS, read_skos, write_skos
from rubricator.taxonomy.tiers import categories_of_tiers, tier_rows


def export_categories(path: Path, taxonomy: Taxonomy, *, language: str = "") -> int:
    """Write a list as a table (CSV, TSV, Excel, …) in IAB's form or as SKOS, by suffix; count the categories.

    Raises:
        DataError: An unknown suffix, or a place that cannot be written.
        MissingExtraError: SKOS needs rdflib, which is not installed.
    """
    if path.suffix.lower() in FORMATS:
        write_skos(path, taxonomy, language=language)
    else:
        columns, rows = tier_rows(taxonomy.categories)
        with open_writer(path, columns) as writer:
            writer.write(rows)
    return len(taxonomy.categories)


def read_categories(path: Path, *, language: str = "") -> list[Category]:
    """Categories of a table in IAB's form or of SKOS, by suffix.

    Raises:
        DataError: The file cannot be read.
        TaxonomyError: It holds no categories, or a wrong one.
        MissingExtraError: SKOS needs rdflib, which is not installed.
    """
    if path.suffix.lower() in FORMATS:
        return read_skos(path, language=language)
    table = open_table(path)
    rows = [row for batch in table.rows() for row in batch]
    if broken := next((row for row in rows if row.fault), None):
        raise DataError(f"{path}, row {broken.number}: {broken.fault}.", fix="Correct the row.")
    categories = categories_of_tiers(table.columns, [row.cells for row in rows], where=str(path))
    if not categories:
        raise TaxonomyError(f"{path} holds no category.", fix="Give it a row per category.")
    return categories


def importing(categories: Collection[Category], *, where: str, replace: bool = False) -> Make:
    """The change that takes categories in: new ones are added, known ones get what the file says of them.

    What the file says nothing of stays, keywords and descriptions too. With `replace` the categories that it
    has not are removed.
    """

    def change(taxonomy: Taxonomy, retired: set[str]) -> Change:
        known = {one.key: one for one in taxonomy.categories}
        taken = {one.key: _joined(known.get(one.key), one) for one in categories}
        kept = [one for one in taxonomy.categories if not replace or one.key in taken]
        if taxonomy.none is not None and taxonomy.none not in [one.key for one in kept]:
            kept.append(taxonomy[taxonomy.none])
        rest = taxonomy.model_copy(update={"categories": tuple(kept)})
        for key, one in taken.items():
            if key not in known:
                refuse_taken(one, rest, retired)
        others = [taken.get(one.key, one) for one in kept]
        after = checked(taxonomy, [*others, *(one for key, one in taken.items() if key not in known)])
        difference = compare(taxonomy, after)
        if not difference:
            raise TaxonomyError(f"{where} says nothing that the list does not.", fix="Name another file.")
        parts = {"added": difference.added, "removed": difference.removed, "changed": difference.meaning}
        told = ", ".join(f"{len(keys):,} {what}" for what, keys in parts.items() if keys) or "words changed"
        return Change(after, f"imported {where}: {told}", moved=dict.fromkeys(difference.removed, ()))

    return change


def _joined(known: Category | None, new: Category) -> Category:
    if known is None:
        return new
    said = {name: value for name, value in new if value and not _same(name, value, known)}
    return known.model_copy(update=said)


def _same(name: str, value: object, known: Category) -> bool:
    """Whether a file says what the list does: titles may stand for themselves, SKOS has no order of words."""
    if isinstance(value, tuple):
        return set(value) == set(getattr(known, name))
    return name == "name" and value == known.title
