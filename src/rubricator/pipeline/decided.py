"""What editors' decisions are to a challenger: texts to learn from, and texts to be measured on.

A text measures if it was drawn by lot and judged blind since the champion was made, and neither it nor a
near-duplicate can have taught the champion. The challenger never gets to see it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rubricator.artifact import Manifest
from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.reviews import Review
from rubricator.dataset.split import TEACHING_PARTS, SplitPart
from rubricator.encode.vectors import encode_texts
from rubricator.errors import DataError
from rubricator.ingest.duplicates import group_duplicates
from rubricator.pages.formatting import plural
from rubricator.pipeline.kept_parts import kept_parts
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import Run
from rubricator.records import Text, content_hash
from rubricator.review.feedback import Decision, replaces, review_of_decision
from rubricator.review.reviews import read_reviews
from rubricator.taxonomy.versions import History


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedText:
    """A text with the review that counts of those that editors gave it.

    Attributes:
        group: Of its near-duplicates, under the name that the run has for them.
        parts: Parts of the near-duplicates that the run has, its own among them.
        known: Whether the run has the text itself.
        new: Whether it was decided on since the champion was made.
    """

    text: Text
    review: Review
    group: str
    parts: frozenset[SplitPart]
    known: bool
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a challenger learns from and what it is measured on.

    Attributes:
        measured: Blind reviews that neither model learns from.
        teaching: Corrections that it learns from, besides all that the run has.
        own: Reviews that the run itself got since the champion was made, by `rubricator review`.
        notes: What was left out and why, one sentence each.
    """

    measured: tuple[DecidedText, ...]
    teaching: tuple[DecidedText, ...]
    own: int
    notes: tuple[str, ...]

    @property
    def new(self) -> int:
        """How many corrections came since the champion was made that a challenger may learn from."""
        return sum(one.new for one in self.teaching) + self.own


def gather(
    run: Run,
    decisions: Sequence[Decision],
    champion: Manifest,
    history: History,
    *,
    since: datetime | None = None,
    share: float = 1.0,
) -> Material:
    """Sort decisions, in the order in which they were made, into what teaches and what measures.

    Args:
        run: Its texts are read and split.
        decisions: Of editors, in the order in which they were made.
        champion: What the challenger is to be compared with.
        history: Of the list of categories.
        since: Reviews from before do not measure.
        share: The newest so large a share of the reviews that could measure does; the others teach.

    Raises:
        EncoderError: Duplicates are found by embeddings, and there is no encoder.
        StoreError: The database of the run refused.
    """
    reviews, unusable = _reviews(decisions, run, history)
    dataset = files.read_dataset(run.folder)
    texts = _texts(reviews, decisions, dataset)
    kept = kept_parts(run, dataset)
    split = kept or files.read_split(run.folder)
    decided = _decided(texts, reviews, dataset, run, split.part, champion.created)
    first = _first_reviewed(decided, decisions, run)
    learnt_from = _learnt_from(run, dataset, champion, known=kept is not None)
    blind = [one for one in decided if one.review.measures and one.new]
    fresh = [one for one in blind if first[one.group] > champion.created and not one.parts & learnt_from]
    recent = sorted(
        (one for one in fresh if since is None or one.review.when >= since), key=lambda one: one.review.when
    )
    measured = recent[len(recent) - round(share * len(recent)) :]
    held = {one.group for one in measured}
    teaching = [
        one
        for one in decided
        if one.group not in held
        and one.text.id not in dataset.golden
        and len(one.parts) < 2
        and _teaches(one)
    ]
    notes = list(unusable)
    if spent := len(blind) - len(fresh):
        notes.append(
            f"{plural(spent, 'blind review')} cannot measure: the champion may have learnt from the text or "
            "from a near-duplicate, or it was decided on before."
        )
    if twins := sum(one.group in held for one in decided) - len(measured):
        notes.append(f"{plural(twins, 'correction')} of near-duplicates of texts that measure: left out.")
    if tying := sum(len(one.parts) > 1 for one in decided):
        notes.append(
            f"{plural(tying, 'correction')} of texts that are like texts of several parts: left out."
        )
    if golden := sum(one.text.id in dataset.golden for one in decided):
        notes.append(f"{plural(golden, 'correction')} of golden texts: golden labels stay.")
    own = _own_reviews(run, dataset, split.part, champion.created, {one.text.content for one in decided})
    return Material(measured=tuple(measured), teaching=tuple(teaching), own=own, notes=tuple(notes))


