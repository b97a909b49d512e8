"""One cell of labels in the shapes people have them in: names joined, lists, objects of other tools."""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Iterator, Mapping

from rubricator.errors import DataError, nearest
from rubricator.tables.cells import is_blank, written
from rubricator.taxonomy import NOTHING, Taxonomy, folded

# From the strongest down: a name such as "Science, technology" is first tried as a whole.
_SEPARATORS = "\n|;,#"
_FLAGS = {"": False, "0": False, "0.0": False, "false": False, "1": True, "1.0": True, "true": True}
_LISTS = ("choices", "labels", "label")
"""Where Label Studio and Argilla keep names in an object."""
_FIX = (
    "Write names or keys joined by commas, a list of them in brackets, or one column of 0 and 1 per category."
)


def parse_labels(cell: object, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Category keys in a cell, in taxonomy order.

    The cell holds keys or names (case does not matter) joined by commas, semicolons, pipes, `#` or line
    breaks, a list of them as JSON or Python write it, an object as Label Studio and Argilla write it, or one
    of 0 and 1 by category. Blank, `-` and an empty list mean no category, or in single-label the `none` one.

    Raises:
        DataError: A category is unknown, or a single-label cell does not hold exactly one.
    """
    names = names_of(taxonomy)
    pieces = list(_pieces(_value(cell), names))
    keys = {_key(piece, names) for piece in pieces if folded(piece) != NOTHING}
    if keys and NOTHING in map(folded, pieces):
        raise DataError(
            f"'{NOTHING}' (none of the categories) stands beside {', '.join(sorted(keys))}.",
            fix="Keep one of the two.",
        )
    if taxonomy.single and not keys and taxonomy.none is not None:
        keys = {taxonomy.none}
    if taxonomy.single and len(keys) != 1:
        number = f"{len(keys)} categories in '{', '.join(pieces)}'" if keys else "no category"
        raise DataError(
            f"{number}, where a text has exactly one.",
            fix="Keep one category, or write `task: multi-label` in the taxonomy."
            if keys
            else "Give it a category, leave the row out, or name a category for such texts under `none` "
            "in the taxonomy.",
        )
    return tuple(key for key in taxonomy.keys if key in keys)


def names_of(taxonomy: Taxonomy) -> dict[str, str]:
    """The key of the category that a folded name or key means."""
    names = {folded(category.title): category.key for category in taxonomy.categories}
    return names | {folded(key): key for key in taxonomy.keys}


def _value(cell: object) -> object:
    """The cell; a string that is a list or an object in JSON or Python, as that."""
    if is_blank(cell):
        return ""
    if not isinstance(cell, str) or cell.strip()[0] not in "[{":
        return cell
    for read in (json.loads, ast.literal_eval):
        try:
            return read(cell.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return cell.strip().removeprefix("[").removesuffix("]")


def _pieces(value: object, names: Mapping[str, str]) -> Iterator[str]:
    """Names as they are written in a cell."""
    if isinstance(value, dict):
        yield from _of_object(value, names)
    elif isinstance(value, list | tuple):
        numbers = [item for item in value if isinstance(item, int | float)]
        if numbers and (len(value) == len(set(names.values())) or folded(written(numbers[0])) not in names):
            raise DataError("a list of numbers does not tell which categories they stand for", fix=_FIX)
        for item in value:
            if isinstance(item, list | tuple):
                raise DataError("a list in a list is no label", fix=_FIX)
            yield from _pieces(item, names)
    else:
        yield from _split(written(value), names, _SEPARATORS)


def _of_object(value: Mapping[object, object], names: Mapping[str, str]) -> Iterator[str]:
    """What an object names: the categories with a 1, or what Label Studio and Argilla keep in a list."""
    if value and all(folded(str(name)) in names for name in value):
        for name, cell in value.items():
            flag = _FLAGS.get(written(cell).casefold())
            if flag is None:
                raise DataError(f"'{name}' has {cell!r}, which is neither 0 nor 1", fix=_FIX)
            if flag:
                yield str(name)
        return
    if value.get("score", 1) not in (None, 1):
        raise DataError(f"a score of {value['score']!r} is a guess, no label", fix=_FIX)
    kept = next((value[name] for name in _LISTS if name in value), None)
    if not isinstance(kept, str | list):
        raise DataError(f"an object of {', '.join(map(str, value)) or 'nothing'} is no label", fix=_FIX)
    for name in [kept] if isinstance(kept, str) else kept:
        if not isinstance(name, str):
            raise DataError(f"{name!r} is no category", fix=_FIX)
        yield from _split(name, names, _SEPARATORS)


def _split(cell: str, names: Collection[str], separators: str) -> Iterator[str]:
    if not folded(cell):
        return
    if not separators or folded(cell) in names:
        yield cell.strip()
        return
    for piece in cell.split(separators[0]):
        yield from _split(piece, names, separators[1:])


def _key(piece: str, names: Mapping[str, str]) -> str:
    key = names.get(folded(piece))
    if key is None:
        raise DataError(
            f"unknown category '{piece}'{nearest(piece, names)}.",
            fix="Use the keys or names of the taxonomy.",
        )
    return key
