"""Changes of the list of categories: what each would cost, and making it; training comes after it.

From `plan_change` the work that follows is read: which teachers are asked what (`TeacherEffect.asks`), and
which categories' heads learn anew (`ChangePlan.heads`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rubricator.config import Config
from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.errors import RubricatorError, TaxonomyError
from rubricator.ingest.golden import read_golden
from rubricator.pages.formatting import plural
from rubricator.pipeline.category_teachers import TeacherEffect, teacher_effects
from rubricator.pipeline.label import open_store
from rubricator.pipeline.migrate import carried_review, carry_reviews
from rubricator.pipeline.stage import RUNS, Run
from rubricator.review.reviews import read_reviews
from rubricator.review.stale import StaleLabel, stale_labels, stamped_golden, write_golden_stamps
from rubricator.tables.cells import written
from rubricator.tables.reading import open_table, open_writer
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.changes import Change
from rubricator.taxonomy.changing import Changing, changing
from rubricator.taxonomy.differences import Difference, compare
from rubricator.taxonomy.key_map import COLUMNS, KeyMap, rows_of
from rubricator.taxonomy.source_edit import edited
from rubricator.taxonomy.versions import History, Version, concept

if TYPE_CHECKING:  # half a second to import
    from rubricator.store import Store

log = logging.getLogger(__name__)
Make = Callable[[Taxonomy, set[str]], Change]
"""Makes a change of a list, given the keys that may not be used again."""


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """What a change costs, before it is made.

    Attributes:
        about: What changes, a sentence.
        before: The version that is left.
        major: Whether labels given so far lose their meaning.
        sentences: The difference, one change a line.
        teachers: What becomes of each teacher's stored answers.
        texts: Number of texts; None where they have not been read.
        stale_reviews: Reviews to be judged again in `judged_again`.
        golden: Golden texts to be judged again in `judged_again`.
        unreadable: Golden texts that name a key that is gone: their file must be migrated.
        judged_again: Keys that people must judge anew.
        heads: Keys of the categories whose head learns anew; the others' can stay as they are.
        moved: Old key → keys that take its labels over.
    """

    about: str
    before: str
    major: bool
    sentences: tuple[str, ...]
    teachers: tuple[TeacherEffect, ...]
    texts: int | None
    stale_reviews: int
    golden: int
    unreadable: int
    judged_again: tuple[str, ...]
    heads: tuple[str, ...]
    moved: Mapping[str, tuple[str, ...]]

    def lines(self) -> Iterator[str]:
        """What it costs, for people."""
        yield from self.sentences
        texts = "every text" if self.texts is None else plural(self.texts, "text")
        for one in self.teachers:
            stored = f"{one.stored:,} stored" if self.texts is not None else ""
            what = f"asks about {texts} anew" if one.asks else "asks nothing anew"
            free = ", at no cost" if one.asks and one.free else ""
            yield f"{one.teacher} ({', '.join(filter(None, (one.kind, stored)))}) {what}{free}: {one.why}"
        if self.texts is None:
            yield "the texts have not been read (`rubricator read`): people's labels are not counted"
        elif self.judged_again:
            labels = f"{plural(self.stale_reviews, 'review')} and {plural(self.golden, 'golden label')}"
            yield f"people: {labels} say nothing sure of {', '.join(self.judged_again)} any more"
        if self.unreadable:
            texts = plural(self.unreadable, "golden text")
            yield f"{texts} have a key that goes: their file must be migrated"
        yield f"heads to train anew: {', '.join(self.heads) or 'none'}"


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that was made.

    Attributes:
        version: The new version.
        map_file: The table that carries old labels over; None where no key is gone.
        carried: Reviews that were carried over.
        golden_file: The golden set, where it names a key that is gone.
    """

    version: Version
    plan: ChangePlan
    map_file: Path | None
    carried: int
    golden_file: Path | None = None

    def next_steps(self, *, applied: bool = False) -> Iterator[str]:
        """What is left to do, as commands; where the change is `applied`, the model follows already."""
        if self.carried:
            yield f"{plural(self.carried, 'review')} carried over to the new keys"
        if self.map_file is not None:
            files = self.golden_file or "FILE…"
            yield f"carry files of labels over: rubricator category migrate {self.map_file} {files}"
        if self.plan.judged_again:
            yield "judge again what changed: rubricator review --stale"
        if not applied:
            yield "bring the model up to the list: rubricator category apply (all of it anew: rubricator run)"


