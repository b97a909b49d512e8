"""`predict_file`: a table of texts in, a table of predictions out, whatever their length."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rubricator.config import Columns
from rubricator.dataset.dataset import Rejected
from rubricator.errors import DataError
from rubricator.ingest.read import RowReader, fit_columns
from rubricator.predict.classifier import Classified, Classifier, Processes
from rubricator.predict.ids import IdCounter, RepeatedIds
from rubricator.predict.journal import Journal, forget, held, read_journal
from rubricator.predict.once import OncePerText
from rubricator.predict.predictor import Predictor
from rubricator.predict.windows import FIRST, WindowSize, ahead
from rubricator.progress import Progress, silent
from rubricator.records import Prediction, Text, content_hash, file_digest
from rubricator.tables.delimited import column_names
from rubricator.tables.layout import AS_FOUND, Layout
from rubricator.tables.reading import Row, Table, TableWriter, open_table, open_writer
from rubricator.tables.sinks import Position
from rubricator.tables.writing import check_room, discard, is_begun

ROUTE, UNSURE, WORDS = "route", "unsure", "words"
_CHECKPOINT_SECONDS = 1.0
_REJECTED = ("file", "row", "id", "reason", "excerpt")

_Window = list[tuple[Row, Text | Rejected]]
_Results = list[tuple[Row, Classified | Rejected]]
Classify = Callable[[Sequence[Text]], list[Classified]]


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
        earlier: Rows of the input that an earlier run had done.
        routes: How many texts each model of a two-speed artifact answered; empty for others.
        repeats: Texts of this run that said what another did; they were not classified again.
        repeated_ids: Ids that several rows share; None where row numbers stand for ids.
    """

    rows: int
    rejected: int
    rejected_file: Path | None
    columns: Columns
    encoding: str
    unsure: int | None = None
    routes: Mapping[str, int] = field(default_factory=dict)
    earlier: int = 0
    repeats: int = 0
    repeated_ids: RepeatedIds | None = None


def predict_file(
    predictor: Predictor,
    input_file: Path,
    output_file: Path,
    *,
    columns: Columns | None = None,
    layout: Layout = AS_FOUND,
    keep: bool = False,
    batch: int = 4096,
    min_probability: float | None = None,
    explain: int = 0,
    workers: int = 1,
    restart: bool = False,
    progress: Progress = silent,
) -> PredictionReport:
    """Predict every row of a table; memory does not grow with the file but for sixteen bytes a row.

    The output has the columns `id`, `labels` (keys joined by commas) and `p_<key>` for every
    category, with six decimals. Rows that cannot be used go to `<output>.rejected.csv`, each with
    its reason. With `min_probability` a column `unsure` marks with 1 what a person should look at: texts
    whose categories are not all right with that probability. With `explain` a column `words` names so many
    words for each category of a text, see `Predictor.explain`; of a two-speed artifact a column `route` says
    which of its models answered. Without a column of ids, row numbers from 1
    stand for them. Both files may be of any kind of table, told apart by suffix; by default their columns are
    those of training. With `keep`, the other columns of the input follow; one called like a column of the
    output gets a number.

    Rows go through the model in windows of at most `batch`; texts that say the same go once. With several
    `workers`, processes share the work of a model without an encoder, whose work one core does.

    The output appears when it is whole. Until then its rows lie in files beside it, and a run that was killed
    or failed goes on from the last row that is whole there when it is started again, unless `restart`.

    Raises:
        DataError: A file cannot be read or written, columns are missing, or what was begun was begun with
            another input, model or option.
    """
    if input_file.resolve() == output_file.resolve():
        raise DataError(f"{output_file} is the input itself.", fix="Name another file for the output.")
    table = open_table(input_file, layout)
    fitting = _fitting(predictor, table, columns, sources=False)
    marks = [ROUTE] * predictor.routed + [UNSURE] * (min_probability is not None) + [WORDS] * (explain > 0)
    own = ["id", "labels", *marks, *(f"p_{key}" for key in predictor.taxonomy.keys)]
    kept = [name for name in table.complete().columns if name != fitting.id] if keep else []
    made_by = {
        "the input": file_digest(input_file),
        "the model": predictor.manifest.identifier,
        "an option": content_hash(
            "predict:1", fitting.model_dump_json(), repr(layout), repr((keep, min_probability, explain))
        ),
    }
    reader = RowReader(fitting, max_characters=predictor.manifest.max_characters, file=str(input_file))
    with held(output_file):
        journal = read_journal(output_file, made_by, restart=restart)
        run = _Run(predictor, reader, output_file, column_names([*own, *kept]), kept, min_probability)
        # The work of an encoder is spread over the cores as it is.
        count = 1 if predictor.encoders else workers
        with Processes(Classifier(predictor, explain), count) as classify:
            return run.predict(table, journal, classify, batch, progress)


