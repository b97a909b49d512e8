"""Small artifacts for the rooms that read, serve and damage them: a plugin that `conftest.py` names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rubricator.artifact import write_artifact
from rubricator.config import Clean, Columns
from rubricator.dataset.inputs import BASE
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.models.linear import LinearModel, Ngrams
from rubricator.taxonomy import Category, Task, Taxonomy

TEXTS = {
    "sport": [
        "Хоккеисты забили три шайбы и победили в гостях",
        "Тренер похвалил вратаря после ничьей",
        "Лыжница пришла к финишу второй",
        "На стадионе прошёл финал кубка по футболу",
        "Боксёр выиграл бой в пятом раунде",
        "Гимнастки готовятся к чемпионату",
    ],
    "economy": [
        "Банк снизил ставку по вкладам на полпроцента",
        "Завод увеличил выпуск станков за квартал",
        "Цены на зерно выросли третью неделю подряд",
        "Компания выплатит акционерам дивиденды",
        "Рынок жилья замер в ожидании скидок",
        "Экспорт удобрений сократился из-за пошлин",
    ],
    "culture": [
        "Театр открыл сезон новой постановкой",
        "Музей показал письма забытого поэта",
        "Режиссёр снимает фильм о маяках",
        "Оркестр сыграл симфонию под открытым небом",
        "Выставка акварелей продлится до мая",
        "Писательница получила премию за роман",
    ],
}


class HashEncoder:
    """Stands for an encoder: a vector per text out of its hash."""

    width = 8

    def describe(self) -> dict[str, Any]:
        return {"name": "hash", "width": self.width}

    def save(self, folder: Path) -> None:
        (folder / "encoder.json").write_text('{"width": 8}', encoding="utf-8")
        (folder / "weights").mkdir()
        (folder / "weights" / "encoder.onnx").write_bytes(bytes(range(256)) * 4)

    def encode(self, contents: Sequence[str]) -> np.ndarray:
        digests = [hashlib.sha256(content.encode()).digest()[: self.width] for content in contents]
        vectors = (
            np.array([list(digest) for digest in digests], dtype=np.float32).reshape(-1, self.width) - 127
        )
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def taxonomy_of(task: Task = Task.MULTI_LABEL) -> Taxonomy:
    names = {"sport": "Спорт", "economy": "Экономика", "culture": "Культура"}
    return Taxonomy(
        name="Новости",
        task=task,
        categories=tuple(Category(key=key, name=name) for key, name in names.items()),
    )


def block_of(vectorizer: Any) -> Ngrams:
    """What an artifact keeps of a fitted `TfidfVectorizer(sublinear_tf=True)`."""
    terms = tuple(vectorizer.get_feature_names_out().tolist())
    return Ngrams(vectorizer.analyzer, *vectorizer.ngram_range, terms, vectorizer.idf_)


def train_linear() -> LinearModel:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    contents = [text for texts in TEXTS.values() for text in texts]
    truth = np.repeat(np.eye(len(TEXTS), dtype=int), 6, axis=0)
    vectorizers = [
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    ]
    features = np.hstack([v.fit_transform(contents).toarray() for v in vectorizers])
    fitted = [LogisticRegression(C=30).fit(features, column) for column in truth.T]
    return LinearModel(
        tuple(block_of(v) for v in vectorizers),
        np.vstack([f.coef_ for f in fitted]),
        np.concatenate([f.intercept_ for f in fitted]),
    )


@pytest.fixture(scope="session")
def linear_model() -> LinearModel:
    """A linear model trained on a few sentences."""
    return train_linear()


@pytest.fixture(scope="session")
def make_artifact(linear_model: LinearModel) -> Callable[..., Path]:
    """Writes an artifact of the wanted kind into a folder; single arguments can be replaced."""

    def make(folder: Path, kind: str = "linear", task: Task = Task.MULTI_LABEL, **others: Any) -> Path:
        rng = np.random.default_rng(3)
        heads = HeadsModel(rng.normal(size=(3, HashEncoder.width)) * 3, rng.normal(size=3))
        parts: dict[str, Any] = {
            "name": "tiny",
            "model": linear_model if kind == "linear" else heads,
            "kind": kind,
            "encoders": {} if kind == "linear" else {BASE: HashEncoder()},
            "taxonomy": taxonomy_of(task),
            "rule": DecisionRule(
                LabelSpace.of_size(3, single=task is Task.SINGLE_LABEL),
                np.array([1.5, 1.25, 1.0]),
                np.array([0.25, 0.0, -0.25]),
                np.array([0.4, 0.5, 0.45]),
            ),
            "columns": Columns(id="id", title="title", body="text"),
            "clean": Clean(),
            "max_characters": 2000,
            "metrics": {"test": {"macro_f1": 0.75, "roc_auc": None}},
            "data_fingerprint": "0" * 32,
            "card": "# tiny\n",
        }
        write_artifact(folder, **(parts | others))
        return folder

    return make


@pytest.fixture(scope="session")
def linear_artifact(make_artifact: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A multi-label artifact over TF-IDF; not to be changed."""
    return make_artifact(tmp_path_factory.mktemp("linear") / "artifact")


@pytest.fixture(scope="session")
def heads_artifact(make_artifact: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A multi-label artifact over the vectors of `HashEncoder`; not to be changed."""
    return make_artifact(tmp_path_factory.mktemp("heads") / "artifact", "heads")


@pytest.fixture(scope="session")
def hash_encoder() -> HashEncoder:
    """The encoder of `heads_artifact`."""
    return HashEncoder()
