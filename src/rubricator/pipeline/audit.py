"""Audit: one list of labels worth a second look, judged by models that never saw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from rubricator.config import Config
from rubricator.dataset import files
from rubricator.dataset.annotations import read_annotations
from rubricator.dataset.examples import Examples
from rubricator.dataset.labels import read_labels
from rubricator.encode.vectors import encode_texts
from rubricator.errors import TrainingError
from rubricator.label.quality.label_errors import Suspect, audit
from rubricator.pipeline.stage import Run
from rubricator.records import Label, Origin, Text
from rubricator.stats.arrays import Bools, Floats, Vectors
from rubricator.stats.folds import make_folds
from rubricator.train.calibration.rule import cross_decide
from rubricator.train.trainers import fit
from rubricator.train.training_context import TrainingContext
from rubricator.whole_files import requested_file

AUDIT = "audit.csv"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the audit; the suggestion may be the label, where only the teachers split."""

    text: Text
    label: Label
    suspect: Suspect


def write_audit(run: Run) -> list[Finding]:
    """Audit the labels of a run and write `audit.csv` into its folder.

    The findings come with the most doubtful first.

    Raises:
        DataError: The texts have not been labelled, or the file cannot be written.
        EncoderError: The encoder cannot be had.
        TrainingError: The labels do not allow a model to be trained.
    """
    dataset = files.read_dataset(run.folder)
    annotations = read_annotations(run.folder, len(dataset.texts), run.taxonomy.keys)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    vectors = encode_texts(dataset.texts, run.config, progress=run.progress)
    texts, labels = dataset.texts, label_set.labels
    rows = np.array([row for row, text in enumerate(texts) if text.id in labels], dtype=np.intp)
    decided = label_set.decided[rows]
    groups = [dataset.groups[texts[row].id] for row in rows]
    contents = [texts[row].content for row in rows]
    context = TrainingContext.of(run.config, space=run.taxonomy.space, folder=run.folder / "stages/audit")
    probabilities = _out_of_fold(contents, vectors[rows], decided, groups, run.config, context)
    suspects = audit(
        decided,
        probabilities,
        run.taxonomy.space,
        groups=groups,
        opinions=[replace(one, probabilities=one.probabilities[rows]) for one in annotations.probabilities],
        by_people=np.array([labels[texts[row].id].origin is not Origin.AGREEMENT for row in rows]),
    )
    suspected = [(texts[rows[suspect.row]], suspect) for suspect in suspects]
    findings = [Finding(text, labels[text.id], suspect) for text, suspect in suspected]
    _write(run.file(AUDIT), findings)
    return findings


def _out_of_fold(
    contents: Sequence[str],
    vectors: Vectors,
    decided: Bools,
    groups: Sequence[str],
    config: Config,
    context: TrainingContext,
) -> Floats:
    """Calibrated probabilities of every text by a model that saw neither it nor a near-duplicate."""
    if len(set(groups)) < config.split.folds:
        raise TrainingError(
            f"There are {len(set(groups))} labelled texts that differ, too few to audit them.",
            fix="Label more texts.",
        )
    targets = decided.astype(np.float64)
    weights = np.ones(len(targets))
    folds = make_folds(targets, list(groups), folds=config.split.folds, seed=config.seed)
    examples = Examples(contents=contents, vectors=vectors, targets=targets, weights=weights, groups=groups)
    logits = fit("heads", examples, folds=folds, context=context).oof_logits
    return cross_decide(logits, targets, weights, folds, space=context.space)[0]


def _write(path: Path, findings: Sequence[Finding]) -> None:
    rows = [
        {
            "rank": rank,
            "id": finding.text.id,
            "text": finding.text.content,
            "label": ",".join(finding.label.categories),
            "origin": finding.label.origin,
            "suggestion": ",".join(finding.suspect.suggestion),
            "probability": round(finding.suspect.probability, 4),
            "reasons": ",".join(finding.suspect.reasons),
            "score": round(finding.suspect.score, 4),
        }
        for rank, finding in enumerate(findings, start=1)
    ]
    columns = ("rank", "id", "text", "label", "origin", "suggestion", "probability", "reasons", "score")
    numbers = {"rank": pl.Int64, "probability": pl.Float64, "score": pl.Float64}
    schema = dict.fromkeys(columns, pl.String) | numbers
    with requested_file(path, fix="Make room, or choose another --out DIR.") as part:
        pl.DataFrame(rows, schema=schema).write_csv(part)
