"""Answers of people: written as answers of a teacher called `person:NAME`, read back as reviews.

A review belongs to the content and the taxonomy's name and task: the duplicates of a text share it, a
later person overrides an earlier one, and a new version of the list keeps it. What the list has gained
since, nobody was asked: a multi-label review says nothing there, a single-label one holds as long as
its category is still in the list (unless that is the `none` category, which a new one may empty).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import get_args

import numpy as np

from rubricator.dataset.labels import Chosen, Review, _values, label_of
from rubricator.errors import DataError
from rubricator.records import Answer, Status, Text, content_hash
from rubricator.stats.arrays import Floats
from rubricator.store import Store
from rubricator.taxonomy import Taxonomy

PREFIX = "person:"


def judged(categories: Collection[str], taxonomy: Taxonomy) -> dict[str, bool]:
    """A person's choice as yes or no for every category.

    Raises:
        DataError: A category is unknown, or a single-label choice is not exactly one.
    """
    strange = [key for key in categories if key not in taxonomy.keys]
    if strange:
        raise DataError(
            f"There is no category '{strange[0]}'.", fix=f"The categories are {', '.join(taxonomy.keys)}."
        )
    if taxonomy.single and len(set(categories)) != 1:
        raise DataError(
            f"{len(set(categories))} categories were chosen, where a text has exactly one.",
            fix="Choose one category.",
        )
    return {key: key in categories for key in taxonomy.keys}


def key_of(content: str, taxonomy: Taxonomy) -> str:
    """The key of the one review that a content can have."""
    return content_hash("answer:person:1", taxonomy.name, taxonomy.task.value, content)


def answer_of(review: Review, content: str, taxonomy: Taxonomy) -> Answer:
    """The review as an answer to store; its `raw` says why the text was shown and what stood there.

    Raises:
        DataError: The person has no name.
    """
    if not review.by.strip():
        raise DataError("A review needs the name of the person.", fix="Give it with --by NAME.")
    told = {
        "chosen": review.chosen,
        "before": None if review.before is None else list(review.before),
        "probability": review.probability,
        "when": review.when.isoformat(),
    }
    return Answer(
        text_id=review.text_id,
        teacher=PREFIX + review.by,
        key=key_of(content, taxonomy),
        status=Status.OK,
        scores={key: float(yes) for key, yes in review.judged.items()},
        raw=json.dumps(told, ensure_ascii=False),
    )


def review_of(answer: Answer) -> Review:
    """Read what `answer_of` wrote."""
    told = json.loads(answer.raw)
    chosen: Chosen = told["chosen"] if told["chosen"] in get_args(Chosen) else "gain"
    return Review(
        text_id=answer.text_id,
        judged={key: score > 0.5 for key, score in answer.scores.items()},
        by=answer.teacher.removeprefix(PREFIX),
        chosen=chosen,
        before=None if told["before"] is None else tuple(told["before"]),
        probability=told["probability"],
        when=datetime.fromisoformat(told["when"]),
    )


def read_reviews(store: Store, texts: Iterable[Text], taxonomy: Taxonomy) -> dict[str, Review]:
    """The reviews of texts, by text id; all texts of the same content have the same.

    `Review.text_id` names the text that was shown, so counting those counts people's answers.

    Raises:
        StoreError: The database refused.
    """
    keys = {text.id: key_of(text.content, taxonomy) for text in texts}
    found = {key: review_of(answer) for key, answer in store.find(list(keys.values())).items()}
    return {id_: found[key] for id_, key in keys.items() if key in found}


def judgements(reviews: Mapping[str, Review], texts: Sequence[Text], taxonomy: Taxonomy) -> Floats:
    """What people said, shape [texts, categories]: 1 for yes, 0 for no, NaN where nobody was asked."""
    unknown = np.full(len(taxonomy.keys), np.nan)
    rows = [_values(reviews[text.id], taxonomy) if text.id in reviews else unknown for text in texts]
    return np.array(rows, dtype=np.float64).reshape(len(texts), len(taxonomy.keys))


def reviews_of(store: Store, texts: Iterable[Text], taxonomy: Taxonomy) -> dict[str, tuple[str, ...]]:
    """Reviewed categories by text id, in taxonomy order; only reviews that leave no category open.

    Raises:
        StoreError: The database refused.
    """
    labels = {id_: label_of(found, taxonomy) for id_, found in read_reviews(store, texts, taxonomy).items()}
    return {id_: label for id_, label in labels.items() if label is not None}


def reviews_digest(store: Store, texts: Iterable[Text], taxonomy: Taxonomy) -> str:
    """Names the reviewed categories of the texts: changes whenever one of them does.

    Raises:
        StoreError: The database refused.
    """
    labels = reviews_of(store, texts, taxonomy)
    return content_hash(
        "reviews:1", *(part for id_ in sorted(labels) for part in (id_, ",".join(labels[id_])))
    )
