"""Review: puts texts before a person, stores every answer at once, tells what the answers tell.

Nothing is asked of the teachers here: their stored answers and the reviews so far make the labels that
are reviewed. The label stage takes the reviews in when it next runs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import polars as pl

from rubricator.dataset import files
from rubricator.dataset.labels import Review
from rubricator.errors import DataError
from rubricator.ingest.golden import parse_labels
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import Run
from rubricator.pipeline.uncertainty import review_context
from rubricator.records import Answer
from rubricator.review.estimates import Estimate, estimate
from rubricator.review.files import (
    COLUMNS,
    Question,
    labelling_config,
    reviews_in_rows,
    rows_of,
    rows_of_tasks,
    tasks_of,
)
from rubricator.review.reviews import answer_of, judged, key_of, read_reviews
from rubricator.review.selection import RANDOM_SHARE, pick
from rubricator.tables.reading import open_table, open_writer

Order = Literal["gain", "random"]


@dataclass
class ReviewSession:
    """One person's review of one run. Use it as a context manager.

    Attributes:
        run: Its label stage is done.
        by: Name of the person.
    """

    run: Run
    by: str

    def __post_init__(self) -> None:
        _check(self.run)
        self._store = open_store(self.run)
        self._earlier: dict[str, Answer | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.close()

    def questions(self, count: int, *, order: Order = "gain") -> list[Question]:
        """The next texts worth a person's minute.

        Texts of the test part and golden ones are left out: the first would teach nobody, the second
        have a person's label.

        Args:
            count: How many; fewer if fewer are left.
            order: By expected gain with a random share, or all at random.
        """
        case = review_context(self.run)
        reviews = read_reviews(self._store, case.texts, self.run.taxonomy)
        closed = {
            row for row, text in enumerate(case.texts) if text.id in reviews or text.id not in case.open
        }
        picks = pick(
            case.posterior,
            case.decided,
            case.opinions,
            case.vectors,
            case.groups,
            reviewed=closed,
            count=count,
            single=self.run.taxonomy.single,
            seed=self.run.config.seed + len(reviews),
            random_share=1.0 if order == "random" else RANDOM_SHARE,
        )
        return [case.question(found) for found in picks]

    def answer(self, question: Question, categories: Collection[str]) -> None:
        """Store the person's answer; it is safe when this returns.

        Raises:
            DataError: The categories do not fit the taxonomy.
            StoreError: The database refused.
        """
        review = Review(
            text_id=question.text.id,
            judged=judged(categories, self.run.taxonomy),
            by=self.by,
            chosen=question.chosen,
            before=question.suggested,
            probability=question.probability,
        )
        found = answer_of(review, question.text.content, self.run.taxonomy)
        if found.key not in self._earlier:
            self._earlier[found.key] = self._store.find([found.key]).get(found.key)
        self._store.save([found])

    def undo(self, question: Question) -> bool:
        """Put back what was stored about a text before this session; False if nothing was answered.

        Raises:
            StoreError: The database refused.
        """
        key = key_of(question.text.content, self.run.taxonomy)
        if key not in self._earlier:
            return False
        earlier = self._earlier.pop(key)
        if earlier is None:
            self._store.remove([key])
        else:
            self._store.save([earlier])
        return True

    def estimate(self) -> Estimate:
        """What the reviews so far tell about the labels that nobody has looked at.

        Raises:
            StoreError: The database refused.
        """
        dataset, split = files.read_dataset(self.run.folder), files.read_split(self.run.folder)
        reviews = read_reviews(self._store, dataset.texts, self.run.taxonomy)
        left = sum(
            split.part[text.id] != "test" and text.id not in dataset.golden and text.id not in reviews
            for text in dataset.texts
        )
        return estimate(list({(r.text_id, r.when): r for r in reviews.values()}.values()), left=left)

    def write(self, path: Path, questions: Sequence[Question]) -> list[Path]:
        """Write texts for people to label: Label Studio's JSON and its XML, or a table, by suffix.

        Returns:
            The files written.

        Raises:
            DataError: The file is there already (it may hold answers), or the place cannot be written.
        """
        if path.exists():
            raise DataError(
                f"{path} exists already, and may hold answers.",
                fix="Import it first (--import), or choose another name.",
            )
        if path.suffix.lower() != ".json":
            with open_writer(path, COLUMNS) as writer:
                writer.write(rows_of(questions))
            return [path]
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(path, tasks_of(questions, self.run.taxonomy))
        interface = path.with_suffix(".xml")
        interface.write_text(labelling_config(self.run.taxonomy), encoding="utf-8")
        return [path, interface]

    def take(self, path: Path) -> int:
        """Store the answers in a table or in Label Studio's JSON, all or none.

        Returns:
            How many answers were new; one that says the same as the stored one of the same person is not.

        Raises:
            DataError: The file cannot be read, or anything in it is wrong; all faults are listed.
            StoreError: The database refused.
        """
        taxonomy = self.run.taxonomy
        texts = {text.id: text for text in files.read_dataset(self.run.folder).texts}
        rows = rows_of_tasks(_json(path), where=str(path)) if path.suffix.lower() == ".json" else _rows(path)
        found = reviews_in_rows(
            rows,
            parse=partial(parse_labels, taxonomy=taxonomy),
            taxonomy=taxonomy,
            ids=texts,
            by=self.by,
            where=str(path),
        )
        answers = [answer_of(review, texts[review.text_id].content, taxonomy) for review in found]
        stored = self._store.find([answer.key for answer in answers])
        fresh = [a for a in answers if not _same(a, stored.get(a.key))]
        self._store.save(fresh)
        return len(fresh)


def _same(answer: Answer, stored: Answer | None) -> bool:
    return stored is not None and (answer.teacher, answer.scores) == (stored.teacher, dict(stored.scores))


def _check(run: Run) -> None:
    """The labels on disk must be of the texts and the categories of today.

    Raises:
        DataError: They are not, or there are none.
    """
    place = run.folder / "stages/labels.parquet"
    fix = f"Run `rubricator label` with the same config and --out {run.folder} first."
    if not place.is_file():
        raise DataError(f"The texts in {run.folder} have not been labelled.", fix=fix)
    known = {text.id for text in files.read_dataset(run.folder).texts}
    columns = {name.removeprefix("p_") for name in pl.read_parquet_schema(place) if name.startswith("p_")}
    ids = set(pl.read_parquet(place, columns=["id"])["id"].to_list())
    if columns != set(run.taxonomy.keys) or not ids <= known:
        raise DataError(
            f"The labels in {run.folder} are of another list of categories, or of other texts.", fix=fix
        )


def _rows(path: Path) -> list[tuple[str, Any]]:
    table = open_table(path)
    missing = [name for name in ("id", "labels") if name not in table.columns]
    if missing:
        raise DataError(
            f"{path} lacks the column '{missing[0]}'; its columns are: {', '.join(table.columns)}.",
            fix="Keep the columns that --export wrote, and fill in `labels`.",
        )
    rows = [row for batch in table.rows() for row in batch]
    broken = next((row for row in rows if row.fault), None)
    if broken:
        raise DataError(f"{path}, row {broken.number}: {broken.fault}.", fix="Correct the row.")
    return [(f"row {row.number}", row.cells) for row in rows]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", fix="Correct the path.") from error
    except ValueError as error:
        raise DataError(
            f"{path} is not JSON: {error}.", fix="Export it from Label Studio as JSON."
        ) from error
