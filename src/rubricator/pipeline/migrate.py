"""Labels of an older list carried over to that of today: reviews in the store, and files of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rubricator.dataset import files
from rubricator.dataset.reviews import Review
from rubricator.errors import DataError
from rubricator.pipeline.label import open_store
from rubricator.pipeline.migrate_files import Migrated, migrate_file, rows_of_table
from rubricator.pipeline.stage import Run
from rubricator.records import Answer
from rubricator.review.reviews import read_reviews, review_of, stored_reviews
from rubricator.tables.reading import open_table
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.key_map import KeyMap, key_map
from rubricator.taxonomy.versions import History


def migrate(
    run: Run,
    map_file: Path,
    tables: Sequence[Path],
    *,
    output: Path | None = None,
    reviews: bool = False,
    since: str | None = None,
) -> tuple[list[Migrated], int]:
    """Carry files of labels, and with `reviews` those of the run, over to the list of today.

    Files are written beside the old ones, as `NAME.migrated.SUFFIX`, or one of them as `output`. With `since`
    every key that has gone since that version needs a row. Returns what was written, and how many reviews.

    Raises:
        DataError: A file cannot be read, or has no labels.
        TaxonomyError: The map points to nothing, or says nothing of a key that is gone; all are listed.
        StoreError: The database refused.
    """
    history = History.beside(run.config.path(run.config.taxonomy))
    found = read_map(map_file, run.taxonomy)
    check_map(found, run.taxonomy, history, since=since, where=map_file)
    if reviews:
        missing_in_reviews(run, found, run.taxonomy)
    targets = [output or one.with_name(f"{one.stem}.migrated{one.suffix}") for one in tables]
    done = [
        migrate_file(one, found, run.taxonomy, history, target)
        for one, target in zip(tables, targets, strict=True)
    ]
    carried = carry_reviews(run, found, run.taxonomy, history) if reviews else 0
    return done, carried


def read_map(path: Path, taxonomy: Taxonomy) -> KeyMap:
    """Read a map of keys: a table with the columns `old`, `new` and, if wanted, `how`.

    Raises:
        DataError: The file cannot be read or lacks a column.
        TaxonomyError: A row points to nothing; all faults are listed.
    """
    table = open_table(path)
    if missing := [name for name in ("old", "new") if name not in table.columns]:
        raise DataError(
            f"{path} lacks the column '{missing[0]}'; its columns are: {', '.join(table.columns)}.",
            fix="Write a header `old`, `new` and a row per old key; several new keys are joined by commas.",
        )
    return key_map(rows_of_table(table), taxonomy, where=str(path))


def check_map(found: KeyMap, taxonomy: Taxonomy, history: History, *, since: str | None, where: Path) -> None:
    """Refuse a map that leaves out a key that has gone since a version, or names one that never was.

    Raises:
        TaxonomyError: Keys have no row, or there is no such version.
    """
    if since is not None:
        version = history.named(since)
        found.require(version.meanings, taxonomy, where=f"version {version.number}")
    ever = {key for version in history.versions for key in version.meanings} | set(taxonomy.keys)
    strange = sorted(set(found.targets) - ever) if history.versions else []
    if strange:
        raise DataError(
            f"{where} maps {', '.join(strange[:20])}, which no version of the list has had.",
            fix="Correct these rows; `rubricator category history` lists the versions.",
        )


def carry_reviews(run: Run, found: KeyMap, taxonomy: Taxonomy, history: History) -> int:
    """Carry the reviews of a run's texts over and count those that changed.

    A review whose other categories keep their meaning is stamped with the list of today.

    Raises:
        DataError: The texts have not been read.
        StoreError: The database refused; no review is changed then.
    """
    texts = files.read_dataset(run.folder).texts
    with open_store(run) as store:
        answers = stored_reviews(store, texts, taxonomy)
        carried = [new for one in answers.values() if (new := _carried(one, found, taxonomy, history))]
        store.save(carried)
    return len(carried)


def missing_in_reviews(run: Run, found: KeyMap, taxonomy: Taxonomy) -> None:
    """Refuse a map that says nothing of a key that reviews have and the list of today has not.

    Raises:
        TaxonomyError: All such keys are listed.
    """
    texts = files.read_dataset(run.folder).texts
    with open_store(run) as store:
        reviews = read_reviews(store, texts, taxonomy)
    found.require((key for one in reviews.values() for key in one.categories), taxonomy, where="a review")


def carried_review(review: Review, found: KeyMap, taxonomy: Taxonomy, history: History) -> Review | None:
    """A review in the list of today; None where the map says nothing of it."""
    if review.taxonomy == taxonomy.version or not set(review.judged) & set(found.targets):
        return None
    judged = found.judged(review.judged, taxonomy)
    return replace(review, judged=judged, taxonomy=_restamped(review.taxonomy, found, taxonomy, history))


def _carried(answer: Answer, found: KeyMap, taxonomy: Taxonomy, history: History) -> Answer | None:
    review = carried_review(review_of(answer), found, taxonomy, history)
    if review is None:
        return None
    scores = {key: float(yes) for key, yes in review.judged.items()}
    return replace(answer, scores=scores, taxonomy=review.taxonomy or "")


def _restamped(stamp: str | None, found: KeyMap, taxonomy: Taxonomy, history: History) -> str | None:
    """Today's version where the map settles all that changed; else the old one, which asks for the rest."""
    stale = history.stale(stamp, taxonomy)
    targets = {new for target in found.targets.values() for new in target.keys}
    return taxonomy.version if stale is not None and stale <= targets else stamp
