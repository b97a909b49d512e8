"""What is so wrong with labels that whoever trains on them must be told before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rubricator.dataset.annotations import Annotations
from rubricator.dataset.labels import LabelSet
from rubricator.pages.formatting import percent
from rubricator.records import Origin
from rubricator.stats.shares import wilson
from rubricator.taxonomy import Taxonomy

_ENOUGH = 20  # texts that a sentence about shares stands on
_TWICE, _FAR = 2.0, 0.02  # shares that differ by less than both are not worth a sentence
_WORTHLESS = 0.05  # weight up to which a teacher's word is hardly heard


def label_cautions(annotations: Annotations, label_set: LabelSet, taxonomy: Taxonomy) -> list[str]:
    """Sentences that a reader of the labels must not miss; none where all is well."""
    return [
        *_of_the_task(label_set, taxonomy),
        *_of_the_mix(label_set, taxonomy),
        *_of_the_teachers(annotations, label_set, taxonomy),
    ]


def _of_the_task(label_set: LabelSet, taxonomy: Taxonomy) -> Iterator[str]:
    sources = label_set.sources
    counts = sources.categories[sources.human].sum(axis=1)
    if not taxonomy.single and len(counts) >= _ENOUGH and (counts == 1).all():
        yield (
            f"Each of the {len(counts):,} texts that people labelled has exactly one category, though the "
            "taxonomy allows several: if no text ever has two, write `task: single-label`."
        )
    blank = int((counts == 0).sum())
    if len(counts) >= _ENOUGH and blank > len(counts) / 2:
        yield (
            f"{blank:,} of {len(counts):,} texts that people labelled have no category, which means “none of "
            "them”; a text that nobody looked at must not stand among them."
        )
    given = label_set.decided.any(axis=0)
    if len(label_set.labels) >= _ENOUGH and given.sum() == 1:
        yield f"Every label is {taxonomy.keys[int(given.argmax())]}: a model has nothing to tell apart."


def _of_the_mix(label_set: LabelSet, taxonomy: Taxonomy) -> Iterator[str]:
    """Categories whose share among agreed labels is far outside the interval of their share by people."""
    sources = label_set.sources
    people, agreed = sources.categories[sources.origin == Origin.GOLDEN], label_set.decided[sources.agreed]
    if min(len(people), len(agreed)) < _ENOUGH:
        return
    for category, ours, theirs in zip(taxonomy.categories, people.T, agreed.T, strict=True):
        share, golden = float(theirs.mean()), float(ours.mean())
        interval = wilson(int(ours.sum()), len(ours), confidence=0.999)
        low, high = interval.low or 0.0, interval.high or 1.0
        far = max(share, golden) > max(_TWICE * min(share, golden), min(share, golden) + _FAR)
        if far and not low <= share <= high:
            yield (
                f"{category.title}: teachers agree on it for {percent(share)} of texts, people give it to "
                f"{percent(golden)} of {len(ours):,}. If these are a fair sample, most of the "
                "difference is error: see its description and keywords."
            )


def _of_the_teachers(annotations: Annotations, label_set: LabelSet, taxonomy: Taxonomy) -> Iterator[str]:
    space = taxonomy.space
    for opinion, weight in zip(annotations.probabilities, annotations.weights, strict=True):
        answered = int(np.isfinite(opinion.probabilities).any(axis=1).sum())
        if answered < _ENOUGH:
            continue
        absent = np.asarray(~space.decide(opinion.probabilities).any(axis=0))
        titles = ", ".join(one.title for one, never in zip(taxonomy.categories, absent, strict=True) if never)
        if titles:
            yield f"{opinion.teacher} never gave {titles}, to none of {answered:,} texts that it answered."
        measured = next((one for one in label_set.reports if one.teacher == opinion.teacher), None)
        if measured is not None and measured.texts >= _ENOUGH and weight.figure <= _WORTHLESS:
            yield (
                f"{opinion.teacher} tells nothing about the {measured.texts:,} golden texts that their mix "
                "does not: it is hardly heard. See its prompt or its rules, or leave it out."
            )
