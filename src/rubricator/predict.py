"""Texts to predictions: the one class that programs, files and the service share. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import TypeAdapter, ValidationError

from rubricator.artifact import Artifact, Manifest, read_artifact
from rubricator.artifact.manifest import MANIFEST
from rubricator.config import Columns
from rubricator.dataset.dataset import Rejected
from rubricator.dataset.inputs import EncodeTexts, Inputs
from rubricator.errors import ArtifactError, DataError
from rubricator.ingest.clean import Cleaner, is_blank
from rubricator.ingest.read import RowReader, fit_columns
from rubricator.label_space import DecisionRule
from rubricator.models.serialization import FIX
from rubricator.progress import Progress, silent
from rubricator.records import Prediction, Text
from rubricator.stats.arrays import Floats, Vectors
from rubricator.stats.coverage import COVERAGE, CoveragePoint
from rubricator.tables.delimited import column_names
from rubricator.tables.layout import AS_FOUND, Layout
from rubricator.tables.reading import Table, TableWriter, open_table, open_writer
from rubricator.taxonomy import Taxonomy

UNSURE = "unsure"
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
        reference: What monitoring compares its predictions with; None where the artifact has none.
    """

    def __init__(self, artifact: Artifact, encoders: Mapping[str, EncodeTexts] | None = None) -> None:
        self.manifest: Manifest = artifact.manifest
        self.taxonomy: Taxonomy = artifact.manifest.taxonomy
        self.rule: DecisionRule = artifact.rule
        self.features: tuple[str, ...] = artifact.model.columns
        self.reference: bytes | None = artifact.reference
        self._model = artifact.model
        self._encoders = encoders or {}
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
    ) -> Self:
        """Read and check an artifact, start its encoders, if it has any, and try it on a few fixed texts.

        `runtime: auto` takes the fastest one here, and with 0 it chooses the threads of each encoder. With a
        public `key` only an artifact that its owner signed is used.

        Raises:
            ArtifactError: The folder is no artifact, is damaged, is not signed by the owner of `key`, or
                gives no finite probabilities.
            MissingExtraError: A signature is to be checked, and `cryptography` is not installed.
            EncoderError: An encoder cannot be run here, or gives no vectors.
        """
        artifact = read_artifact(Path(folder), key=key)
        predictor = cls(artifact, cls._start(artifact, runtime, threads) if artifact.model.encoders else {})
        predictor._probe()
        return predictor

    @staticmethod
    def _start(
        artifact: Artifact, runtime: Literal["auto", "openvino", "onnx"], threads: int
    ) -> dict[str, EncodeTexts]:
        # Runtimes take a second to import, which a linear model need not wait for.
        from rubricator.encode.encoder import Encoder

        encoders: dict[str, EncodeTexts] = {}
        for name, width in artifact.model.encoders.items():
            encoder = Encoder.load(artifact.encoder_folder(name), runtime=runtime, threads=threads)
            if encoder.width != width:
                raise ArtifactError(
                    f"The encoder '{name}' gives vectors of width {encoder.width}; the model needs {width}.",
                    fix=FIX,
                )
            encoders[name] = encoder.encode
        return encoders

    def _probe(self) -> None:
        # Feature columns are left out: a model would warn that the probe lacks them.
        if self.features:
            return
        try:
            self.probabilities([text[: self.manifest.max_characters] for text in _PROBES])
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

    def classify(self, texts: Sequence[Text]) -> list[Prediction]:
        """Predictions for texts that are checked and cleaned: `predict` without its first half."""
        return self._predictions(texts, self._probabilities(texts))

    def classify_with_vectors(self, texts: Sequence[Text]) -> tuple[list[Prediction], Vectors | None]:
        """The same with the vectors that the model looked at; None where it looks at none of all texts."""
        inputs = self._inputs(texts)
        predictions = self._predictions(texts, self._probabilities_of(texts, inputs))
        known = [inputs.known(name) for name in self._encoders]
        return predictions, next((vectors for vectors in known if vectors is not None), None)

    def _predictions(self, texts: Sequence[Text], probabilities: Floats) -> list[Prediction]:
        decisions = self.rule.decide(probabilities)
        keys = self.taxonomy.keys
        return [
            Prediction(
                text_id=text.id,
                categories=tuple(key for key, on in zip(keys, row_on, strict=True) if on),
                probabilities=dict(zip(keys, row.tolist(), strict=True)),
                model=self.manifest.identifier,
                taxonomy_version=self.manifest.taxonomy_version,
            )
            for text, row, row_on in zip(texts, probabilities, decisions, strict=True)
        ]

    def probabilities(self, texts: Sequence[Text | str]) -> Floats:
        """Calibrated probabilities, shape [texts, categories]; see `predict`.

        Raises:
            DataError: A text is empty or longer than the artifact accepts, or gets no finite probabilities.
        """
        return self._probabilities(self._prepared(texts))

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
        records = _records(texts)
        self.check(records)
        return self.clean(records)

    def _probabilities(self, texts: Sequence[Text]) -> Floats:
        return self._probabilities_of(texts, self._inputs(texts))

    def _inputs(self, texts: Sequence[Text]) -> Inputs:
        contents = [text.content for text in texts]
        return Inputs(contents, [text.features for text in texts], encoders=self._encoders)

    def _probabilities_of(self, texts: Sequence[Text], inputs: Inputs) -> Floats:
        if not texts:
            return np.zeros((0, len(self.taxonomy.categories)))
        with np.errstate(over="ignore", invalid="ignore"):
            probabilities = self.rule.probabilities(self._model.logits(inputs))
        finite = np.isfinite(probabilities).all(axis=1)
        _refuse([(texts[row], "gets no finite probabilities") for row in np.flatnonzero(~finite).tolist()])
        return probabilities

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


