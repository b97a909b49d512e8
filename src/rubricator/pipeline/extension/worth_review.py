"""Texts most worth a review for categories that came: as many without the category as with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rubricator.dataset.split import TEACHING_PARTS
from rubricator.pipeline.label import open_store
from rubricator.pipeline.review import review_context
from rubricator.pipeline.stage import Run
from rubricator.review.reviews import read_reviews
from rubricator.review.selection import pick
from rubricator.review.uncertainty import ReviewContext
from rubricator.stats.arrays import Bools
from rubricator.whole_files import whole_file

FILE = "review.txt"
COUNT = 40
"""Texts proposed, over all new categories."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Texts that people should judge first: how many the teachers give a new category, and how many not."""

    file: Path
    positive: int
    negative: int


def propose_reviews(sub: Run, new: tuple[str, ...], *, count: int = COUNT) -> Proposal | None:
    """Write the ids of texts that people should judge first, one a line.

    Half of them the teachers give one of the `new` categories, half they do not: without reviewed negatives
    nobody learns what a category is not. Within each half they are chosen by expected gain, spread over the
    vectors (see `rubricator.review.selection`), by what the labels and a model that did not learn from the
    text come to. Where nothing is new, an older proposal is forgotten.

    Raises:
        StoreError: The database refused.
    """
    if not new:
        (sub.folder / FILE).unlink(missing_ok=True)
        return None
    context = review_context(sub)
    with open_store(sub) as store:
        reviewed = read_reviews(store, context.dataset.texts, sub.taxonomy)
    texts, columns = context.dataset.texts, [sub.taxonomy.keys.index(key) for key in new]
    shut = np.array(
        [
            text.id in reviewed
            or text.id in context.dataset.golden
            or context.split.part[text.id] not in TEACHING_PARTS
            for text in texts
        ],
        dtype=bool,
    )
    has = context.decided[:, columns].any(axis=1)
    positive = _picked(context, columns, shut | ~has, count // 2, sub)
    negative = _picked(context, columns, shut | has, count - len(positive), sub)
    # In turn, so that whoever stops early has answered both.
    both = [row for pair in zip(positive, negative, strict=False) for row in pair]
    rest = [*positive, *negative]
    rows = dict.fromkeys([*both, *rest])
    with whole_file(sub.file(FILE)) as part:
        part.write_text("".join(f"{texts[row].id}\n" for row in rows), encoding="utf-8")
    return Proposal(sub.folder / FILE, len(positive), len(negative))


def _picked(context: ReviewContext, columns: list[int], shut: Bools, count: int, sub: Run) -> list[int]:
    taxonomy = sub.taxonomy
    # Where exactly one category is right, a doubt about one is a doubt about the others, too.
    looked_at = list(range(len(taxonomy.keys))) if taxonomy.single else columns
    picks = pick(
        context.posterior[:, looked_at],
        context.decided[:, looked_at],
        np.stack([one.probabilities[:, looked_at] for one in context.opinions]),
        context.vectors,
        context.groups,
        reviewed=np.flatnonzero(shut).tolist(),
        count=count,
        space=taxonomy.space.subset([taxonomy.keys[column] for column in looked_at]),
        seed=sub.config.seed,
        random_share=0.0,
    )
    return [one.row for one in picks]
