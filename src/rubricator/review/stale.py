"""Labels of people that were given when a category meant something else, or was not there yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from rubricator.dataset.dataset import Dataset
from rubricator.dataset.reviews import Review, label_of
from rubricator.errors import TaxonomyError
from rubricator.records import Text
from rubricator.review.question import Question
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import History
from rubricator.whole_files import whole_file

_FILE = "golden.json"
Labels = Mapping[str, tuple[str, ...]]
"""Category keys by text id."""


@dataclass(frozen=True, slots=True)
class GoldenStamp:
    """Under which version of the list a golden text was labelled, and how: other labels are newer ones."""

    labels: tuple[str, ...]
    version: str


_STAMPS = TypeAdapter(dict[str, GoldenStamp])


@dataclass(frozen=True, slots=True)
class StaleLabel:
    """A person's label that some categories ask for anew.

    Attributes:
        categories: Keys to judge again, in the order of the list.
        labels: What the person said, of the categories of today.
        golden: Whether it stands in the golden set; else it is a review.
        blind: Whether it measures, and so must be asked again without showing it.
    """

    text: Text
    categories: tuple[str, ...]
    labels: tuple[str, ...]
    golden: bool
    blind: bool

    @property
    def question(self) -> Question:
        """The text put before a person again, with what was said of it where that may be seen."""
        if self.blind:
            return Question(text=self.text, chosen="random", stale=self.categories)
        return Question(text=self.text, chosen="gain", suggested=self.labels, stale=self.categories)


def stale_labels(
    dataset: Dataset,
    reviews: Mapping[str, Review],
    taxonomy: Taxonomy,
    history: History,
    stamps: Mapping[str, GoldenStamp] | None = None,
) -> list[StaleLabel]:
    """Golden texts and reviewed ones with the categories that changed since, each content once.

    A review counts by the version it is stamped with, a golden label by the one that was there when it was
    first seen; a golden text that was reviewed since is settled. Where the version of a review is not known
    nothing can be said: see `unknown_reviews`. `stamps` are those of the golden set, by default as stored.

    Raises:
        TaxonomyError: The stamps of the golden set cannot be read.
    """
    stamps = read_golden_stamps(history) if stamps is None else stamps
    found: dict[str, StaleLabel] = {}
    for text in dataset.texts:
        review = reviews.get(text.id)
        of_review = None if review is None else _of_review(review, taxonomy, history)
        if text.id in dataset.golden:
            labels = dataset.golden[text.id]
            if review is not None and settles(review, taxonomy, history):  # judged again since
                continue
            keys = _of_golden(text.id, labels, stamps, taxonomy, history)
            blind = True  # golden labels measure, as long as nobody sees a suggestion
        elif review is not None and of_review:
            labels = tuple(key for key in taxonomy.keys if review.judged.get(key))
            keys, blind = of_review, review.measures
        else:
            continue
        if keys:
            ordered = tuple(key for key in taxonomy.keys if key in keys)
            golden = text.id in dataset.golden
            found.setdefault(text.content, StaleLabel(text, ordered, labels, golden, blind))
    return list(found.values())


def unjudged_golden(golden: Labels, taxonomy: Taxonomy, history: History) -> frozenset[str]:
    """Golden texts labelled before a category came that they may have: their labels are not whole.

    As with reviews: nobody was asked whether they belong there, and taken for a "no" they would teach and
    measure that hardly any text does.

    Raises:
        TaxonomyError: The stamps of the golden set cannot be read.
    """
    stamps = read_golden_stamps(history)
    return frozenset(
        id_ for id_, labels in golden.items() if _came_since(id_, labels, stamps, taxonomy, history)
    )


def with_judged_golden(
    dataset: Dataset, reviews: Mapping[str, Review], taxonomy: Taxonomy, history: History
) -> tuple[Dataset, int]:
    """The dataset with golden labels that are whole: what was judged again, and without what was not.

    Returns:
        The dataset, and how many golden labels were left out.

    Raises:
        TaxonomyError: The stamps of the golden set cannot be read.
    """
    unjudged = unjudged_golden(dataset.golden, taxonomy, history)
    again = {
        id_: label
        for id_ in unjudged
        if id_ in reviews
        and settles(reviews[id_], taxonomy, history)
        and (label := label_of(reviews[id_], taxonomy)) is not None
    }
    left_out = unjudged - set(again)
    golden = {id_: again.get(id_, keys) for id_, keys in dataset.golden.items() if id_ not in left_out}
    return replace(dataset, golden=golden), len(left_out)


def settles(review: Review, taxonomy: Taxonomy, history: History) -> bool:
    """Whether a review says of every category of today what it means today.

    So does one that was given before keywords, say, were added; one whose version nobody knows does not.
    """
    return history.stale(review.taxonomy, taxonomy) == frozenset() and label_of(review, taxonomy) is not None


def unknown_reviews(reviews: Mapping[str, Review], taxonomy: Taxonomy, history: History) -> int:
    """How many reviews were given under a version that nobody recorded."""
    answers = {(one.text_id, one.when): one for one in reviews.values()}
    return sum(history.stale(one.taxonomy, taxonomy) is None for one in answers.values())


def read_golden_stamps(history: History) -> dict[str, GoldenStamp]:
    """By text id, the version under which each golden label was first seen.

    Raises:
        TaxonomyError: The file cannot be read.
    """
    path = history.folder / _FILE
    try:
        return _STAMPS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        raise TaxonomyError(
            f"{path}, which says when golden texts were labelled, cannot be read.",
            fix="Bring it back from a backup, or delete it: all golden labels count as new then.",
        ) from error


def stamped_golden(history: History, golden: Labels) -> dict[str, GoldenStamp]:
    """Before a list changes: the stamps, where labels that are new were given under its last version.

    Labels with a key that the version has not were read before it: their stamp, if they have one, stays.

    Raises:
        TaxonomyError: The stamps cannot be read.
    """
    stamps, last = read_golden_stamps(history), history.last
    if last is None:
        return stamps
    for id_, labels in golden.items():
        if not set(labels) <= set(last.meanings):
            continue
        if id_ not in stamps or stamps[id_].labels != labels:
            stamps[id_] = GoldenStamp(labels, last.number)
    return stamps


def write_golden_stamps(history: History, stamps: Mapping[str, GoldenStamp]) -> None:
    """Write the stamps, whole or not at all."""
    with whole_file(history.folder / _FILE) as part:
        content = {id_: {"labels": one.labels, "version": one.version} for id_, one in stamps.items()}
        part.write_text(json.dumps(content, ensure_ascii=False, indent=0), encoding="utf-8")


def _of_review(review: Review, taxonomy: Taxonomy, history: History) -> set[str]:
    """Categories that a review was given under another meaning of, or that it leaves open."""
    changed = history.stale(review.taxonomy, taxonomy) or frozenset()
    stale = {key for key in changed if key in review.judged}
    if label_of(review, taxonomy) is None:
        stale |= set(taxonomy.keys) - set(review.judged) or set(taxonomy.keys)
    return stale


def _of_golden(
    id_: str, labels: tuple[str, ...], stamps: Mapping[str, GoldenStamp], taxonomy: Taxonomy, history: History
) -> set[str]:
    """Categories that mean something else since a golden text was labelled, or were not there then."""
    stamp = stamps.get(id_)
    if stamp is None or stamp.labels != labels:
        return set()
    return set(history.stale(stamp.version, taxonomy) or ()) | _came_since(
        id_, labels, stamps, taxonomy, history
    )


def _came_since(
    id_: str, labels: tuple[str, ...], stamps: Mapping[str, GoldenStamp], taxonomy: Taxonomy, history: History
) -> set[str]:
    """Categories that were not there when a golden text was labelled, and that it may have."""
    stamp = stamps.get(id_)
    # As with reviews: what has one category keeps it when others come, unless it had none of them.
    if stamp is None or stamp.labels != labels or (taxonomy.single and not set(labels) <= {taxonomy.none}):
        return set()
    changed = history.stale(stamp.version, taxonomy) or frozenset()
    return set(history.added_since(history.named(stamp.version), taxonomy) - changed)
