"""Texts to predictions: the one class that programs, files and the service share. Needs no torch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import TypeAdapter, ValidationError

from rubricator.artifact import Artifact, Manifest, read_artifact
from rubricator.artifact.manifest import MANIFEST
from rubricator.artifact.read import while_unreplaced
from rubricator.dataset.inputs import EncodeTexts, Inputs
from rubricator.errors import ArtifactError, DataError
from rubricator.ingest.clean import Cleaner, is_blank
from rubricator.label_space import DecisionRule
from rubricator.models.explanation.explain import PASSES, explain
from rubricator.models.explanation.words import Explanation
from rubricator.models.serialization import FIX
from rubricator.models.two_speed import TwoSpeedModel
from rubricator.predict.once import OncePerText
from rubricator.predict.windows import WindowSize, ahead
from rubricator.records import Prediction, Text
from rubricator.stats.arrays import Floats, Vectors
from rubricator.stats.coverage import COVERAGE, CoveragePoint
from rubricator.taxonomy import Taxonomy

_POINTS = TypeAdapter(tuple[CoveragePoint, ...])
_PROBES = ("Проба пера", "x", "4 + 8 = 12; слово за словом, word after word " * 2)


class Predictor:
    """Predicts categories with an artifact.

    Any number of threads may share one predictor.

    Example:
        >>> predictor = Predictor.load("runs/news/artifact")  # doctest: +SKIP
        >>> predictor.predict(["Сборная выиграла матч"])[0].categories  # doctest: +SKIP
        ('sport',)

    Args:
        artifact: A checked artifact.
        encoders: By the name under which the model asks for it, what turns cleaned texts into unit
            vectors of shape [texts, width].

    Attributes:
        rule: From probabilities to decisions.
        features: Columns beside the text that the model looks at.
        encoders: What it sees texts through; none for a model without an encoder.
        routed: Whether predictions say which of its models answered.
        reference: What monitoring compares its predictions with; None where the artifact has none.
    """

    def __init__(self, artifact: Artifact, encoders: Mapping[str, EncodeTexts] | None = None) -> None:
        self.manifest: Manifest = artifact.manifest
        self.taxonomy: Taxonomy = artifact.manifest.taxonomy
        self.rule: DecisionRule = artifact.rule
        self.features: tuple[str, ...] = artifact.model.columns
        self.routed: bool = isinstance(artifact.model, TwoSpeedModel)
        self.reference: bytes | None = artifact.reference
        self._model = artifact.model
        self.encoders: Mapping[str, EncodeTexts] = encoders or {}
        self._cleaner = Cleaner(artifact.manifest.clean, artifact.manifest.boilerplate)

    def confidence(self, predictions: Sequence[Prediction]) -> Floats:
        """How probable it is that all categories of each prediction are right, shape [texts]."""
        keys = self.taxonomy.keys
        probabilities = np.array([[one.probabilities[key] for key in keys] for one in predictions])
        decided = np.array([[key in one.categories for key in keys] for one in predictions], dtype=bool)
        return self.rule.space.confidence(
            probabilities.reshape(-1, len(keys)), decided.reshape(-1, len(keys))
        )

    def certainty(self, precision: float) -> CoveragePoint:
        """The confidence from which on so large a share of the validation texts was right.

        Raises:
            ArtifactError: No confidence reaches it, or the artifact does not say.
        """
        fix = "Name a probability instead: --min-probability."
        try:
            points = _POINTS.validate_python(self.manifest.metrics.get(COVERAGE, ()))
        except ValidationError as error:
            raise ArtifactError(
                f"{MANIFEST} holds no points of coverage under '{COVERAGE}'.", fix=fix
            ) from error
        if not points:
            raise ArtifactError(
                f"{self.manifest.identifier} does not say how sure it must be for a precision: too few texts "
                "of validation were labelled by people, or it was made by an older version.",
                fix=f"Label more texts, or export it anew: `rubricator run`. {fix}",
            )
        enough = [
            point for point in points if point.precision >= precision - 1e-9 and point.confidence is not None
        ]
        if not enough:
            best = max((point.precision for point in points if point.confidence is not None), default=None)
            most = "" if best is None else f"; the most that some reached is {best:.2f}"
            raise ArtifactError(
                f"On validation no texts of {self.manifest.identifier} were sure enough for a precision of "
                f"{precision:g}{most}.",
                fix=f"Ask for less, or label more texts. {fix}",
            )
        return enough[0]

    @classmethod
    def load(
        cls,
        folder: Path | str,
        *,
        runtime: Literal["auto", "openvino", "onnx"] = "auto",
        threads: int = 0,
        key: Path | None = None,
        cache: Path | None = None,
    ) -> Self:
        """Read and check an artifact, start its encoders, if it has any, and try it on a few fixed texts.

        `runtime: auto` takes the fastest one here, and with 0 it chooses the threads of each encoder. With a
        public `key` only an artifact that its owner signed is used. The file `cache` remembers vectors.

        Raises:
            ArtifactError: The folder is no artifact, is damaged, is not signed by the owner of `key`, or
                gives no finite probabilities.
            MissingExtraError: A signature is to be checked, and `cryptography` is not installed.
            EncoderError: An encoder cannot be run here, or gives no vectors, or the cache cannot be used.
        """
        place = Path(folder)
        predictor = while_unreplaced(place, lambda: cls._read(place, runtime, threads, key, cache))
        predictor._probe()  # noqa: SLF001 - its own
        return predictor

    @classmethod
    def _read(
        cls,
        folder: Path,
        runtime: Literal["auto", "openvino", "onnx"],
        threads: int,
        key: Path | None,
        cache: Path | None,
    ) -> Self:
        artifact = read_artifact(folder, key=key)
        encoders = cls._start(artifact, runtime, threads, cache) if artifact.model.encoders else None
        return cls(artifact, encoders)

    @staticmethod
    def _start(
        artifact: Artifact,
        runtime: Literal["auto", "openvino", "onnx"],
        threads: int,
        cache: Path | None,
    ) -> dict[str, EncodeTexts]:
        # Runtimes take a second to import, which a linear model need not wait for.
        from rubricator.encode import Encoder, VectorCache

        encoders: dict[str, EncodeTexts] = {}
        for name, width in artifact.model.encoders.items():
            encoder = Encoder.load(artifact.encoder_folder(name), runtime=runtime, threads=threads)
            if encoder.width != width:
                raise ArtifactError(
                    f"The encoder '{name}' gives vectors of width {encoder.width}; the model needs {width}.",
                    fix=FIX,
                )
            encoders[name] = encoder.encode if cache is None else VectorCache(cache, encoder).encode
        return encoders

    def _probe(self) -> None:
        # Feature columns are left out: a model would warn that the probe lacks them.
        if self.features:
            return
        try:
            probes = self._prepared([text[: self.manifest.max_characters] for text in _PROBES])
            inputs = self._inputs(probes)
            for name in self.encoders:  # all of them, even if another model answers these texts
                inputs.vectors(name)
            self._probabilities(probes, inputs)
        except DataError as error:
            raise ArtifactError(f"The artifact cannot classify: {error.problem}", fix=FIX) from error

    def predict(self, texts: Sequence[Text | str]) -> list[Prediction]:
        """Predict categories and calibrated probabilities, in the order of the texts.

        Texts come as found and are cleaned here as in training. A plain string is a body whose id is its
        position, from "0".

        Raises:
            DataError: A text is empty or longer than the artifact accepts.
        """
        return self.classify(self._prepared(texts))

    def stream(self, texts: Iterable[Text | str], *, window: int = 4096) -> Iterator[Prediction]:
        """Predictions of any number of texts, in order, in memory that does not grow.

        At most `window` texts go through the model together, and are read before the first prediction comes;
        texts that say the same go once. The next are read, in a thread, while some go through the model.

        Raises:
            DataError: A text is empty or longer than the artifact accepts, or gets no finite probabilities.
        """
        size, once = WindowSize(window), OncePerText(self.predict, self.features)
        for records in ahead(size.cut([text] for text in _records(texts))):
            started = time.monotonic()
            predictions = once.results(records)
            size.took(time.monotonic() - started)
            yield from (replace(one, text_id=text.id) for one, text in zip(predictions, records, strict=True))

    def classify(self, texts: Sequence[Text]) -> list[Prediction]:
        """Predictions for texts that are checked and cleaned: `predict` without its first half."""
        return self._predictions(texts, self._inputs(texts))

    def classify_with_vectors(self, texts: Sequence[Text]) -> tuple[list[Prediction], Vectors | None]:
        """The same with the vectors that the model looked at; None where it looks at none of all texts."""
        inputs = self._inputs(texts)
        predictions = self._predictions(texts, inputs)
        known = [inputs.known(name) for name in self.encoders]
        return predictions, next((vectors for vectors in known if vectors is not None), None)

    def _predictions(self, texts: Sequence[Text], inputs: Inputs) -> list[Prediction]:
        probabilities = self._probabilities(texts, inputs)
        decisions = self.rule.decide(probabilities)
        keys = self.taxonomy.keys
        routes = self._model.routes(inputs) or ("",) * len(texts)
        return [
            Prediction(
                text_id=text.id,
                categories=tuple(key for key, on in zip(keys, row_on, strict=True) if on),
                probabilities=dict(zip(keys, row.tolist(), strict=True)),
                model=self.manifest.identifier,
                taxonomy_version=self.manifest.taxonomy_version,
                route=route,
            )
            for text, row, row_on, route in zip(texts, probabilities, decisions, routes, strict=True)
        ]

    def explain(
        self,
        texts: Sequence[Text | str],
        *,
        words: int = 10,
        passes: int = PASSES,
        predictions: Sequence[Prediction] | None = None,
    ) -> list[Explanation]:
        """The words of each text that weigh most for its categories, or for the likeliest if it has none.

        A weight is what the log-odds of the category gain by the word: exact for a linear model, an ensemble
        of them and rules before them. With other models a word is left out to see what changes, and a text
        goes through the model `passes` times at most: of long texts words are looked at where windows of them
        weigh most, see `occlusion_effects`. `predictions` of the same texts, where they are at hand, save
        making them.

        Raises:
            DataError: A text is empty or longer than the artifact accepts.
        """
        records = self._prepared(texts)
        predictions = self.classify(records) if predictions is None else predictions
        keys = self.taxonomy.keys
        wanted = np.zeros((len(records), len(keys)), dtype=bool)
        for row, one in zip(wanted, predictions, strict=True):
            chosen = one.categories or (max(one.probabilities, key=one.probabilities.__getitem__),)
            row[[keys.index(key) for key in chosen]] = True
        return explain(self._model, self.rule, self._inputs(records), wanted, words=words, passes=passes)

    def probabilities(self, texts: Sequence[Text | str]) -> Floats:
        """Calibrated probabilities, shape [texts, categories]; see `predict`.

        Raises:
            DataError: A text is empty or longer than the artifact accepts, or gets no finite probabilities.
        """
        prepared = self._prepared(texts)
        return self._probabilities(prepared, self._inputs(prepared))

    def check(self, texts: Sequence[Text]) -> None:
        """Refuse texts that cannot be classified.

        Raises:
            DataError: A text is empty or longer than the artifact accepts.
        """
        _refuse([(text, fault) for text in texts if (fault := self._fault(text))])

    def clean(self, texts: Sequence[Text], *, seconds: float = math.inf) -> list[Text]:
        """The texts with their contents, cleaned as in training.

        Raises:
            DataError: A text takes more than so many seconds.
        """
        cleaned = []
        for text in texts:
            try:
                cleaned.append(replace(text, content=self._cleaner.content(text, seconds=seconds)))
            except TimeoutError:
                _refuse([(text, f"takes more than {seconds:g} s to clean")])
        return cleaned

    def _prepared(self, texts: Sequence[Text | str]) -> list[Text]:
        records = list(_records(texts))
        self.check(records)
        return self.clean(records)

    def _probabilities(self, texts: Sequence[Text], inputs: Inputs) -> Floats:
        if not texts:
            return np.zeros((0, len(self.taxonomy.categories)))
        with np.errstate(over="ignore", invalid="ignore"):
            probabilities = self.rule.probabilities(self._model.logits(inputs))
        finite = np.isfinite(probabilities).all(axis=1)
        _refuse([(texts[row], "gets no finite probabilities") for row in np.flatnonzero(~finite).tolist()])
        return probabilities

    def _inputs(self, texts: Sequence[Text]) -> Inputs:
        return Inputs([t.content for t in texts], [t.features for t in texts], encoders=self.encoders)

    def _fault(self, text: Text) -> str:
        if is_blank(text.original):
            return "is empty"
        length = len(text.title) + len(text.body)
        if length > self.manifest.max_characters:
            return f"has {length:,} characters (limit {self.manifest.max_characters:,})"
        return ""


def _refuse(faults: list[tuple[Text, str]]) -> None:
    if faults:
        named = "; ".join(f"text '{text.id[:80]}' {fault}" for text, fault in faults[:10])
        more = f"; and {len(faults) - 10} more" if len(faults) > 10 else ""
        raise DataError(
            f"Some texts cannot be classified: {named}{more}.",
            fix="Leave these texts out, or correct them.",
        )


def _records(texts: Iterable[Text | str]) -> Iterator[Text]:
    if isinstance(texts, str):
        raise DataError("One text was given where a list of them belongs.", fix="Write predict([text]).")
    for position, text in enumerate(texts):
        yield Text(id=str(position), body=text) if isinstance(text, str) else text
