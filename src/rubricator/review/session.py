"""One person's review: texts are put before them, every answer is stored at once, and answers are counted.

Nothing is asked of the teachers here: what they answered and the reviews so far make the labels that are
reviewed. The label stage takes the reviews in when it next runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from rubricator.dataset.dataset import Dataset
from rubricator.dataset.files import ANSWERS
from rubricator.dataset.labels import LabelSet
from rubricator.dataset.reviews import Review
from rubricator.dataset.split import TEACHING_PARTS, DatasetSplit
from rubricator.errors import DataError
from rubricator.records import Answer, Origin, Text
from rubricator.review.estimates import ReviewProgress, measure_progress
from rubricator.review.files import Parse, read_rows, reviews_in_rows, write_questions
from rubricator.review.question import Question
from rubricator.review.reviews import (
    answer_of,
    judged,
    key_of,
    newer,
    read_reviews,
    review_of,
    stored_reviews,
)
from rubricator.review.selection import RANDOM_SHARE, Pick, gain, pick
from rubricator.review.stale import stale_labels, unknown_reviews
from rubricator.review.uncertainty import ReviewContext
from rubricator.stats.arrays import Floats
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import History

if TYPE_CHECKING:  # half a second to import
    from rubricator.store import Store

Order = Literal["gain", "random"]
_LISTED = 5


@dataclass
class ReviewSession:
    """One person's review of the labels that the label stage left.

    `context` gathers what the choice of texts stands on, with the reviews so far; `seed` draws the random
    share of them; `history` tells which labels were given when a category meant something else.
    """

    by: str
    store: Store
    dataset: Dataset
    split: DatasetSplit
    label_set: LabelSet
    taxonomy: Taxonomy
    context: Callable[[], ReviewContext]
    parse: Parse
    seed: int
    history: History | None = None
    _earlier: dict[str, Answer | None] = field(default_factory=dict, init=False)

    def questions(self, count: int, *, order: Order = "gain") -> list[Question]:
        """The next texts worth a person's minute; fewer than `count` if fewer are left.

        They come by expected gain with a random share, or all at random: a golden set in the making. Texts
        of the test part and golden ones are left out: the first would teach nobody, the second have a
        person's label.
        """
        reviews, context = self._reviews(), self.context()
        picks = pick(
            context.posterior,
            context.decided,
            np.stack([one.probabilities for one in context.opinions]),
            context.vectors,
            context.groups,
            reviewed=[row for row, text in enumerate(self.dataset.texts) if not self._is_open(text, reviews)],
            count=count,
            space=self.taxonomy.space,
            seed=self.seed + len(reviews),
            random_share=1.0 if order == "random" else RANDOM_SHARE,
        )
        return [context.question(one) for one in picks]

    def questions_about(self, ids: Sequence[str]) -> list[Question]:
        """Questions about those of these texts that are open, in the order of the list.

        Whoever chose them chose by what they saw: nothing here counts as drawn at random.

        Raises:
            DataError: No text has one of the ids.
        """
        if unknown := [text_id for text_id in dict.fromkeys(ids) if text_id not in self._row]:
            raise DataError(
                f"No text of the run has {len(unknown):,} of the ids: {', '.join(unknown[:_LISTED])}"
                + (", …" if len(unknown) > _LISTED else "."),
                fix="Take ids from this run: one on each line.",
            )
        reviews, context = self._reviews(), self.context()
        gains = gain(
            context.posterior,
            context.decided,
            np.stack([one.probabilities for one in context.opinions]),
            self.taxonomy.space,
        )
        rows = [self._row[text_id] for text_id in dict.fromkeys(ids)]
        asked = [row for row in rows if self._is_open(self.dataset.texts[row], reviews)]
        return [context.question(Pick(row, "gain", float(gains[row]))) for row in asked]

    def stale_questions(self, count: int | None = None) -> list[Question]:
        """Texts whose label people must give again, because a category changed or came since; all of them.

        Raises:
            StoreError: The database refused.
            TaxonomyError: The history of the list cannot be read.
        """
        if self.history is None:
            return []
        stale = stale_labels(self.dataset, self._reviews(), self.taxonomy, self.history)
        return [one.question for one in stale][:count]

    def unknown_reviews(self) -> int:
        """How many reviews were given under a version of the list that nobody recorded.

        Raises:
            StoreError: The database refused.
        """
        return unknown_reviews(self._reviews(), self.taxonomy, self.history) if self.history else 0

    def answer(
        self, question: Question, categories: Collection[str], *, seconds: float | None = None
    ) -> None:
        """Store the keys that the person chose, and how long it took; they are safe when this returns.

        Raises:
            DataError: The categories do not fit the taxonomy.
            StoreError: The database refused.
        """
        review = Review(
            text_id=question.text.id,
            judged=judged(categories, self.taxonomy),
            by=self.by,
            chosen=question.chosen,
            shown=question.shown,
            before=question.suggested,
            probability=question.probability,
            seconds=seconds,
            taxonomy=self.taxonomy.version,
        )
        key = key_of(question.text.content, self.taxonomy)
        stored = self.store.find([key]).get(key)
        self._earlier.setdefault(key, stored)
        self.store.save([self._answer(review, question.text, stored)])

    def undo(self, question: Question) -> bool:
        """Put back what was stored about a text before this session; False if nothing was answered.

        Raises:
            StoreError: The database refused.
        """
        key = key_of(question.text.content, self.taxonomy)
        if key not in self._earlier:
            return False
        earlier = self._earlier.pop(key)
        if earlier is None:
            self.store.remove([key])
        else:
            self.store.save([earlier])
        return True

    def progress(self) -> ReviewProgress:
        """What the reviews so far tell about the labels that nobody has looked at.

        Raises:
            StoreError: The database refused.
        """
        reviews = self._reviews()
        unseen = [self._is_open(text, reviews) for text in self.dataset.texts]
        answers = {(review.text_id, review.when): review for review in reviews.values()}
        return measure_progress(list(answers.values()), self._doubts[np.array(unseen, dtype=bool)])

    def write(self, path: Path, questions: Sequence[Question]) -> list[Path]:
        """Write texts for people to label (see `write_questions`)."""
        return write_questions(path, questions, self.taxonomy)

    def take(self, path: Path, *, again: bool = False) -> int:
        """Store the answers in a table, in Label Studio's JSON or in another run, and count the new ones.

        Of a file all are stored or none; one that says the same as the stored one of the same person is not
        new, unless it was given under another version of the list. Where labels are judged `again`, rows that
        name no version are of the list of today. A run is named by its folder or its database: its answers
        stay those of whoever gave them, and where both have one the later counts.

        Raises:
            DataError: The file cannot be read, or anything in it is wrong; all faults are listed.
            StoreError: The database refused.
        """
        if path.is_dir() or path.suffix == Path(ANSWERS).suffix:
            return self._take_along(path / ANSWERS if path.is_dir() else path)
        texts = {text.id: text for text in self.dataset.texts}
        reviews = reviews_in_rows(
            read_rows(path),
            parse=self.parse,
            taxonomy=self.taxonomy,
            ids=texts,
            by=self.by,
            where=str(path),
            version=self.taxonomy.version if again else None,
        )
        reviews = [self._of_its_time(review) for review in reviews]
        keys = [key_of(texts[review.text_id].content, self.taxonomy) for review in reviews]
        stored = self.store.find(keys)
        answers = [
            self._answer(review, texts[review.text_id], stored.get(key))
            for review, key in zip(reviews, keys, strict=True)
        ]
        new = [answer for answer in answers if not _same(answer, stored.get(answer.key))]
        self.store.save(new)
        return len(new)

    def _of_its_time(self, review: Review) -> Review:
        """The review without a "no" to categories that came after the version it was given under."""
        versions = self.history.of_stamp(review.taxonomy) if self.history else []
        if self.history is None or not versions or self.taxonomy.single:
            return review
        came = self.history.added_since(versions[-1], self.taxonomy)
        asked = {key: yes for key, yes in review.judged.items() if yes or key not in came}
        return replace(review, judged=asked)

    def _take_along(self, place: Path) -> int:
        if not place.is_file():
            raise DataError(
                f"There are no answers at {place}.", fix="Name the folder of a run whose texts were reviewed."
            )
        from rubricator.store import Store

        with Store.open(place) as other:
            answers = stored_reviews(other, self.dataset.texts, self.taxonomy)
        new = newer(answers, self.store.find(list(answers)))
        self.store.save(new)
        return len(new)

    def _answer(self, review: Review, text: Text, stored: Answer | None) -> Answer:
        """What to store: an answer given blind is told beside the label that the person did not see."""
        if review.shown == "blind":
            before, probability = self._label_of(text, None if stored is None else review_of(stored))
            review = replace(review, before=before, probability=probability)
        return answer_of(review, text.content, self.taxonomy)

    def _label_of(self, text: Text, earlier: Review | None) -> tuple[tuple[str, ...] | None, float | None]:
        if earlier is not None:  # by now the label may be what the person said
            return earlier.before, earlier.probability
        label = self.label_set.labels.get(text.id)
        if label is None or label.origin is not Origin.AGREEMENT:
            return None, None
        return label.categories, float(1 - self._doubts[self._row[text.id]])

    @cached_property
    def _row(self) -> dict[str, int]:
        return {text.id: row for row, text in enumerate(self.dataset.texts)}

    @cached_property
    def _doubts(self) -> Floats:
        """How probably each label is wrong, shape [texts]; 1 without a label."""
        targets = self.label_set.targets
        right = self.taxonomy.space.confidence(targets, self.label_set.decided)
        return np.asarray(np.where(np.isfinite(targets).all(axis=1), 1 - right, 1.0))

    def _reviews(self) -> dict[str, Review]:
        return read_reviews(self.store, self.dataset.texts, self.taxonomy)

    def _is_open(self, text: Text, reviews: Collection[str]) -> bool:
        """True if a person may be asked about the text, and was not."""
        return (
            text.id not in reviews
            and text.id not in self.dataset.golden
            and self.split.part[text.id] in TEACHING_PARTS
        )


def _same(answer: Answer, stored: Answer | None) -> bool:
    return (
        stored is not None
        and (answer.teacher, answer.scores) == (stored.teacher, dict(stored.scores))
        # The same answer under a newer list is a new one: it says that the label still holds.
        and answer.taxonomy in ("", stored.taxonomy)
    )