def _reviews(
    decisions: Sequence[Decision], run: Run, history: History
) -> tuple[dict[str, Review], tuple[str, ...]]:
    """The review that counts, by content; and why other decisions make none."""
    reviews: dict[str, Review] = {}
    unusable: Counter[str] = Counter()
    for one in decisions:
        try:
            review = review_of_decision(one, run.taxonomy, history)
        except DataError as error:
            unusable[error.problem] += 1
            continue
        if one.content not in reviews or replaces(review, reviews[one.content]):
            reviews[one.content] = review
    return reviews, tuple(
        f"{plural(count, 'decision')} left out: {problem}" for problem, count in unusable.most_common(5)
    )


def _texts(reviews: Mapping[str, Review], decisions: Sequence[Decision], dataset: Dataset) -> dict[str, Text]:
    """The text of each content: the run's, or one that is made of the decision."""
    texts = {text.content: text for text in reversed(dataset.texts) if text.content in reviews}
    ids, sources = {text.id for text in dataset.texts}, {one.content: one.source for one in decisions}
    for content, review in reviews.items():
        if content not in texts:
            id_ = review.text_id
            if id_ in ids:  # ids of the service and of the run have nothing to do with one another
                id_ = f"{id_} {content_hash('decided:1', content)[:12]}"
            ids.add(id_)
            texts[content] = Text(id=id_, body=content, content=content, source=sources[content])
    return texts


def _decided(
    texts: Mapping[str, Text],
    reviews: Mapping[str, Review],
    dataset: Dataset,
    run: Run,
    part: Mapping[str, SplitPart],
    made: datetime,
) -> list[DecidedText]:
    """Each text with its group; of the run's own texts the groups stay as they are."""
    fresh = [text for content, text in texts.items() if text.id not in dataset.groups]
    joined = [*dataset.texts, *fresh]
    by_vectors = run.config.duplicates.method == "embeddings"
    vectors = encode_texts(joined, run.config, progress=run.progress) if by_vectors and fresh else None
    together = (
        group_duplicates(joined, run.config.duplicates, vectors=vectors, progress=run.progress).of
        if fresh
        else {}
    )
    old_groups: dict[str, dict[str, None]] = defaultdict(dict)
    parts: dict[str, set[SplitPart]] = defaultdict(set)
    for text in dataset.texts:
        parts[dataset.groups[text.id]].add(part[text.id])
        if fresh:
            old_groups[together[text.id]].setdefault(dataset.groups[text.id])
    decided = []
    for content, text in texts.items():
        known = text.id in dataset.groups
        groups = [dataset.groups[text.id]] if known else list(old_groups.get(together[text.id], ()))
        review = reviews[content]
        decided.append(
            DecidedText(
                text=text,
                review=review,
                group=groups[0] if groups else together[text.id],
                parts=frozenset(one for group in groups for one in parts[group]),
                known=known,
                new=review.when > made,
            )
        )
    return decided


def _first_reviewed(
    decided: Sequence[DecidedText], decisions: Sequence[Decision], run: Run
) -> dict[str, datetime]:
    """When anybody first decided on a text of each group, by these decisions or by the reviews of the run.

    The run keeps the reviews that earlier challengers learnt from, whether their decisions came along or not.
    """
    group = {one.text.content: one.group for one in decided}
    with open_store(run) as store:
        reviews = read_reviews(store, [one.text for one in decided], run.taxonomy)
    moments = [(group[one.content], one.when) for one in decisions if one.content in group]
    moments += [(one.group, reviews[one.text.id].when) for one in decided if one.text.id in reviews]
    first: dict[str, datetime] = {}
    for name, when in sorted(moments, key=lambda moment: moment[1]):
        first.setdefault(name, when)
    return first


def _learnt_from(run: Run, dataset: Dataset, champion: Manifest, *, known: bool) -> frozenset[SplitPart]:
    """Parts of the run that the champion may have learnt from: all, unless it is surely of this run."""
    if run.config.train.refit == "all" or not known or champion.data_fingerprint != dataset.fingerprint:
        return frozenset[SplitPart]({"train", "validation", "test", "left_out"})
    return TEACHING_PARTS


def _teaches(one: DecidedText) -> bool:
    return not one.parts or bool(one.parts & TEACHING_PARTS)


def _own_reviews(
    run: Run, dataset: Dataset, part: Mapping[str, SplitPart], made: datetime, decided: set[str]
) -> int:
    texts = [
        text for text in dataset.texts if part[text.id] in TEACHING_PARTS and text.content not in decided
    ]
    content = {text.id: text.content for text in texts}
    with open_store(run) as store:
        reviews = read_reviews(store, texts, run.taxonomy)
    return len({content[id_] for id_, review in reviews.items() if review.when > made})