def taxonomy_file(run: Run) -> Path:
    """Where the list of a run stands."""
    return run.config.path(run.config.taxonomy)


def run_of_list(config: Config, folder: Path | None = None) -> Run:
    """The run of some settings, with its list as it is now; none of its stages need have been done.

    Raises:
        TaxonomyError: The list cannot be read.
    """
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    return Run(config, taxonomy, folder or Path(RUNS) / config.name)


def plan_change(run: Run, make: Make) -> ChangePlan:
    """Work out what a change would cost; nothing is written.

    Raises:
        TaxonomyError: The change cannot be made.
        StoreError: The database refused.
    """
    before, history = _as_it_is(run)
    return _plan(run, before, make(before, history.retired(before)), history)


def prospect(run: Run, make: Make) -> tuple[Run, History]:
    """The run with the list that a change would make, and the history that it would have; nothing is written.

    Raises:
        TaxonomyError: The change cannot be made.
    """
    before, history = _as_it_is(run)
    change = make(before, history.retired(before))
    then = history.followed_by(_next(history, before, change))
    return replace(run, taxonomy=change.after), then


def _as_it_is(run: Run) -> tuple[Taxonomy, History]:
    """The list of today and its history, with what was changed by hand."""
    history = History.beside(taxonomy_file(run))
    before = Taxonomy.read(taxonomy_file(run))
    if version := history.caught_up(before):
        history = history.followed_by(version)
    return before, history


def _next(history: History, before: Taxonomy, change: Change) -> Version:
    return history.next(
        before,
        change.after,
        change.about,
        renamed=change.renamed,
        same_meaning=change.same_meaning,
        meanings=change.meanings,
    )


def apply_change(run: Run, make: Make, *, by: str) -> Changed:
    """Make a change: the list gets a new version, reviews are carried over where that is certain.

    Raises:
        TaxonomyError: The change cannot be made, or somebody else makes one; the list is as it was.
        StoreError: The database refused; where the list is changed already, `category migrate --reviews` does
            the rest.
    """
    with changing(taxonomy_file(run), by=by) as held:
        change = make(held.taxonomy, held.history.retired(held.taxonomy))
        source = edited(held.source, change.after, renamed=change.renamed)
        return _commit(run, held, change, source)


def roll_back(run: Run, number: str, *, by: str) -> Changed:
    """Bring a former version back, as a new one: the history stays whole.

    Raises:
        TaxonomyError: There is no such version, its file is gone or changed, or it is the list of today.
        StoreError: The database refused.
    """
    with changing(taxonomy_file(run), by=by) as held:
        history, now = held.history, held.taxonomy
        version = history.named(number)
        source = history.source(version)
        if version.digest == now.version:
            raise TaxonomyError(
                f"The list is what it was in version {version.number} already.",
                fix="`rubricator category history` lists the others.",
            )
        after, meanings = history.taxonomy(version), history.meanings(now)
        # A category that was renamed since goes back to its key, with its labels.
        same = {concept(meaning): key for key, meaning in version.meanings.items()}
        back = {key: same.get(concept(meanings[key])) for key in now.keys if key not in after.keys}
        moved = {key: () if old is None else (old,) for key, old in back.items()}
        renamed = {old: key for key, old in back.items() if old is not None}
        change = Change(after, f"rolled back to {version.number}", renamed, moved, meanings=version.meanings)
        return _commit(run, held, change, source)


