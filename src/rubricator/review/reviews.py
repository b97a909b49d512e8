"""Answers of people: written as answers of a teacher called `person:NAME`, read back as reviews.

A review belongs to the content and the taxonomy's name and task: the duplicates of a text share it, a
later person overrides an earlier one, and a new version of the list keeps it. What the list has gained
since, nobody was asked: a multi-label review says nothing there, a single-label one holds as long as
its category is still in the list (unless that is the `none` category, which a new one may empty).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from rubricator.dataset.reviews import Chosen, Review, Shown, label_of
from rubricator.errors import DataError
from rubricator.records import Answer, Status, Text, content_hash
from rubricator.taxonomy import Taxonomy

if TYPE_CHECKING:  # half a second to import
    from rubricator.store import Store

PREFIX = "person:"


def judged(categories: Collection[str], taxonomy: Taxonomy) -> dict[str, bool]:
    """A person's choice as yes or no for every category.

    Raises:
        DataError: A category is unknown, or a single-label choice is not exactly one.
    """
    unknown = [key for key in categories if key not in taxonomy.keys]
    if unknown:
        raise DataError(
            f"There is no category '{unknown[0]}'.", fix=f"The categories are {', '.join(taxonomy.keys)}."
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
    """The review as an answer to store; its `raw` says why and how the text was shown, and what stood there.

    These facts need no columns of their own: nothing asks the database for them.

    Raises:
        DataError: The person has no name.
    """
    if not review.by.strip():
        raise DataError("A review needs the name of the person.", fix="Give it with --by NAME.")
    context = {
        "chosen": review.chosen,
        "shown": review.shown,
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
        raw=json.dumps(context, ensure_ascii=False),
        seconds=review.seconds or 0.0,
        taxonomy=review.taxonomy or "",
    )


def review_of(answer: Answer) -> Review:
    """Read what `answer_of` wrote; reviews from before texts were shown blind count as suggested."""
    context = json.loads(answer.raw)
    before = context["before"]
    return Review(
        text_id=answer.text_id,
        judged={key: score > 0.5 for key, score in answer.scores.items()},
        by=answer.teacher.removeprefix(PREFIX),
        chosen=one_of(Chosen, context["chosen"], otherwise="gain"),
        shown=one_of(Shown, context.get("shown"), otherwise="suggested"),
        before=None if before is None else tuple(before),
        probability=context["probability"],
        seconds=answer.seconds or None,
        taxonomy=answer.taxonomy or context.get("taxonomy"),  # where it stood before it had a column
        when=datetime.fromisoformat(context["when"]),
    )


def one_of(options: Any, word: object, *, otherwise: Any) -> Any:
    """A word if it is one of a `Literal`'s; what does not measure is the answer to anything unknown."""
    return word if word in get_args(options) else otherwise


def read_reviews(store: Store, texts: Iterable[Text], taxonomy: Taxonomy) -> dict[str, Review]:
    """The reviews of texts, by text id; all texts of the same content have the same.

    `Review.text_id` names the text that was shown, so counting those counts people's answers.

    Raises:
        StoreError: The database refused.
    """
    keys = {text.id: key_of(text.content, taxonomy) for text in texts}
    reviews = {key: review_of(answer) for key, answer in store.find(list(keys.values())).items()}
    return {id_: reviews[key] for id_, key in keys.items() if key in reviews}


def stored_reviews(store: Store, texts: Iterable[Text], taxonomy: Taxonomy) -> dict[str, Answer]:
    """All reviews in a store that are of these texts, by key, with the ids that the texts have here.

    Raises:
        StoreError: The database refused.
    """
    ids = {key_of(text.content, taxonomy): text.id for text in texts}
    people = [name for name in store.teachers() if name.startswith(PREFIX)]
    answers = (answer for name in people for answer in store.answers(name))
    return {one.key: replace(one, text_id=ids[one.key]) for one in answers if one.key in ids}


def newer(answers: Mapping[str, Answer], stored: Mapping[str, Answer]) -> list[Answer]:
    """Reviews that are not among the stored ones, or were given later and say something else."""
    return [
        answer
        for key, answer in answers.items()
        if key not in stored
        or (answer.scores != stored[key].scores and review_of(answer).when > review_of(stored[key]).when)
    ]


def reviews_digest(store: Store, texts: Iterable[Text], taxonomy: Taxonomy) -> str:
    """Changes whenever a reviewed label does, or whether it may measure; not with who gave it.

    Raises:
        StoreError: The database refused.
    """
    parts: list[str] = []
    for id_, review in sorted(read_reviews(store, texts, taxonomy).items()):
        if (label := label_of(review, taxonomy)) is not None:
            parts += [id_, ",".join(label), "measures" if review.measures else "teaches"]
    return content_hash("reviews:2", *parts)