def _records(texts: Sequence[Text | str]) -> list[Text]:
    if isinstance(texts, str):
        raise DataError("One text was given where a list of them belongs.", fix="Write predict([text]).")
    return [
        Text(id=str(position), body=text) if isinstance(text, str) else text
        for position, text in enumerate(texts)
    ]


@dataclass(frozen=True, slots=True)
class PredictionReport:
    """What became of a file.

    Attributes:
        rows: How many were predicted.
        rejected: How many could not be.
        rejected_file: Where these are listed; None if there are none.
        columns: Which columns were read.
        encoding: Of a text file.
        unsure: How many predictions are marked for a person; None where nobody asked for marks.
    """

    rows: int
    rejected: int
    rejected_file: Path | None
    columns: Columns
    encoding: str
    unsure: int | None = None


def predict_file(
    predictor: Predictor,
    input_file: Path,
    output_file: Path,
    *,
    columns: Columns | None = None,
    layout: Layout = AS_FOUND,
    keep: bool = False,
    batch: int = 512,
    min_probability: float | None = None,
    progress: Progress = silent,
) -> PredictionReport:
    """Predict every row of a table; memory does not grow with the file.

    The output has the columns `id`, `labels` (keys joined by commas) and `p_<key>` for every
    category, with six decimals. Rows that cannot be used go to `<output>.rejected.csv`, each with
    its reason. With `min_probability` a column `unsure` marks with 1 what a person should look at: texts
    whose categories are not all right with that probability. Without a column of ids, row numbers from 1
    stand for them. Both files may be of any kind of table, told apart by suffix; by default their columns are
    those of training. The output appears when it is whole, and `batch` rows go through the model together.
    With `keep`, the other columns of the input follow; one called like a column of the output gets a number.

    Raises:
        DataError: A file cannot be read or written, or columns are missing.
    """
    if input_file.resolve() == output_file.resolve():
        raise DataError(f"{output_file} is the input itself.", fix="Name another file for the output.")
    table = open_table(input_file, layout)
    fitting = _fitting(predictor, table, columns, sources=bool(predictor.manifest.boilerplate))
    reader = RowReader(fitting, max_characters=predictor.manifest.max_characters, file=str(input_file))
    rows = unsure = 0
    marks = () if min_probability is None else (UNSURE,)
    own = ("id", "labels", *marks, *(f"p_{key}" for key in predictor.taxonomy.keys))
    kept = [name for name in table.complete().columns if name != fitting.id] if keep else []
    header = column_names([*own, *kept])
    with ExitStack() as stack:
        writer = stack.enter_context(open_writer(output_file, header))
        rejections = _Rejections(stack, output_file)
        done = stack.enter_context(progress("Predicting", total=_length(table, progress)))
        for chunk in table.rows(batch):
            texts = [(row, reader.text(row)) for row in chunk]
            rejections.write(text for _, text in texts if isinstance(text, Rejected))
            usable = [(row, text) for row, text in texts if isinstance(text, Text)]
            predictions = predictor.predict([text for _, text in usable])
            cells = [
                _cells(prediction) | dict(zip(header[len(own) :], map(row.cells.get, kept), strict=True))
                for (row, _), prediction in zip(usable, predictions, strict=True)
            ]
            if min_probability is not None:
                doubtful = predictor.confidence(predictions) < min_probability
                cells = [{**row, UNSURE: int(mark)} for row, mark in zip(cells, doubtful, strict=True)]
                unsure += int(doubtful.sum())
            writer.write(cells)
            rows += len(predictions)
            done(len(chunk))
    return PredictionReport(
        rows, rejections.count, rejections.file(), fitting, table.encoding, unsure if marks else None
    )


