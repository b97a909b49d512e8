"""Labels as scikit-learn has them: keys, lists of keys, or a 0/1 matrix; teachers give the missing ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from rubricator.errors import DataError, TaxonomyError, nearest
from rubricator.project.texts import is_missing
from rubricator.stats.arrays import Bools
from rubricator.taxonomy import Category, Task, Taxonomy, key_of
from rubricator.validation_errors import listed

_SEVERAL = (list, tuple, set, frozenset, np.ndarray)
Labels = list[tuple[str, ...] | None]
"""Keys of each text's categories; None where it has no label."""


@dataclass(frozen=True)
class Classes:
    """The categories, and what the user calls each of them."""

    taxonomy: Taxonomy
    names: tuple[Any, ...]

    def key_of(self, name: Any, row: int) -> str:
        """The key of the category that a label of text `row` names.

        Raises:
            DataError: There is none.
        """
        for key, own in zip(self.taxonomy.keys, self.names, strict=True):
            if name in (own, key):
                return key
        raise DataError(
            f"The label {name!r} of the text at {row} is no category"
            f"{nearest(str(name), map(str, self.names))}.",
            fix=f"The categories are {', '.join(map(str, self.names))}.",
        )


def classes_of(categories: Any, labels: Any, *, multi_label: bool | None) -> Classes:
    """The categories that were named (see `Rubricator`), or else those that occur in the labels.

    Where `multi_label` is None, a text may have several if the labels do, or the taxonomy says so.

    Raises:
        DataError: Fewer than two categories.
        TaxonomyError: A category breaks a rule.
    """
    labels = _flat(labels)
    if isinstance(categories, str | Path):
        categories = Taxonomy.read(Path(categories))
    if isinstance(categories, Taxonomy):
        return Classes(categories, categories.keys)
    if isinstance(categories, Mapping):
        categories = [{"key": key_of(n), "name": n, "description": about} for n, about in categories.items()]
    if categories is None:
        if labels is None or _is_matrix(labels):
            raise DataError("No categories are known.", fix="Name them: Rubricator(['news', 'sport']).")
        names = {name for label in labels if not _is_missing(label) for name in _several(label)}
        categories = sorted(names, key=lambda name: (str(type(name)), name))
    try:
        return _classes([_category(item) for item in categories], labels, multi_label)
    except ValidationError as error:
        raise TaxonomyError(listed("The list", error, Taxonomy), fix="Correct it.") from error


def _classes(named: Sequence[tuple[Category, Any]], labels: Any, multi_label: bool | None) -> Classes:
    if len(named) < 2:
        raise DataError(
            f"There {'is 1 category' if named else 'are no categories'}; a classifier needs two or more.",
            fix="Name more categories, or give texts of others.",
        )
    if multi_label is None:
        multi_label = labels is not None and (
            _is_matrix(labels) or any(isinstance(label, _SEVERAL) for label in labels)
        )
    task = Task.MULTI_LABEL if multi_label else Task.SINGLE_LABEL
    taxonomy = Taxonomy(task=task, categories=tuple(category for category, _ in named))
    return Classes(taxonomy, tuple(name for _, name in named))


def known_classes(taxonomy: Taxonomy) -> Classes:
    """The classes of a saved classifier: a category made from a name is called by that name again."""
    names = [c.name if c.name and key_of(c.name) == c.key else c.key for c in taxonomy.categories]
    return Classes(taxonomy, tuple(names))


def labels_of(labels: Any, classes: Classes, *, texts: int) -> Labels:
    """Keys of the categories of every text, in taxonomy order.

    Raises:
        DataError: Another number of labels than of texts, a matrix of another width, or a label that is none.
    """
    labels = _flat(labels)
    if labels is None:
        return [None] * texts
    if _is_matrix(labels):
        return _of_matrix(_as_array(labels, classes), classes, texts)
    rows = list(labels)
    if len(rows) != texts:
        raise DataError(f"There are {texts} texts and {len(rows)} labels.", fix="Give one label per text.")
    return [None if _is_missing(label) else _keys_of(label, row, classes) for row, label in enumerate(rows)]


