"""Categories from a column of labels alone."""

from __future__ import annotations

import pytest

from rubricator.errors import DataError
from rubricator.ingest.columns import OTHER_ROLES, ROLES, usual_columns
from rubricator.ingest.inferred_taxonomy import taxonomy_of
from rubricator.ingest.label_cells import parse_labels


@pytest.mark.parametrize(
    ("cells", "names", "single"),
    [
        (["рыба", "суп", "рыба"], ["рыба", "суп"], True),
        (["рыба|суп", "суп", "рыба", ""], ["рыба", "суп"], False),
        (["Science, technology", "Arts, crafts", "-"], ["Science, technology", "Arts, crafts"], True),
        (['["рыба", "суп"]', '["рыба"]', '["суп"]'], ["рыба", "суп"], False),
    ],
)
def test_names_are_those_in_the_cells(cells: list[str], names: list[str], single: bool) -> None:
    taxonomy = taxonomy_of(cells, column="метка")
    assert taxonomy is not None
    assert sorted(one.name for one in taxonomy.categories) == sorted(names)
    assert taxonomy.single is single
    for cell in cells:
        if cell not in ("", "-"):
            assert parse_labels(cell, taxonomy)


def test_one_category_is_none_and_a_column_of_texts_is_refused() -> None:
    assert taxonomy_of(["рыба", "рыба", ""], column="метка") is None
    with pytest.raises(DataError, match="600 different labels"):
        taxonomy_of([f"отзыв номер {n}" for n in range(600)], column="метка")


def test_columns_are_found_by_their_usual_names() -> None:
    roles = {**ROLES, **OTHER_ROLES}
    assert usual_columns(["ID", "Текст", "Категория", "дата"], roles) == {
        "id": "ID",
        "body": "Текст",
        "labels": "Категория",
        "time": "дата",
    }
