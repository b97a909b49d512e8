"""A classifier with the manners of scikit-learn."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from several_encoders import WIDTHS, look_through, write_two
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import estimator_checks
from small_project import TEXTS

from rubricator import Category, Predictor, Rubricator, Text
from rubricator.errors import DataError, RubricatorError, TaxonomyError
from rubricator.project.labels import classes_of, labels_of

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


CELLS = np.array([[int(key == label) for key in ("weather", "sport", "food")] for label in LABELS])


def read(labels: object) -> list[tuple[str, ...] | None]:
    classes = classes_of(CATEGORIES, labels, multi_label=None)
    return labels_of(labels, classes, texts=len(TEXTS))


def test_a_frame_of_labels_is_read_by_the_names_of_its_columns() -> None:
    expected = [(label,) for label in LABELS]
    names = ["weather", "sport", "food"]
    turned = [2, 0, 1]
    frames = [
        CELLS,
        sparse.csr_matrix(CELLS),
        pd.DataFrame(CELLS),
        pd.DataFrame(CELLS[:, turned], columns=[names[place] for place in turned]),
        pl.DataFrame(CELLS[:, turned], schema=[names[place] for place in turned]),
    ]
    for frame in frames:
        assert read(frame) == expected
    with pytest.raises(DataError, match="columns of the labels are weather, sport"):
        read(pd.DataFrame(CELLS[:, :2], columns=names[:2]))
    with pytest.raises(DataError, match="24 × 2"):
        read(CELLS[:, :2])
    with pytest.raises(DataError, match="no numbers"):
        read(np.full((24, 3), "yes"))


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT, "", " "])
def test_whatever_stands_for_a_missing_label_is_missing(missing: object) -> None:
    assert read([missing, *LABELS[1:]])[0] is None
    assert read(pd.Series([missing, *LABELS[1:]], dtype=object))[0] is None


def test_labels_and_texts_may_be_a_matrix_of_one_column(fitted: Rubricator) -> None:
    assert read(np.array(LABELS).reshape(-1, 1)) == [(label,) for label in LABELS]
    assert fitted.predict(np.array(TEXTS).reshape(-1, 1)).tolist() == fitted.predict(TEXTS).tolist()


def test_a_missing_text_of_pandas_is_empty_and_a_frame_of_pandas_is_read(fitted: Rubricator) -> None:
    with pytest.raises(DataError, match="those at 1"):
        fitted.predict(pd.Series(["дождь", pd.NA], dtype="string"))
    frame = pd.DataFrame({"title": TEXTS, "text": [None] * 24, "date": [pd.NaT] * 24}, index=range(50, 74))
    assert fitted.predict(frame).tolist() == fitted.predict(TEXTS).tolist()


def test_categories_may_be_a_file_or_names_with_descriptions(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.yaml").write_text("categories: [{key: a}, {key: b}]", encoding="utf-8")
    assert classes_of(tmp_path / "taxonomy.yaml", None, multi_label=None).names == ("a", "b")
    described = classes_of({"Еда": "супы, пироги", "Спорт": "матчи"}, None, multi_label=None)
    assert described.taxonomy["Еда"].description == "супы, пироги"
    with pytest.raises(TaxonomyError, match="share the key 'a_b'"):
        classes_of(["a b", "a_b"], None, multi_label=None)


def test_numbers_stay_numbers_for_the_metrics_of_scikit_learn() -> None:
    numbers = np.array([0] * 12 + [1] * 12)
    search = GridSearchCV(
        Rubricator(models="linear"), {"seed": [1, 2]}, cv=2, scoring="accuracy", error_score="raise"
    )
    search.fit(np.array(TEXTS), numbers)
    assert search.best_estimator_.classes_.tolist() == [0, 1]
    assert 0 <= search.best_score_ <= 1


def test_an_estimator_that_has_learnt_can_be_pickled(fitted: Rubricator) -> None:
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.predict_proba(TEXTS) == fitted.predict_proba(TEXTS)).all()


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_valid_tag_types,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_mixin_order,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
    ],
    ids=lambda check: check.__name__,
)
def test_what_scikit_learn_asks_of_every_estimator_holds(check: Callable[[str, Rubricator], None]) -> None:
    # Its other checks feed numbers, which are no texts.
    check("Rubricator", Rubricator(models="linear"))


def test_unfitted_is_an_error_of_both() -> None:
    with pytest.raises(RubricatorError, match="not fitted"):
        Rubricator().predict(["дождь"])


@pytest.mark.slow
def test_importing_the_package_loads_neither_scikit_learn_nor_torch() -> None:
    code = "import rubricator, sys; assert not {'sklearn', 'numpy', 'polars'} & set(sys.modules)"
    code += "; rubricator.Rubricator, rubricator.Project; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_artifact_knows_the_columns_it_was_fitted_with(tmp_path):
    rows = [("Матч завершился вничью", "sport"), ("Банк поднял ставку", "economy")] * 12
    frame = pl.DataFrame({"message": [f"{text} {row}" for row, (text, _) in enumerate(rows)]})
    model = Rubricator(["sport", "economy"], models="linear", columns={"body": "message"})
    model.fit(frame, [label for _, label in rows])
    folder = model.save(tmp_path / "artifact")
    manifest = Predictor.load(folder).manifest
    assert (manifest.columns.title, manifest.columns.body) == (None, "message")
    loaded = Rubricator.load(folder)
    assert list(loaded.predict(frame)) == list(model.predict(frame))
    assert list(loaded.predict(frame["message"].to_list())) == list(model.predict(frame))


@pytest.mark.slow
def test_it_may_look_through_several_encoders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_two(tmp_path)
    look_through(monkeypatch, *WIDTHS)
    listed = [str(tmp_path / "broad"), {"encoder": str(tmp_path / "narrow"), "prefix": ""}, "./nowhere"]
    settings = {"encode.cache": str(tmp_path / "cache"), "encode.precision": "fp32", "split.folds": 2}
    model = Rubricator(models=["heads"], encoder=listed, settings=settings).fit(TEXTS, LABELS)
    assert "encoder './nowhere' takes no part" in caplog.text
    again = Rubricator.load(model.save(tmp_path / "artifact"), runtime="onnx")
    assert set(again._predictor.manifest.encoders) == {"base", "second"}
    np.testing.assert_allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-3)