def _keys_of(label: Any, row: int, classes: Classes) -> tuple[str, ...]:
    keys = {classes.key_of(name, row) for name in _several(label)}
    if classes.taxonomy.single and len(keys) != 1:
        raise DataError(
            f"The text at {row} has {len(keys)} labels, where a text has exactly one.",
            fix="Give one, or say multi_label=True.",
        )
    return tuple(key for key in classes.taxonomy.keys if key in keys)


def matrix_of(labels: Sequence[tuple[str, ...] | None], classes: Classes) -> Bools:
    """Labels as a 0/1 matrix, shape [texts, categories]; nothing where a text has no label."""
    keys = classes.taxonomy.keys
    return np.array([[key in (label or ()) for key in keys] for label in labels], dtype=bool)


def _as_array(matrix: Any, classes: Classes) -> NDArray[Any]:
    """The cells of a matrix in the order of the categories: those of a frame are found by their names.

    Raises:
        DataError: Some columns are called like categories, and others are not or are missing.
    """
    if hasattr(matrix, "toarray"):
        return np.asarray(matrix.toarray())
    cells, names = np.asarray(matrix), list(getattr(matrix, "columns", ()))
    column = {name: place for place, name in enumerate(names)}
    pairs = zip(classes.taxonomy.keys, classes.names, strict=True)
    matches = [column.get(name, column.get(key)) for key, name in pairs]
    places = [place for place in matches if place is not None]
    if not places:
        return cells  # the columns have no names, or their own
    if not len(places) == len(matches) == len(names):
        raise DataError(
            f"The columns of the labels are {', '.join(map(str, names))}; the categories are "
            f"{', '.join(map(str, classes.names))}.",
            fix="Give one column per category.",
        )
    return np.asarray(cells[:, places])


def _flat(labels: Any) -> Any:
    """A matrix of one column as the list of its cells."""
    if _is_matrix(labels) and labels.shape[1] == 1 and not hasattr(labels, "toarray"):
        return np.asarray(labels)[:, 0].tolist()
    return labels


def _of_matrix(matrix: Any, classes: Classes, texts: int) -> Labels:
    keys = classes.taxonomy.keys
    if matrix.shape != (texts, len(keys)):
        raise DataError(
            f"The labels are a matrix of {matrix.shape[0]} × {matrix.shape[1]}, where {texts} texts × "
            f"{len(keys)} categories belong.",
            fix=f"Its columns are {', '.join(map(str, classes.names))}, in this order.",
        )
    try:
        numbers = matrix.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            "The matrix of labels holds cells that are no numbers.",
            fix="Use 0 and 1, and NaN in the rows of texts without a label.",
        ) from error
    blank = np.isnan(numbers).all(axis=1)
    if not np.isin(numbers[~blank], (0, 1)).all():
        raise DataError("The matrix of labels holds other numbers than 0 and 1.", fix="Use 0 and 1.")
    rows = zip(numbers == 1, blank, strict=True)
    return [None if missing else tuple(compress(keys, row)) for row, missing in rows]


def _category(item: Any) -> tuple[Category, Any]:
    if isinstance(item, Category):
        return item, item.key
    if isinstance(item, dict):
        category = Category(**item)
        return category, category.key
    name = item.item() if isinstance(item, np.generic) else item
    return Category(key=key_of(str(name)), name=str(name), description=str(name)), name


def _is_matrix(labels: Any) -> bool:
    return len(getattr(labels, "shape", ())) == 2


def _several(label: Any) -> Sequence[Any]:
    return list(label) if isinstance(label, _SEVERAL) else [label]


def _is_missing(label: Any) -> bool:
    return (isinstance(label, str) and not label.strip()) or is_missing(label)