def _commit(run: Run, held: Changing, change: Change, source: str) -> Changed:
    plan = _plan(run, held.taxonomy, change, held.history)
    if golden := _golden(run, held.taxonomy):
        write_golden_stamps(held.history, stamped_golden(held.history, golden))
    version = held.commit(
        source,
        change.about,
        moved=change.moved,
        renamed=change.renamed,
        same_meaning=change.same_meaning,
        meanings=change.meanings,
    )
    return _changed(run, held, plan, version)


def _changed(run: Run, held: Changing, plan: ChangePlan, version: Version) -> Changed:
    map_file = _write_map(held.history, version) if version.moved else None
    carried = 0
    if plan.texts is not None and version.moved:
        carried = carry_reviews(run, KeyMap.of(version.moved), held.taxonomy, held.history)
    golden = run.config.golden.file if plan.unreadable else None
    return Changed(version, plan, map_file, carried, run.config.path(golden) if golden else None)


def _write_map(history: History, version: Version) -> Path:
    path = history.folder / f"{version.number}.map.tsv"
    with open_writer(path, COLUMNS) as writer:
        writer.write(rows_of(version.moved))
    return path


def _plan(run: Run, before: Taxonomy, change: Change, history: History) -> ChangePlan:
    after, difference = change.after, compare(before, change.after, renamed=change.renamed)
    version = _next(history, before, change)
    dataset = _dataset(run)
    stale: list[StaleLabel] = []
    stored: dict[str, int] = {}
    unreadable = 0
    if dataset is not None:
        with open_store(run) as store:
            reviews = read_reviews(store, dataset.texts, before)
            stored = _stored(run, store)
        found, then = KeyMap.of(change.moved), history.followed_by(version)
        reviews = {id_: carried_review(one, found, after, then) or one for id_, one in reviews.items()}
        stale = stale_labels(dataset, reviews, after, then, stamped_golden(history, dataset.golden))
        unreadable = sum(any(key in change.moved for key in keys) for keys in dataset.golden.values())
    again = {key for one in stale for key in one.categories}
    return ChangePlan(
        about=change.about,
        before=history.shown(before),
        major=version.number.endswith(".0"),
        sentences=difference.sentences,
        teachers=tuple(teacher_effects(run.config, before, change, stored)),
        texts=None if dataset is None else len(dataset.texts),
        stale_reviews=sum(not one.golden for one in stale),
        golden=sum(one.golden for one in stale),
        unreadable=unreadable,
        judged_again=tuple(key for key in after.keys if key in again),
        heads=_heads(difference, after, change),
        moved=change.moved,
    )


def _heads(difference: Difference, after: Taxonomy, change: Change) -> tuple[str, ...]:
    """Categories whose head must learn anew: where exactly one is right they learn together."""
    touched = {*difference.added, *difference.meaning, *difference.rules} - set(change.same_meaning)
    touched |= {new for moved in change.moved.values() for new in moved if new not in change.renamed}
    if after.single and (touched or difference.removed):
        return after.keys if set(difference.removed) - set(change.renamed.values()) or touched else ()
    return tuple(key for key in after.keys if key in touched - set(change.renamed))


def _stored(run: Run, store: Store) -> dict[str, int]:
    return {one.name: sum(1 for _ in store.answers(one.name)) for one in run.config.label.teachers}


def _dataset(run: Run) -> Dataset | None:
    """The texts of the run, or None where they have not been read."""
    try:
        return files.read_dataset(run.folder)
    except (RubricatorError, OSError) as error:
        log.info("the texts of %s have not been read: %s", run.folder, error)
        return None


def _golden(run: Run, taxonomy: Taxonomy) -> Mapping[str, tuple[str, ...]]:
    """Golden labels, as read and as their file is now; nothing where neither can be read."""
    dataset = _dataset(run)
    golden = {} if dataset is None else dict(dataset.golden)
    if run.config.golden.file is not None:
        path = run.config.path(run.config.golden.file)
        try:
            rows = (row for batch in open_table(path).rows() for row in batch)
            ids = {written(row.cells.get("id")) for row in rows}
            golden |= read_golden(path, ids=ids, taxonomy=taxonomy)
        except RubricatorError as error:
            log.warning("golden labels are not stamped with a version: %s", error.problem)
    return golden
