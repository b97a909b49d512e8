"""A text classifier with the manners of scikit-learn: teachers give the labels that are missing."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from rubricator.artifact import CardFacts
from rubricator.config import Config
from rubricator.config.read import build_config
from rubricator.dataset.inputs import EncodeTexts, Inputs
from rubricator.encode import open_named
from rubricator.errors import DataError, RubricatorError
from rubricator.ingest.clean import Cleaner
from rubricator.ingest.columns import ROLES
from rubricator.label_space import DecisionRule
from rubricator.models.training_result import WORDS
from rubricator.pipeline.export import write_winner
from rubricator.predict import Predictor
from rubricator.progress import silent
from rubricator.project.fitting import label_dataset, make_dataset, train_dataset
from rubricator.project.labels import classes_of, known_classes, labels_of, matrix_of
from rubricator.project.progress import bars
from rubricator.project.results import scores_frame
from rubricator.project.texts import columns_of, texts_of
from rubricator.records import Origin, content_hash
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.bootstrap import Estimate
from rubricator.taxonomy import Taxonomy


class UnfittedError(RubricatorError, NotFittedError):  # type: ignore[misc]
    """A classifier is asked before it has learnt; scikit-learn knows it as its own error."""


class Rubricator(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies texts; learns from labels, from teachers where labels are missing, or from both.

    Example:
        >>> model = Rubricator(["sport", "economy"]).fit(texts, labels)  # doctest: +SKIP
        >>> model.predict(["The bank raised its rate"])  # doctest: +SKIP
        array(['economy'], dtype=object)

    Args:
        taxonomy: A `Taxonomy` or its YAML file; or categories as names, mappings or `Category`s, or names
            with their descriptions (`{"sport": "matches, teams"}`); None for those that occur in the labels.
            Descriptions are what teachers go by; a name stands for a missing one.
        multi_label: Whether a text may have several categories; None: as the labels are.
        models: Kinds of model to train, `auto` for whatever may win, None for the default.
        teachers: Who labels texts without a label, as in `label.teachers`; None for the default.
        encoder: Name or folder of the encoder, or several as in `encode.encoder`; None for the bundled one.
        minutes: How long `models="auto"` may take.
        seed: Same seed, same model.
        columns: Which column of a frame holds which role; see `texts_of`.
        settings: Any other settings, with dotted names: `{"train.tune": 5}`.
        folder: Where training keeps what must outlive it; None for a folder that goes with the object.
        progress: Whether bars are shown.

    Attributes:
        classes_: What the user calls the categories, shape [categories].
        taxonomy_: The categories.
    """

    def __init__(
        self,
        taxonomy: Taxonomy | str | Path | Sequence[Any] | Mapping[str, str] | None = None,
        *,
        multi_label: bool | None = None,
        models: str | Sequence[str] | None = None,
        teachers: Sequence[Any] | None = None,
        encoder: str | Sequence[Any] | None = None,
        minutes: float | None = None,
        seed: int = 13,
        columns: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        folder: str | Path | None = None,
        progress: bool = False,
    ) -> None:
        self.taxonomy = taxonomy
        self.multi_label = multi_label
        self.models = models
        self.teachers = teachers
        self.encoder = encoder
        self.minutes = minutes
        self.seed = seed
        self.columns = columns
        self.settings = settings
        self.folder = folder
        self.progress = progress

    def fit(self, texts: Any, labels: Any = None) -> Self:
        """Train on strings, `Text`s, or a pandas or polars frame.

        Labels are a category per text; multi-label, lists of categories, or a 0/1 matrix with a column per
        category. None where a text has none, and for all texts: teachers label those.

        Raises:
            ConfigError: A setting that there is not.
            DataError: Texts or labels that cannot be used.
            TrainingError: The labels do not allow a model.
        """
        rows, progress = texts_of(texts, self.columns), bars if self.progress else silent
        config = self._config(columns_of(texts, self.columns))
        classes = classes_of(self.taxonomy, labels, multi_label=self.multi_label)
        dataset = make_dataset(rows, labels_of(labels, classes, texts=len(rows)), config, progress)
        folder = self._folder()
        label_set = label_dataset(dataset, classes.taxonomy, config, folder, progress)
        self.taxonomy_, self.classes_ = classes.taxonomy, _array(classes.names)
        self._config_, self._classes, self._label_set = config, classes, label_set
        self._ids = [text.id for text in rows]
        self._trained = train_dataset(dataset, label_set, classes.taxonomy, config, folder, progress)
        self._fingerprint = content_hash("data:1", *(text.content for text in dataset.texts))
        self._predictor: Predictor | None = None
        self._encoders: dict[str, EncodeTexts] | None = None
        return self

    def predict(self, texts: Any) -> NDArray[Any]:
        """Categories: single-label an array of them, multi-label a 0/1 matrix with a column per category."""
        decisions = self._decide(texts)
        if self.taxonomy_.single:
            return np.asarray(self.classes_[decisions.argmax(axis=1)])
        return decisions.astype(np.int64)

    def predict_labels(self, texts: Any) -> list[tuple[Any, ...]]:
        """The categories of each text, as many as it has."""
        return [tuple(self.classes_[row]) for row in self._decide(texts)]

    def predict_proba(self, texts: Any) -> Floats:
        """Calibrated probabilities, shape [texts, categories], in the order of `classes_`."""
        self._check_fitted()
        rows = texts_of(texts, self.columns or self._remembered(texts))
        if self._predictor is not None:
            return self._predictor.probabilities(rows)
        if not rows:
            return np.zeros((0, len(self.classes_)))
        cleaner = Cleaner(self._config_.clean)
        contents = [cleaner.content(text) for text in rows]
        inputs = Inputs(contents, [text.features for text in rows], encoders=self._open_encoders())
        return self._rule.probabilities(self._trained.winner.logits(inputs))

    def score(self, texts: Any, labels: Any) -> float:
        """Share of texts whose categories are all right.

        Raises:
            DataError: A text has no label.
        """
        self._check_fitted()
        decisions = self._decide(texts)
        truth = labels_of(labels, self._classes, texts=len(decisions))
        if any(label is None for label in truth):
            raise DataError("Texts without a label cannot be scored.", fix="Leave them out.")
        return float((decisions == matrix_of(truth, self._classes)).all(axis=1).mean())

    def save(self, folder: str | Path) -> Path:
        """Write an artifact, which serves without torch and which `load` reads.

        Raises:
            ArtifactError: The folder holds something else or cannot be written.
        """
        self._check_fitted()
        if self._predictor is not None:
            raise DataError("A loaded classifier is saved already.", fix="Copy its folder.")
        score = self._trained.choice.scores[self._trained.choice.name]
        write_winner(
            Path(folder),
            self._trained,
            self.taxonomy_,
            self._config_,
            self._card(),
            metrics={"validation": {metric: getattr(score, metric) for metric in WORDS}},
            data_fingerprint=self._fingerprint,
        )
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path, **options: Any) -> Self:
        """Read an artifact, one of `save` or one that `rubricator run` wrote. Needs no torch.

        Options are those of `Predictor.load`: `runtime`, `threads`.

        Raises:
            ArtifactError: The folder is no artifact or is damaged.
            EncoderError: An encoder cannot be run here.
        """
        predictor = Predictor.load(folder, **options)
        columns = predictor.manifest.columns
        roles = {role: getattr(columns, role) for role in ROLES}
        model = cls(predictor.taxonomy)
        model._roles = {role: name for role, name in roles.items() if name is not None}
        model._predictor = predictor
        model._classes = known_classes(predictor.taxonomy)
        model.taxonomy_, model.classes_ = predictor.taxonomy, _array(model._classes.names)
        return model

    @property
    def labels_(self) -> pl.DataFrame:
        """What was decided for every training text: position, labels, origin, teachers, probabilities."""
        self._check_fitted()
        if self._predictor is not None:
            raise DataError("An artifact does not hold its training texts.", fix="Fit the classifier.")
        name_of = dict(zip(self.taxonomy_.keys, map(str, self._classes.names), strict=True))
        labels = enumerate(self._label_set.labels.get(id_) for id_ in self._ids)
        return pl.DataFrame(
            [
                {
                    "position": position,
                    "labels": [name_of[key] for key in label.categories],
                    "origin": str(label.origin),
                    "teachers": list(label.teachers),
                    **{f"p_{name_of[key]}": p for key, p in label.probabilities.items()},
                }
                for position, label in labels
                if label is not None
            ]
        )

    @property
    def scores_(self) -> pl.DataFrame:
        """What every kind of model reached by cross-validation, the chosen one first."""
        self._check_fitted()
        if self._predictor is not None:
            raise DataError("An artifact holds only the chosen model.", fix="Fit the classifier.")
        return scores_frame(self._trained).select("model", "chosen", *WORDS, "seconds")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classes_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.classifier_tags.multi_label = True
        tags.no_validation = True
        return tags

    @property
    def _rule(self) -> DecisionRule:
        if self._predictor is not None:
            return self._predictor.rule
        return self._trained.rules[self._trained.choice.name]

    def _decide(self, texts: Any) -> Bools:
        probabilities = self.predict_proba(texts)
        return self._rule.decide(probabilities)

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise UnfittedError("This Rubricator is not fitted yet.", fix="Call fit, or Rubricator.load.")

    def _config(self, columns: Mapping[str, str]) -> Config:
        data = {"files": ["texts"], "columns": dict(columns)}
        raw: dict[str, Any] = {"name": "rubricator", "seed": self.seed, "data": data}
        models = self.models if self.models is None or isinstance(self.models, str) else [*self.models]
        keywords = {
            "train.models": models,
            "train.minutes": self.minutes,
            "label.teachers": None if self.teachers is None else [*self.teachers],
            "encode.encoder": self.encoder,
        }
        settings = {name: value for name, value in keywords.items() if value is not None}
        for name, value in (settings | dict(self.settings or {})).items():
            *sections, last = name.split(".")
            target = raw
            for section in sections:
                target = target.setdefault(section, {})
            target[last] = value
        return build_config(raw, folder=Path.cwd(), where="Rubricator(…)")

    def _remembered(self, texts: Any) -> Mapping[str, str] | None:
        """The columns of the artifact that was loaded, where a frame has them all."""
        roles: Mapping[str, str] = getattr(self, "_roles", {})
        names = {str(name) for name in getattr(texts, "columns", ())}
        return roles if roles and names.issuperset(roles.values()) else None

    def _folder(self) -> Path:
        if self.folder is None:
            folder = Path(tempfile.mkdtemp(prefix="rubricator-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        else:
            folder = Path(self.folder)
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _open_encoders(self) -> dict[str, EncodeTexts]:
        if self._encoders is None:
            trained = self._trained
            opened = open_named(trained.winner.encoders, trained.encoders, self._config_)
            self._encoders = {name: encoder.encode for name, encoder in opened.items()}
        return self._encoders

    def _card(self) -> CardFacts:
        trained = self._trained
        winner, score = trained.choice.name, trained.choice.scores[trained.choice.name]
        by_people = sum(label.origin is not Origin.AGREEMENT for label in self._label_set.labels.values())
        return CardFacts(
            name=self._config_.name,
            created=datetime.now(UTC),
            kind=winner,
            about="chosen by cross-validation",
            encoder=self._config_.encode.written(trained.winner.encoders),
            taxonomy=self.taxonomy_,
            rule=trained.rules[winner],
            training=(f"{len(self._label_set.labels):,} texts, {by_people:,} of them labelled by people.",),
            measured=f"By cross-validation, which also chose the model. {trained.validated_on}",
            texts=score.texts,
            confidence=0.95,
            headline={
                words: Estimate(getattr(score, metric), *score.intervals.get(metric, (None, None)))
                for metric, words in WORDS.items()
            },
        )


def _array(names: Sequence[Any]) -> NDArray[Any]:
    """Numbers stay numbers: scikit-learn's metrics know no array of objects that are none."""
    if all(type(name) is int for name in names):
        return np.array(names)
    array = np.empty(len(names), dtype=object)
    array[:] = names
    return array
