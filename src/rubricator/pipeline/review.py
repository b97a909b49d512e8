"""Review: opens the labels of a run for a person to correct; the label stage takes the answers in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from rubricator.dataset import files
from rubricator.dataset.annotations import read_annotations
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.examples import Examples
from rubricator.dataset.labels import LabelSet, decided_of, read_labels, targets_of
from rubricator.dataset.reviews import label_of
from rubricator.dataset.sources import label_sources
from rubricator.dataset.split import DatasetSplit
from rubricator.encode.vectors import encode_texts
from rubricator.errors import DataError
from rubricator.ingest.label_cells import parse_labels
from rubricator.label.aggregation.labels import label_texts
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import Run, beside
from rubricator.review.reviews import read_reviews
from rubricator.review.session import ReviewSession
from rubricator.review.stale import settles, with_judged_golden
from rubricator.review.uncertainty import ReviewContext
from rubricator.stats.arrays import Floats, Indices
from rubricator.stats.folds import make_folds
from rubricator.tables.reading import open_writer
from rubricator.taxonomy import NOTHING, Taxonomy
from rubricator.taxonomy.versions import History
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.kinds.heads import fit_lines
from rubricator.train.search.label_weights import proxy_kind
from rubricator.train.trainers import fit
from rubricator.train.training_context import TrainingContext

_LABELS = "stages/labels.parquet"
_GRID = (0.01, 0.03, 0.1)  # fewer strengths than training tries: a person is waiting
_FOLDS = 5


@contextmanager
def open_review(run: Run, by: str, *, labelled: bool = True) -> Iterator[ReviewSession]:
    """The review of a person, by name, of a run whose label stage is done.

    Where only people's own labels are looked at again, the texts need not be `labelled` in the list of today.

    Raises:
        DataError: The labels on disk are not of the texts and the categories of today, or there are none.
        StoreError: The database refused.
    """
    if labelled:
        run = _labelled(run)
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    if labelled:
        label_set = read_labels(run.folder, dataset, run.taxonomy)
    else:
        label_set = _no_labels(dataset, split, run.taxonomy)
    with open_store(run) as store:
        yield ReviewSession(
            by=by,
            store=store,
            dataset=dataset,
            split=split,
            label_set=label_set,
            taxonomy=run.taxonomy,
            context=partial(review_context, run),
            parse=partial(parse_labels, taxonomy=run.taxonomy),
            seed=run.config.seed,
            history=History.beside(run.config.path(run.config.taxonomy)),
        )


def write_golden(run: Run, path: Path) -> int:
    """Write the golden set with what was judged again since the list changed; count the labels that differ.

    Golden labels outrank reviews, so what a review of a golden text says counts once it stands in this file.

    Raises:
        DataError: The texts have not been read, or the place cannot be written.
        StoreError: The database refused.
    """
    dataset, taxonomy = files.read_dataset(run.folder), run.taxonomy
    history = History.beside(run.config.path(run.config.taxonomy))
    with open_store(run) as store:
        reviews = read_reviews(store, dataset.texts, taxonomy)
    said = {
        id_: label
        for id_, review in reviews.items()
        if id_ in dataset.golden
        and settles(review, taxonomy, history)
        and (label := label_of(review, taxonomy)) is not None
    }
    rows = [
        {"id": id_, "labels": ",".join(said.get(id_, old)) or NOTHING} for id_, old in dataset.golden.items()
    ]
    with open_writer(path, ("id", "labels")) as writer:
        writer.write(rows)
    return sum(set(label) != set(dataset.golden[id_]) for id_, label in said.items())


def review_context(run: Run) -> ReviewContext:
    """Aggregate once more, with the reviews so far, and gather what the choice stands on.

    Raises:
        EncoderError: An encoder is needed that cannot be had.
        StoreError: The database refused.
    """
    taxonomy = run.taxonomy
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    annotations = read_annotations(run.folder, len(dataset.texts), taxonomy.keys)
    with open_store(run) as store:
        reviews = read_reviews(store, dataset.texts, taxonomy)
    history = History.beside(run.config.path(run.config.taxonomy))
    dataset, _ = with_judged_golden(dataset, reviews, taxonomy, history)
    sources = label_sources(dataset, split, reviews, taxonomy)
    labels, aggregation = label_texts(annotations.scores, dataset, sources, taxonomy, run.config)
    context = TrainingContext.of(run.config, space=taxonomy.space, folder=run.folder / "stages/doubt")
    needs_vectors = proxy_kind(run.config.train) == "heads"
    return ReviewContext(
        dataset=dataset,
        split=split,
        taxonomy=taxonomy,
        labels={label.text_id: label for label in labels},
        opinions=aggregation.probabilities,
        human=sources.teaches,
        vectors=encode_texts(dataset.texts, run.config, progress=run.progress) if needs_vectors else None,
        out_of_fold=partial(oof_probabilities, context=context),
        seed=run.config.seed,
    )


def oof_probabilities(examples: Examples, rows: Indices, *, context: TrainingContext) -> Floats:
    """Calibrated probabilities of all texts, shape [texts, categories], by models that did not see them.

    Models learn from `rows`; each of these is predicted by a model without its fold.

    Raises:
        DataError: There are fewer groups than folds.
        TrainingError: The labels do not allow a model.
    """
    learning = examples.subset(rows).hardened(context.space)
    marks = (learning.targets > 0.5).astype(np.float64)
    folds = make_folds(marks, learning.groups, folds=_FOLDS, seed=context.seed)
    if proxy_kind(context.settings) == "heads":
        fitted = fit_lines(learning, folds=folds, context=context, grid=_GRID)
    else:
        fitted = fit("linear", learning, folds=folds, context=context)
    logits = fitted.model.logits(examples.inputs())
    logits[rows] = fitted.oof_logits
    rule = fit_rule(fitted.oof_logits, learning.targets, learning.weights, space=context.space)
    return rule.probabilities(logits)


def _no_labels(dataset: Dataset, split: DatasetSplit, taxonomy: Taxonomy) -> LabelSet:
    return LabelSet(
        labels={},
        targets=targets_of([], dataset.texts, taxonomy),
        decided=decided_of({}, dataset.texts, taxonomy),
        fold_targets={},
        reports=[],
        sources=label_sources(dataset, split, {}, taxonomy),
    )


def _labelled(run: Run) -> Run:
    """The run, or the one beside it where `category apply` labelled its texts in the list of today.

    Raises:
        DataError: The labels of neither are of the texts and the categories of today.
    """
    if _of_today(run, run):
        return run
    if _of_today(run, beside(run)):
        return beside(run)
    state = "have not been labelled"
    if (run.folder / _LABELS).is_file():
        state = "are labelled in another list of categories, or the labels are of other texts"
    raise DataError(
        f"The texts in {run.folder} {state}.",
        fix=f"Run `rubricator label` with the same config and --out {run.folder} first.",
    )


def _of_today(run: Run, place: Run) -> bool:
    labels = place.folder / _LABELS
    if not labels.is_file():
        return False
    ids = {text.id for text in files.read_dataset(run.folder).texts}
    columns = {name.removeprefix("p_") for name in pl.read_parquet_schema(labels) if name.startswith("p_")}
    labelled = set(pl.read_parquet(labels, columns=["id"])["id"].to_list())
    return columns == set(run.taxonomy.keys) and labelled <= ids