def read_texts(predictor: Predictor, input_file: Path, *, columns: Columns | None = None) -> list[Text]:
    """The texts of a table, cleaned as in training, with sources and times; without rows that cannot be used.

    Raises:
        DataError: The file cannot be read, columns are missing, or no row can be used.
    """
    table = open_table(input_file, AS_FOUND)
    fitting = _fitting(predictor, table, columns, sources=True)
    reader = RowReader(fitting, max_characters=predictor.manifest.max_characters, file=str(input_file))
    rows = (reader.text(row) for chunk in table.rows() for row in chunk)
    texts = predictor.clean([text for text in rows if isinstance(text, Text)])
    if not texts:
        raise DataError(f"No row of {input_file} can be used.", fix="Name a table of texts.")
    return texts


def _fitting(predictor: Predictor, table: Table, columns: Columns | None, *, sources: bool) -> Columns:
    named = columns or predictor.manifest.columns
    source, time = (named.source, named.time) if sources else (None, None)
    roles = {"id": named.id, "title": named.title, "body": named.body, "source": source, "time": time}
    wanted = Columns(**roles, features=predictor.features)
    # Only the text must be there: what else the model looks at, it can do without.
    return fit_columns(table, wanted, optional=("id", "source", "time", "features"))


def _length(table: Table, progress: Progress) -> int | None:
    """How many rows a table has: reading them is quick beside predicting, but vain if nobody looks."""
    if progress is silent:
        return None
    with progress("Counting rows", total=None) as counted:
        length = 0
        for rows in table.rows():
            length += len(rows)
            counted(len(rows))
    return length


def _cells(prediction: Prediction) -> dict[str, Any]:
    probabilities = {f"p_{key}": round(value, 6) for key, value in prediction.probabilities.items()}
    return {"id": prediction.text_id, "labels": ",".join(prediction.categories), **probabilities}


class _Rejections:
    """Lists rejected rows in a file of their own, which exists only if there are any."""

    def __init__(self, stack: ExitStack, output_file: Path) -> None:
        self._stack = stack
        self._path = output_file.with_name(f"{output_file.name}.rejected.csv")
        self._writer: TableWriter | None = None
        self.count = 0

    def write(self, rejected: Iterable[Rejected]) -> None:
        cells = [asdict(row) for row in rejected]
        if not cells:
            return
        if self._writer is None:
            columns = ("file", "row", "id", "reason", "excerpt")
            self._writer = self._stack.enter_context(open_writer(self._path, columns))
        self._writer.write(cells)
        self.count += len(cells)

    def file(self) -> Path | None:
        """The file, if there is one; that of an earlier run is removed where this one needs none."""
        if self.count:
            return self._path
        self._path.unlink(missing_ok=True)
        return None