def read_texts(predictor: Predictor, input_file: Path, *, columns: Columns | None = None) -> list[Text]:
    """The texts of a table with their sources and times, cleaned as the artifact cleans them.

    Rows that cannot be used are left out.

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
    if predictor.manifest.boilerplate:
        source = named.source
    roles = {"id": named.id, "title": named.title, "body": named.body, "source": source, "time": time}
    wanted = Columns(**roles, features=predictor.features)
    # Only the text must be there: what else the model looks at, it can do without.
    return fit_columns(table, wanted, optional=("id", "source", "time", "features"))


class _Run:
    """One file on its way through the model."""

    def __init__(
        self,
        predictor: Predictor,
        reader: RowReader,
        output: Path,
        header: Sequence[str],
        kept: Sequence[str],
        min_probability: float | None,
    ) -> None:
        self._predictor = predictor
        self._reader = reader
        self._output = output
        self._rejected = output.with_name(f"{output.name}.rejected.csv")
        self._header = header
        self._kept = list(zip(header[len(header) - len(kept) :], kept, strict=True))
        self._min_probability = min_probability
        self._ids = IdCounter()

    def predict(
        self, table: Table, journal: Journal, classify: Classify, batch: int, progress: Progress
    ) -> PredictionReport:
        earlier, once = journal.read, OncePerText(classify, self._predictor.features)
        if journal.finished:
            for _ in self._rows(table, after=journal.read):
                pass
            self._complete(journal)
        else:
            journal = self._write(table, journal, once, batch, progress)
        if journal.rejected is None:
            self._rejected.unlink(missing_ok=True)
        forget(self._output)
        return PredictionReport(
            rows=journal.rows,
            rejected=journal.rejected.rows if journal.rejected else 0,
            rejected_file=self._rejected if journal.rejected else None,
            columns=self._reader.columns,
            encoding=table.encoding,
            unsure=None if self._min_probability is None else journal.unsure,
            routes=journal.routes,
            earlier=earlier,
            repeats=once.repeats,
            repeated_ids=self._ids.repeated() if self._reader.columns.id else None,
        )

    def _write(
        self, table: Table, journal: Journal, once: OncePerText[Classified], batch: int, progress: Progress
    ) -> Journal:
        total = _length(table, progress)
        check_room(self._output, rows=total or 0)
        if not journal.output:
            self._discard()
        size = WindowSize(batch)
        windows = size.cut(self._rows(table, after=journal.read))
        try:
            with ExitStack() as stack:
                output = stack.enter_context(self._open(self._output, self._header, journal.output))
                rejected = None
                if journal.rejected:
                    rejected = stack.enter_context(self._open(self._rejected, _REJECTED, journal.rejected))
                done = stack.enter_context(progress("Predicting", total=total))
                done(journal.read)
                checkpoint = time.monotonic()
                # One window is read, one classified and one written at the same time.
                for results in ahead(self._classified(ahead(windows), once, size)):
                    refused = [asdict(one) for _, one in results if isinstance(one, Rejected)]
                    if refused:
                        rejected = rejected or stack.enter_context(self._open(self._rejected, _REJECTED))
                        rejected.write(refused)
                    journal = self._append(output, results, journal)
                    if time.monotonic() - checkpoint >= _CHECKPOINT_SECONDS:
                        journal = self._keep(journal, output, rejected)
                        checkpoint = time.monotonic()
                    done(len(results))
                journal = self._keep(journal.model_copy(update={"finished": True}), output, rejected)
        except BaseException:
            if not journal.output:
                self._discard()
            raise
        return journal

    def _rows(self, table: Table, *, after: int) -> Iterator[_Window]:
        """The rows after the first so many, and their texts; of the others only the ids are looked at."""
        for chunk in table.rows(FIRST):
            texts = [(row, self._reader.text(row)) for row in chunk]
            if self._reader.columns.id:
                for row, text in texts:
                    if isinstance(text, Text):
                        self._ids.add(row.number, text.id)
            yield [pair for pair in texts if pair[0].number > after]

    def _classified(
        self, windows: Iterator[_Window], once: OncePerText[Classified], size: WindowSize
    ) -> Iterator[_Results]:
        for window in windows:
            started = time.monotonic()
            results = iter(once.results([text for _, text in window if isinstance(text, Text)]))
            size.took(time.monotonic() - started)
            yield [
                (row, text if isinstance(text, Rejected) else self._named(row, text, next(results)))
                for row, text in window
            ]

    def _named(self, row: Row, text: Text, result: Classified) -> Classified | Rejected:
        if result.prediction is None:
            return self._reader.rejected(row, text.id, result.fault, text.original)
        return replace(result, prediction=replace(result.prediction, text_id=text.id))

    def _append(self, output: TableWriter, results: _Results, journal: Journal) -> Journal:
        pairs = [(row, one) for row, one in results if isinstance(one, Classified)]
        predictions = [one.prediction for _, one in pairs if one.prediction]
        rows = [
            _cells(prediction) | {WORDS: one.words} | {name: row.cells.get(old) for name, old in self._kept}
            for prediction, (row, one) in zip(predictions, pairs, strict=True)
        ]
        unsure = 0
        if self._min_probability is not None:
            doubtful = self._predictor.confidence(predictions) < self._min_probability
            rows = [{**row, UNSURE: int(mark)} for row, mark in zip(rows, doubtful, strict=True)]
            unsure = int(doubtful.sum())
        output.write(rows)
        routes = Counter(journal.routes)
        routes.update(prediction.route for prediction in predictions if prediction.route)
        progressed = {
            "read": results[-1][0].number,
            "rows": journal.rows + len(rows),
            "unsure": journal.unsure + unsure,
            "routes": routes,
        }
        return journal.model_copy(update=progressed)

    def _keep(self, journal: Journal, output: TableWriter, rejected: TableWriter | None) -> Journal:
        positions = {"output": output.position(), "rejected": rejected.position() if rejected else None}
        journal = journal.model_copy(update=positions)
        journal.write(self._output)
        return journal

    def _complete(self, journal: Journal) -> None:
        """Give the files their names, if the run that wrote them was stopped before it could."""
        for path, header, position in (
            (self._rejected, _REJECTED, journal.rejected),
            (self._output, self._header, journal.output),
        ):
            if position and is_begun(path):
                with self._open(path, header, position):
                    pass

    @staticmethod
    def _open(path: Path, header: Sequence[str], position: Position | None = None) -> TableWriter:
        return open_writer(path, header, keep=True, position=position)

    def _discard(self) -> None:
        for path in (self._rejected, self._output):
            discard(path)


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
    route = {ROUTE: prediction.route} if prediction.route else {}
    return {"id": prediction.text_id, "labels": ",".join(prediction.categories), **route, **probabilities}
