"""Feedback: editors' decisions from the databases that services write, and from files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rubricator.artifact import Manifest
from rubricator.artifact.read import audit_artifact
from rubricator.errors import DataError, TaxonomyError
from rubricator.ingest.clean import Cleaner, is_blank
from rubricator.ingest.label_cells import parse_labels
from rubricator.records import Text
from rubricator.review.decision_files import read_decision_file
from rubricator.review.feedback import Decision, read_decisions, store_decision
from rubricator.review.overrides import FeedbackReport, report_feedback
from rubricator.tables.writing import SUFFIXES
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import History

if TYPE_CHECKING:  # half a second to import
    from rubricator.store import Store


def report_of(place: str) -> FeedbackReport:
    """What the decisions in a database tell.

    Raises:
        DataError: There is no such database.
        StoreError: The database refused.
    """
    with open_feedback(place) as store:
        return report_feedback(read_decisions(store))


def open_feedback(place: str) -> Store:
    """Open a database of decisions that is there already.

    Raises:
        DataError: There is none.
        StoreError: The database refused.
    """
    from rubricator.store import Store

    return Store.open_existing(
        place, named="STORE", fix="Name the one that `serve --feedback` or `--import` writes."
    )


def take_file(place: str, file: Path, *, artifact: Path, categories: Path | None = None) -> tuple[int, int]:
    """Store the decisions in a file as if they had come over HTTP; all of it or nothing.

    Args:
        place: The database; it is made where there is none.
        file: A table of decisions, see `read_decision_file`.
        artifact: The model that the editors corrected: it says how texts are cleaned, and what categories
            there are.
        categories: The list whose history knows earlier versions.

    Returns:
        How many were new, and how many were there already.

    Raises:
        ArtifactError: The folder is no artifact.
        DataError: The file cannot be read, or a row of it cannot be used.
        RepeatedKeyError: A key was used for another decision.
        StoreError: The database refused; what is missing then comes in when the file is taken again.
    """
    from rubricator.store import Store

    manifest = audit_artifact(_artifact_in(artifact))
    history = None if categories is None else History.beside(categories)
    decisions = decisions_in_file(file, manifest, manifest.taxonomy, history)
    with Store.open(place) as store:
        new = sum(
            store_decision(store, decision, key, manifest.taxonomy, history)
            for key, decision in decisions.items()
        )
    return new, len(decisions) - new


def decisions_of(
    places: Sequence[str], manifest: Manifest, taxonomy: Taxonomy, history: History | None
) -> list[Decision]:
    """Every decision in databases and files, in the order in which they were made.

    Raises:
        DataError: There is no such database, or a file cannot be used.
        StoreError: A database refused.
    """
    decisions: list[Decision] = []
    for place in places:
        if "://" not in place and Path(place).suffix.lower() in SUFFIXES:
            decisions += decisions_in_file(Path(place), manifest, taxonomy, history, dated=True).values()
        else:
            with open_feedback(place) as store:
                decisions += read_decisions(store)
    return sorted(dict.fromkeys(decisions), key=lambda one: one.when)


def decisions_in_file(
    file: Path, manifest: Manifest, taxonomy: Taxonomy, history: History | None, *, dated: bool = False
) -> dict[str, Decision]:
    """Decisions in a table by idempotency key, their texts cleaned as the model cleans them.

    Where it matters what is new they must be `dated`; a database keeps the moment when a file came in.

    Raises:
        DataError: The file cannot be read, or a row of it cannot be used.
    """
    return read_decision_file(
        file,
        parse=partial(_parsed, taxonomy=taxonomy, history=history),
        clean=partial(_cleaned, cleaner=Cleaner(manifest.clean, manifest.boilerplate), manifest=manifest),
        model=manifest.identifier,
        versions={manifest.taxonomy_version: manifest.taxonomy.version},
        taxonomy=taxonomy,
        history=history,
        dated=dated,
    )


def _parsed(cell: object, stamp: str, *, taxonomy: Taxonomy, history: History | None) -> tuple[str, ...]:
    """A cell under the list of its time; where nobody knows that, what it becomes today cannot be told."""
    if history is not None and stamp != taxonomy.version:
        try:
            return parse_labels(cell, history.taxonomy(history.named(stamp.split(" ")[0])))
        except TaxonomyError as error:
            raise DataError(error.problem, fix=error.fix) from error
    return parse_labels(cell, taxonomy)


def _cleaned(text: Text, *, cleaner: Cleaner, manifest: Manifest) -> str:
    if is_blank(text.original):
        raise DataError("the text is empty", fix="")
    if len(text.original) > manifest.max_characters:
        raise DataError(f"the text is longer than {manifest.max_characters:,}", fix="")
    content = cleaner.content(text)
    if is_blank(content):
        raise DataError("cleaning leaves nothing of the text", fix="")
    return content


def _artifact_in(folder: Path) -> Path:
    return folder / "artifact" if (folder / "artifact").is_dir() else folder
