"""The reference of monitoring: from a run, or from a table of texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rubricator.dataset.dataset import Dataset
from rubricator.dataset.inputs import BASE
from rubricator.dataset.labels import LabelSet
from rubricator.dataset.split import DatasetSplit
from rubricator.dataset.training_data import training_data
from rubricator.encode.vectors import encode_by_each
from rubricator.models.training_result import TrainingResult
from rubricator.monitor.observe import WIDTH, projected
from rubricator.monitor.reference import (
    FEWEST,
    Observed,
    Reference,
    make_reference,
    parse_reference,
    reference_bytes,
)
from rubricator.pipeline.stage import Run
from rubricator.predict import Predictor
from rubricator.predict.files import read_texts
from rubricator.progress import Progress, silent
from rubricator.records import Text
from rubricator.stats.arrays import Indices
from rubricator.taxonomy import Taxonomy
from rubricator.whole_files import requested_file

_BATCH = 64


def reference_of_run(
    run: Run, dataset: Dataset, split: DatasetSplit, label_set: LabelSet, trained: TrainingResult
) -> Reference:
    """What the winner, as it was measured, says of the texts that it did not learn from.

    Those are the texts of test and validation; only where they are too few to tell a window by, training
    texts join them, of which a model is surer than of new ones.
    """
    part = label_set.sources.part
    rows = np.flatnonzero(np.isin(part, ("test", "validation")))
    about = f"{len(rows):,} texts of the run that the model had not learned from"
    if len(rows) < FEWEST:
        rows = np.arange(len(dataset.texts))
        about = (
            f"all {len(rows):,} texts of the run, most of which the model had learned from, and is surer of"
        )
    return make_reference(
        [dataset.texts[row] for row in rows],
        _observed(run, dataset, label_set, trained, rows),
        run.taxonomy.space,
        titles=_titles(run.taxonomy),
        about=about,
        taxonomy_version=run.taxonomy.version,
        features=trained.winner.columns,
        known=[text.content for text in dataset.texts if split.part[text.id] == "train"],
        truth={
            dataset.texts[row].id: np.array(run.taxonomy.keys)[label_set.sources.categories[row]].tolist()
            for row in rows
            if label_set.sources.unbiased[row]
        },
        seed=run.config.seed,
    )


def _observed(
    run: Run, dataset: Dataset, label_set: LabelSet, trained: TrainingResult, rows: Indices
) -> Observed:
    vectors = encode_by_each(dataset.texts, run.config, trained.untrained, progress=run.progress)
    data = training_data(dataset, label_set, vectors.pop(BASE, None), vectors)
    inputs = data.examples.subset(rows).inputs(trained.open(run.config))
    rule = trained.rules[trained.choice.name]
    probabilities = rule.probabilities(trained.winner.logits(inputs))
    known = [inputs.known(name) for name in trained.served[0].encoders]
    found = next((one for one in known if one is not None), None)
    small = np.full((len(rows), WIDTH), np.nan) if found is None else projected(found)
    return probabilities, rule.decide(probabilities), small


def reference_of_table(
    artifact: Path, table: Path, output: Path, *, seed: int = 0, progress: Progress = silent
) -> Reference:
    """Write a reference from texts that an artifact predicts, as it will in service.

    Raises:
        ArtifactError: The artifact is damaged.
        DataError: The table cannot be read, has too few texts, or the output cannot be written.
    """
    predictor = Predictor.load(artifact)
    texts = read_texts(predictor, table)
    reference = make_reference(
        texts,
        _predicted(predictor, texts, progress),
        predictor.taxonomy.space,
        titles=_titles(predictor.taxonomy),
        about=f"{len(texts):,} texts of {table.name}",
        model=predictor.manifest.identifier,
        taxonomy_version=predictor.manifest.taxonomy_version,
        features=predictor.features,
        vocabulary=_served_vocabulary(predictor),
        seed=seed,
    )
    reference.require_rows()
    with requested_file(output, called="The reference", fix="Name another file with -o.") as part:
        part.write_bytes(reference_bytes(reference))
    return reference


def _served_vocabulary(predictor: Predictor) -> NDArray[np.uint32] | None:
    """The words by which the service counts unknown ones: the log's shares are comparable with no others."""
    return None if predictor.reference is None else parse_reference(predictor.reference).vocabulary


def _predicted(predictor: Predictor, texts: Sequence[Text], progress: Progress) -> Observed:
    keys, vectors = predictor.taxonomy.keys, np.full((len(texts), WIDTH), np.nan)
    probabilities = np.zeros((len(texts), len(keys)))
    decided = np.zeros(probabilities.shape, dtype=bool)
    with progress("Predicting the reference", total=len(texts)) as done:
        for start in range(0, len(texts), _BATCH):
            some = slice(start, start + _BATCH)
            predictions, found = predictor.classify_with_vectors(texts[some])
            if found is not None:
                vectors[some] = projected(found)
            probabilities[some] = [[one.probabilities[key] for key in keys] for one in predictions]
            decided[some] = predictor.taxonomy.space.indicators([one.categories for one in predictions])
            done(len(predictions))
    return probabilities, decided, vectors


def _titles(taxonomy: Taxonomy) -> dict[str, str]:
    return {category.key: category.title for category in taxonomy.categories}
