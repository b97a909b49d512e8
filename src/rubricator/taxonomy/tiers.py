"""Lists as tables in the form of IAB's taxonomies: unique id, parent, name, and a column for every tier.

See https://github.com/InteractiveAdvertisingBureau/Taxonomies. Descriptions and keywords, which IAB's tables
lack, follow in columns of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rubricator.errors import TaxonomyError
from rubricator.taxonomy.changes import made
from rubricator.taxonomy.model import Category, folded

ID, PARENT, NAME = "Unique ID", "Parent", "Name"
_TIER = "Tier {}"
_WORDS = "; "
_NAMES = {
    "key": (ID, "id", "key"),
    "parent": (PARENT, "Parent ID", "broader"),
    "name": (NAME, "title", "label"),
    "description": ("Description", "definition"),
    "keywords": ("Keywords", "altLabel"),
    "exclude": ("Exclude",),
}


def tier_rows(categories: Iterable[Category]) -> tuple[list[str], list[dict[str, str]]]:
    """Names of the columns, and a row per category with the titles of all that is above it."""
    by_key = {category.key: category for category in categories}
    paths = {key: _path(category, by_key) for key, category in by_key.items()}
    tiers = [_TIER.format(n + 1) for n in range(max(map(len, paths.values())))]
    rows = [
        {
            ID: key,
            PARENT: one.parent or "",
            NAME: one.title,
            **dict(zip(tiers, paths[key], strict=False)),
            "Description": " ".join(one.description.split()),
            "Keywords": _WORDS.join(one.keywords),
            "Exclude": _WORDS.join(one.exclude),
        }
        for key, one in by_key.items()
    ]
    return [ID, PARENT, NAME, *tiers, "Description", "Keywords", "Exclude"], rows


def categories_of_tiers(
    columns: Iterable[str], rows: Iterable[Mapping[str, Any]], *, where: str
) -> list[Category]:
    """Categories of such a table; where it has no column of parents, tiers tell them.

    Raises:
        TaxonomyError: It has no column of ids, or a row is wrong.
    """
    found = {folded(column): column for column in columns}
    column = {
        field: next((found[folded(name)] for name in names if folded(name) in found), None)
        for field, names in _NAMES.items()
    }
    tiers = [found[folded(_TIER.format(n))] for n in range(1, 11) if folded(_TIER.format(n)) in found]
    if column["key"] is None:
        raise TaxonomyError(
            f"{where} has no column '{ID}'; its columns are {', '.join(found.values())}.",
            fix=f"Name its columns as IAB does: {ID}, {PARENT}, {NAME}, Tier 1, Tier 2 …",
        )
    categories, of_path = [], {}
    for row in rows:
        cells = {field: _cell(row, name) for field, name in column.items() if name}
        path = tuple(cell for cell in (_cell(row, tier) for tier in tiers) if cell)
        if not any(cells.values()) and not path:
            continue
        fields: dict[str, Any] = {name: cell for name, cell in cells.items() if cell}
        fields["name"] = fields.get("name") or (path[-1] if path else "")
        for words in ("keywords", "exclude"):
            if words in fields:
                fields[words] = tuple(word.strip() for word in fields[words].split(";") if word.strip())
        of_path[path] = fields.get("key", "")
        if column["parent"] is None and len(path) > 1 and of_path.get(path[:-1]):
            fields["parent"] = of_path[path[:-1]]
        categories.append(made(fields))
    return categories


def _path(category: Category, by_key: Mapping[str, Category]) -> list[str]:
    above = [category.title]
    while category.parent is not None:
        category = by_key[category.parent]
        above.insert(0, category.title)
    return above


def _cell(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None else str(value).strip()
