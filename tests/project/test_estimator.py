"""A classifier with the manners of scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from small_project import TEXTS

from rubricator import Category, Rubricator, Text
from rubricator.errors import DataError

LABELS = ["weather"] * 6 + ["sport"] * 6 + ["food"] * 12
CATEGORIES = [
    Category(key="weather", keywords=("дождь", "гроза", "снег", "ветер", "туман")),
    Category(key="sport", keywords=("матч*", "турнир", "тренер")),
    Category(key="food", keywords=("рецепт*", "пирог*", "суп", "тесто")),
]


@pytest.fixture(scope="module")
def fitted() -> Rubricator:
    return Rubricator(models="linear").fit(TEXTS, LABELS)


def test_it_learns_and_says_what_it_learnt_from(fitted: Rubricator) -> None:
    assert fitted.classes_.tolist() == ["food", "sport", "weather"]
    assert set(fitted.predict(TEXTS)) <= set(LABELS)
    assert fitted.predict_proba(TEXTS).sum(axis=1) == pytest.approx(np.ones(len(TEXTS)))
    assert fitted.score(TEXTS, LABELS) > 0.6
    assert fitted.labels_["origin"].unique().to_list() == ["golden"]
    assert fitted.scores_["model"].to_list() == ["linear"]


def test_it_works_inside_cross_validation() -> None:
    assert cross_val_score(Rubricator(models="linear"), np.array(TEXTS), LABELS, cv=2).shape == (2,)
    assert clone(Rubricator(["a", "b"], seed=5)).get_params()["seed"] == 5


def test_saved_and_loaded_it_answers_the_same(fitted: Rubricator, tmp_path: Path) -> None:
    again = Rubricator.load(fitted.save(tmp_path / "artifact"))
    assert again.classes_.tolist() == fitted.classes_.tolist()
    np.testing.assert_allclose(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS), atol=1e-6)


def test_frames_and_texts_are_read_like_strings(fitted: Rubricator) -> None:
    expected = fitted.predict(TEXTS).tolist()
    frame = pl.DataFrame({"id": range(len(TEXTS)), "text": TEXTS})
    for texts in (frame, [Text(id="x", body=text) for text in TEXTS]):
        assert fitted.predict(texts).tolist() == expected


@pytest.mark.parametrize("matrix", [True, False])
def test_several_categories_as_lists_or_as_a_matrix(matrix: bool) -> None:
    keys = ("weather", "sport", "food")
    lists = [[key] if row % 5 else [key, "sport"] for row, key in enumerate(LABELS)]
    cells = np.array([[int(key in label) for key in keys] for label in lists])
    model = Rubricator(CATEGORIES, multi_label=True, models="linear").fit(TEXTS, cells if matrix else lists)
    assert model.predict(TEXTS).shape == (len(TEXTS), 3)
    assert all(set(labels) <= set(keys) for labels in model.predict_labels(TEXTS))


def test_teachers_label_what_nobody_did() -> None:
    model = Rubricator(CATEGORIES, models="linear", teachers=["rules"])
    some = [label if row % 4 == 0 else None for row, label in enumerate(LABELS)]
    assert set(model.fit(TEXTS, some).labels_["origin"]) == {"agreement", "golden"}


def test_what_cannot_be_used_is_said() -> None:
    with pytest.raises(NotFittedError):
        Rubricator().predict(["дождь"])
    with pytest.raises(DataError, match="24 texts and 2 labels"):
        Rubricator().fit(TEXTS, ["a", "b"])
    with pytest.raises(DataError, match="is no category"):
        Rubricator(["weather", "sport"]).fit(TEXTS, LABELS)
    with pytest.raises(DataError, match="One text was given"):
        Rubricator().fit("дождь", ["a"])
