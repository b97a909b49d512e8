"""Changes of the list of categories: what each would cost, and making it; training comes after it.

From `plan_change` the work that follows is read: which teachers are asked what (`TeacherEffect.asks`), and
which categories' heads learn anew (`ChangePlan.heads`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rubricator.config import Config
from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.reviews import Review
from rubricator.errors import RubricatorError, TaxonomyError
from rubricator.pages.formatting import plural
from rubricator.pipeline.category_teachers import TeacherEffect, teacher_effects
from rubricator.pipeline.label import open_store
from rubricator.pipeline.migrate import carry_reviews
from rubricator.pipeline.stage import RUNS, Run
from rubricator.review.reviews import read_reviews
from rubricator.review.stale import stale_labels, stamp_golden
from rubricator.tables.reading import open_writer
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.changes import Change
from rubricator.taxonomy.differences import Difference, compare
from rubricator.taxonomy.key_map import COLUMNS, KeyMap, Target, rows_of
from rubricator.taxonomy.source_edit import edited
from rubricator.taxonomy.versions import Changing, History, Version, changing

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
        open_reviews: Reviews that no longer tell a whole label.
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
    open_reviews: int
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
        if self.open_reviews:
            yield f"people: {plural(self.open_reviews, 'review')} no longer tell a whole label"
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

    def next_steps(self) -> Iterator[str]:
        """What is left to do, as commands."""
        if self.carried:
            yield f"{plural(self.carried, 'review')} carried over to the new keys"
        if self.map_file is not None:
            yield f"carry files of labels over: rubricator category migrate {self.map_file} {self.golden_file or 'FILE…'}"
        if self.plan.judged_again and (self.plan.golden or self.plan.stale_reviews or self.plan.open_reviews):
            yield "judge again what changed: rubricator review --stale"
        yield "ask the teachers and train: rubricator run"


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
    history = History.beside(taxonomy_file(run))
    before = Taxonomy.read(taxonomy_file(run))
    return _plan(run, before, make(before, history.retired(before)), history)


def apply_change(run: Run, make: Make, *, by: str) -> Changed:
    """Make a change: the list gets a new version, reviews are carried over where that is certain.

    Raises:
        TaxonomyError: The change cannot be made, or somebody else makes one; the list is as it was.
        StoreError: The database refused; the list is changed, `carry_reviews` with its map does the rest.
    """
    with changing(taxonomy_file(run), by=by) as held:
        before = held.taxonomy
        change = make(before, held.history.retired(before))
        plan = _plan(run, before, change, held.history)
        stamp_golden(held.history, _golden(run))
        source = edited(held.source, change.after, renamed=change.renamed)
        version = held.commit(
            source,
            change.about,
            moved=change.moved,
            renamed=change.renamed,
            same_meaning=change.same_meaning,
        )
        return _changed(run, held, plan, version)


def roll_back(run: Run, number: str, *, by: str) -> Changed:
    """Bring a former version back, as a new one: the history stays whole.

    Raises:
        TaxonomyError: There is no such version, its file is gone or changed, or it is the list of today.
        StoreError: The database refused.
    """
    with changing(taxonomy_file(run), by=by) as held:
        version = held.history.named(number)
        source = held.history.source(version)
        if version.digest == held.taxonomy.version:
            raise TaxonomyError(
                f"The list is what it was in version {version.number} already.",
                fix="`rubricator category history` lists the others.",
            )
        after = held.history.taxonomy(version)
        gone = {key: () for key in held.taxonomy.keys if key not in after.keys}
        change = Change(after, f"rolled back to {version.number}", moved=gone)
        plan = _plan(run, held.taxonomy, change, held.history)
        stamp_golden(held.history, _golden(run))
        new = held.commit(source, change.about, moved=gone, meanings=version.meanings)
        return _changed(run, held, plan, new)


def _changed(run: Run, held: Changing, plan: ChangePlan, version: Version) -> Changed:
    map_file = _write_map(held.history, version) if version.moved else None
    carried = 0
    if plan.texts is not None and version.moved:
        targets = {old: Target(new) for old, new in version.moved.items()}
        carried = carry_reviews(run, KeyMap(targets), held.taxonomy, held.history)
    golden = run.config.golden.file if plan.unreadable else None
    return Changed(version, plan, map_file, carried, run.config.path(golden) if golden else None)


def _write_map(history: History, version: Version) -> Path:
    path = history.folder / f"{version.number}.map.tsv"
    with open_writer(path, COLUMNS) as writer:
        writer.write(rows_of(version.moved))
    return path


def _plan(run: Run, before: Taxonomy, change: Change, history: History) -> ChangePlan:
    after, difference = change.after, compare(before, change.after)
    changed = tuple(key for key in difference.meaning if key not in change.same_meaning)
    fresh = [key for key in difference.added if key not in change.renamed]
    again = tuple(key for key in after.keys if key in changed or key in fresh)
    dataset = _dataset(run)
    stale = opened = golden = unreadable = 0
    stored: dict[str, int] = {}
    if dataset is not None:
        with open_store(run) as store:
            reviews = _answers(read_reviews(store, dataset.texts, before))
            stored = _stored(run, store)
        stale = sum(any(key in review.judged for key in changed) for review in reviews)
        opened = sum(_opens(review, change) for review in reviews)
        golden = len(dataset.golden) if again else 0
        unreadable = sum(any(key in change.moved for key in keys) for keys in dataset.golden.values())
    return ChangePlan(
        about=change.about,
        before=history.shown(before),
        major=bool(difference.removed or changed),
        sentences=difference.sentences,
        teachers=tuple(teacher_effects(run.config, before, change, stored)),
        texts=None if dataset is None else len(dataset.texts),
        stale_reviews=stale,
        open_reviews=opened,
        golden=golden,
        unreadable=unreadable,
        judged_again=again,
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


def _opens(review: Review, change: Change) -> bool:
    """Whether a review that told a whole label does so no longer."""
    targets = {old: Target(new) for old, new in change.moved.items()}
    carried = KeyMap(targets).judged(review.judged, change.after)
    if change.after.single:
        return not any(carried.values())
    return len(carried) < len(change.after.keys)


def _answers(reviews: Mapping[str, Review]) -> list[Review]:
    """People's answers, each once: texts of one content share theirs."""
    return list({(review.text_id, review.when): review for review in reviews.values()}.values())


def _stored(run: Run, store: Store) -> dict[str, int]:
    return {one.name: sum(1 for _ in store.answers(one.name)) for one in run.config.label.teachers}


def _dataset(run: Run) -> Dataset | None:
    """The texts of the run, or None where they have not been read."""
    try:
        return files.read_dataset(run.folder)
    except (RubricatorError, OSError) as error:
        log.info("the texts of %s have not been read: %s", run.folder, error)
        return None


def _golden(run: Run) -> Mapping[str, tuple[str, ...]]:
    dataset = _dataset(run)
    return {} if dataset is None else dataset.golden


def stale_counts(run: Run) -> dict[str, int]:
    """How many texts people must judge again, by category key.

    Raises:
        StoreError: The database refused.
    """
    dataset = files.read_dataset(run.folder)
    with open_store(run) as store:
        reviews = read_reviews(store, dataset.texts, run.taxonomy)
    stale = stale_labels(dataset, reviews, run.taxonomy, History.beside(taxonomy_file(run)))
    return {key: count for key in run.taxonomy.keys if (count := sum(key in one.categories for one in stale))}
