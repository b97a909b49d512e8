"""Two speeds: a student of the model in the artifact, and an artifact in which it answers where it may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from rubricator.artifact import Artifact, Manifest, read_artifact, write_artifact
from rubricator.artifact.manifest import CARD
from rubricator.config import Metric
from rubricator.dataset import files
from rubricator.dataset.inputs import BASE
from rubricator.dataset.labels import read_labels
from rubricator.dataset.training_data import training_data
from rubricator.encode import Encoder
from rubricator.encode.vectors import encode_by_each
from rubricator.errors import TrainingError
from rubricator.label_space import DecisionRule
from rubricator.models.training_files import read_training
from rubricator.models.training_result import WORDS, OutOfFoldPredictions, TrainingResult
from rubricator.pipeline.stage import Run, only_one
from rubricator.pipeline.two_speed_card import card_section, curve_values, stands_on
from rubricator.stats.arrays import Indices
from rubricator.stats.coverage import COVERAGE, FEWEST, coverage_points
from rubricator.stats.folds import make_folds
from rubricator.train.search.serving_cost import rate_of
from rubricator.train.training_context import TrainingContext
from rubricator.train.two_speed.bars import SpeedPoint
from rubricator.train.two_speed.distillation import Distillation, Material, distillation

FOLDER = "two-speed"
ARTIFACT, CURVE, PLOT = f"{FOLDER}/artifact", f"{FOLDER}/curve.json", f"{FOLDER}/curve.png"
"""What is written into the folder of a run."""
MAX_DROP = 0.005
_MOST = 20_000  # texts that teach, and that judge: a bound on hours, not a figure that was tuned
_FOLDS = 3  # each student is trained once more per fold
_PRECISIONS = tuple(percentage / 100 for percentage in range(50, 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class Distilled:
    """What became of it.

    Attributes:
        folder: Of the artifact.
        manifest: Of the artifact.
        done: Student and encoder as one, with the curve.
        metric: What may fall, in words.
        max_drop: By how much.
        about: Sentences on what the figures stand on.
    """

    folder: Path
    manifest: Manifest
    done: Distillation
    metric: str
    max_drop: float
    about: tuple[str, ...]

    @property
    def chosen(self) -> SpeedPoint:
        """The bar in force."""
        return self.done.chosen


def distil(run: Run, *, max_drop: float = MAX_DROP) -> Distilled:
    """Teach a student what the winner of a finished run thinks, and write an artifact of both.

    Texts of the training part teach, labelled or not; those of validation and test never do. The bar is set
    on the validation part or, where there is none, on the training texts, each judged by a student that did
    not learn from its fold.

    Args:
        run: A run whose stages are done.
        max_drop: How much the metric that models were compared by may fall.

    Raises:
        ArtifactError: The run has no artifact, or the new one cannot be written.
        EncoderError: An encoder cannot be had.
        TrainingError: There is nothing to make faster, too few texts, or no student that may answer.
    """
    with only_one(run.folder), threadpool_limits(limits=1, user_api="blas"):
        artifact = _artifact(run)
        trained, held_out = read_training(run.folder)
        material = _material(run, artifact.rule, trained, held_out)
        encoders = {
            name: Encoder.load(artifact.encoder_folder(name), threads=run.config.encode.threads)
            for name in artifact.model.encoders
        }
        with run.progress("Teaching a student", total=None) as advance:
            done = _distilled(run, artifact, material, encoders, trained.metric, max_drop)
            advance(len(material.learning))
        about = stands_on(material)
        curve = curve_values(done, trained.metric, max_drop, about)
        card = card_section(done, trained.metric, about)
        manifest = _write(run, artifact, done, material, encoders, curve, card)
        files.write_json(run.file(CURVE), {"model": manifest.identifier, **curve})
        _draw(done, run.file(PLOT), WORDS[trained.metric], max_drop)
    return Distilled(
        folder=run.folder / ARTIFACT,
        manifest=manifest,
        done=done,
        metric=WORDS[trained.metric],
        max_drop=max_drop,
        about=about,
    )


def _artifact(run: Run) -> Artifact:
    """The artifact of the run, if a student could make it faster."""
    artifact = read_artifact(run.folder / "artifact")
    if not artifact.model.encoders:
        raise TrainingError(
            f"The model of this run, {artifact.manifest.kind}, looks through no encoder: there is nothing to "
            "make faster.",
            fix="Serve it as it is, or train a kind with an encoder, such as `train.models: [heads]`.",
        )
    if artifact.manifest.taxonomy.keys != run.taxonomy.keys:
        raise TrainingError(
            "The artifact of this run has other categories than the list of today.",
            fix="Run `rubricator run`, and then this again.",
        )
    return artifact


def _material(
    run: Run, rule: DecisionRule, trained: TrainingResult, held_out: OutOfFoldPredictions | None
) -> Material:
    dataset = files.read_dataset(run.folder)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    vectors = encode_by_each(dataset.texts, run.config, trained.untrained, progress=run.progress)
    data = training_data(dataset, label_set, vectors.pop(BASE, None), vectors)
    logits = trained.winner.logits(data.examples.inputs(trained.open(run.config)))
    probabilities = rule.probabilities(logits)
    decided = rule.decide(probabilities)
    unseen, probable = decided.copy(), probabilities.copy()
    if held_out is not None:
        unseen[held_out.rows] = held_out.decisions[trained.choice.name]
        probable[held_out.rows] = held_out.probabilities[trained.choice.name]
    learning, validation = (
        _drawn(np.flatnonzero(data.part == part), seed=run.config.seed) for part in ("train", "validation")
    )
    judging = validation if len(validation) else learning
    labelled = np.flatnonzero(label_set.sources.unbiased[judging])
    rows = judging[labelled]
    return Material(
        examples=replace(data.examples, targets=probabilities, weights=np.ones(len(probabilities))),
        decided=decided,
        learning=learning,
        judging=judging,
        labelled=labelled,
        truth=label_set.sources.categories[rows],
        unseen=unseen[rows],
        unseen_probabilities=probable[rows],
    )


def _drawn(rows: Indices, *, seed: int) -> Indices:
    """The rows, or so many of them as a student needs."""
    if len(rows) <= _MOST:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, size=_MOST, replace=False))


def _distilled(
    run: Run,
    artifact: Artifact,
    material: Material,
    encoders: Mapping[str, Encoder],
    metric: Metric,
    max_drop: float,
) -> Distillation:
    texts = files.read_dataset(run.folder).texts
    judging = [texts[row] for row in material.judging.tolist()]
    groups = [material.examples.groups[row] for row in material.learning.tolist()]
    count = min(_FOLDS, len(set(groups)))
    return distillation(
        material,
        artifact.model,
        artifact.rule,
        folds=make_folds(material.decided[material.learning], groups, folds=count, seed=run.config.seed),
        rate=lambda model: rate_of(model, judging, encoders, most=1024, batch=256, patience=5.0),
        metric=metric,
        max_drop=max_drop,
        context=TrainingContext.of(run.config, space=run.taxonomy.space, folder=run.file(CURVE).parent),
    )


def _write(
    run: Run,
    artifact: Artifact,
    done: Distillation,
    material: Material,
    encoders: Mapping[str, Encoder],
    curve: Mapping[str, Any],
    section: str,
) -> Manifest:
    old = artifact.manifest
    card = (artifact.folder / CARD).read_text(encoding="utf-8").rstrip()
    # Both routes are calibrated inside: the rule only decides.
    rule = replace(DecisionRule.identity(run.taxonomy.space), threshold=artifact.rule.threshold)
    return write_artifact(
        run.folder / ARTIFACT,
        name=old.name,
        kind=done.model.kind,
        model=done.model,
        encoders=encoders,
        taxonomy=old.taxonomy,
        rule=rule,
        columns=old.columns,
        clean=old.clean,
        max_characters=old.max_characters,
        metrics={**old.metrics, COVERAGE: _coverage(done, material, rule), "two_speed": dict(curve)},
        data_fingerprint=old.data_fingerprint,
        card=f"{card}\n\n{section}",
        boilerplate=old.boilerplate,
        taxonomy_version=old.taxonomy_version,
    )


def _coverage(done: Distillation, material: Material, rule: DecisionRule) -> list[dict[str, Any]]:
    """How many texts may go without a person, by the confidence of whichever model answers."""
    if len(material.labelled) < FEWEST:
        return []
    scaled = done.scaled[material.labelled]
    settled = (done.model.alike.probabilities(scaled) >= done.model.bar)[:, None]
    own = rule.probabilities(scaled)
    probabilities = np.where(settled, own, material.unseen_probabilities)
    decided = np.where(settled, rule.decide(own), material.unseen)
    right = (decided == material.truth).all(axis=1)
    points = coverage_points(rule.space.confidence(probabilities, decided), right, _PRECISIONS)
    return [asdict(point) for point in points]


def _draw(done: Distillation, image: Path, metric: str, max_drop: float) -> None:
    from rubricator.evaluate.plots.speed_plot import draw_speed  # a second to import

    points = [(point.texts_per_second, point.fall) for point in done.points]
    in_force = (done.chosen.texts_per_second, done.chosen.fall)
    draw_speed(points, in_force, done.rates.rest, image, metric=metric, max_drop=max_drop)
