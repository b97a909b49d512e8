"""What follows a change of the list: the artifact learns what is new and keeps the columns of the rest.

Where a text may have several categories each has a model column, a calibration and a threshold of its own.
So those of a category whose meaning stayed are kept bit by bit, and only what is new is labelled, trained and
calibrated, on the parts of the run as they are. The old artifact serves until the new one is whole.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from rubricator.artifact import CardFacts, render_card, write_artifact
from rubricator.artifact.read import Artifact, read_artifact
from rubricator.config import Config
from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet, read_labels
from rubricator.dataset.metrics import PartMetrics
from rubricator.dataset.training_data import training_data
from rubricator.encode import Encoder, open_named
from rubricator.errors import RubricatorError, TaxonomyError
from rubricator.evaluate.metrics.part_metrics import measure
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.models.columns import ColumnsModel
from rubricator.pipeline import label, read
from rubricator.pipeline.category import taxonomy_file
from rubricator.pipeline.evaluate import EvaluationInputs
from rubricator.pipeline.stage import Run, Stage, only_one, run_stages
from rubricator.stats.arrays import Floats
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import History, shown_version
from rubricator.train.search.encoding import encode_for_training
from rubricator.train.search.model_search import train_models
from rubricator.train.time_limit import TimeLimit

KINDS = ("linear", "heads")
"""Kinds of models that a new category's column can join."""
FOLDER = "extension"
_FIGURES = ("macro_f1", "micro_f1", "weighted_f1")


@dataclass(frozen=True, slots=True)
class Extension:
    """What the artifact keeps and what it must learn.

    Attributes:
        artifact: The one that is served.
        kept: Key of today → its column in the artifact.
        new: Keys of today that no column means.
        gone: Keys of the artifact of which nothing stays.
    """

    artifact: Artifact
    kept: dict[str, int]
    new: tuple[str, ...]
    gone: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """What will be done, for people."""
        old = self.artifact.manifest.taxonomy.keys
        for key, column in self.kept.items():
            before = "" if old[column] == key else f" (was {old[column]})"
            yield f"{key}{before}: kept bit by bit"
        yield from (f"{key}: labelled, trained and calibrated" for key in self.new)
        yield from (f"{key}: left out" for key in self.gone)


@dataclass(frozen=True, slots=True)
class Extended:
    """An artifact that follows the list of today.

    Attributes:
        identifier: `name@id` of the new artifact.
        texts: Texts that the teachers were asked about; 0 where nothing was new.
        seconds: How long it took.
        full_seconds: How long the stages of the whole run took.
        before: Figures of the old categories before; None without test texts.
        after: Figures of all categories now; None without test texts.
    """

    extension: Extension
    identifier: str
    texts: int
    seconds: float
    full_seconds: float
    before: PartMetrics | None
    after: PartMetrics | None


def plan_extension(run: Run) -> Extension:
    """Compare the list of today with that of the artifact.

    Raises:
        ArtifactError: The run has no artifact.
        TaxonomyError: The history does not know the artifact's list, or the change takes a whole run.
    """
    artifact = read_artifact(run.folder / "artifact")
    old, history = artifact.manifest.taxonomy, History.beside(taxonomy_file(run))
    if run.taxonomy.single or old.single:
        raise _run_needed(run, "where exactly one category is right, all of them share one decision")
    if artifact.manifest.kind not in KINDS:
        raise _run_needed(run, f"a model of the kind {artifact.manifest.kind} is trained as a whole")
    meant = _meanings(history, old, run.taxonomy)
    column = {meaning: number for number, meaning in enumerate(meant)}
    today = history.meanings(run.taxonomy) or {key: key for key in run.taxonomy.keys}
    kept = {key: column[today[key]] for key in run.taxonomy.keys if today[key] in column}
    gone = tuple(key for number, key in enumerate(old.keys) if number not in kept.values())
    return Extension(artifact, kept, tuple(key for key in run.taxonomy.keys if key not in kept), gone)


def extend(run: Run) -> Extended:
    """Bring the artifact of a run up to the list of today.

    Raises:
        ArtifactError: The run has no artifact, or the new one cannot be written.
        TaxonomyError: Nothing changed, or the change takes a whole run.
        RubricatorError: Texts or encoders are no longer those of the run, or there is nothing to learn from.
    """
    started = time.monotonic()
    with only_one(run.folder):
        plan = plan_extension(run)
        artifact = plan.artifact
        if artifact.manifest.taxonomy.version == run.taxonomy.version:
            raise TaxonomyError("The artifact has the list of today: there is nothing to apply.")
        sub = _labelled(run)
        dataset = files.read_dataset(sub.folder)
        label_set = read_labels(sub.folder, dataset, run.taxonomy)
        config = run.config.model_copy(
            update={"train": run.config.train.model_copy(update={"models": (artifact.manifest.kind,)})}
        )
        model, rule, inputs = _joined(plan, sub, dataset, label_set, config)
        encoders = _same_encoders(artifact, model, run)
        by_name = {name: encoder.encode for name, encoder in encoders.items()}
        before, after = _figures(plan, replace(inputs, encoders=by_name), model, rule, run)
        manifest = write_artifact(
            run.folder / "artifact",
            name=artifact.manifest.name,
            kind=artifact.manifest.kind,
            model=model,
            encoders=encoders,
            taxonomy=run.taxonomy,
            rule=rule,
            columns=artifact.manifest.columns,
            clean=artifact.manifest.clean,
            max_characters=artifact.manifest.max_characters,
            metrics=_metrics(after),
            data_fingerprint=dataset.fingerprint,
            card=render_card(_card(plan, rule, after, run)),
            boilerplate=artifact.manifest.boilerplate,
            taxonomy_version=shown_version(run.taxonomy, taxonomy_file(run)),
        )
    asked = len(dataset.texts) if plan.new else 0
    seconds = time.monotonic() - started
    return Extended(plan, manifest.identifier, asked, seconds, full_seconds(run), before, after)


def full_seconds(run: Run) -> float:
    """How long the stages of the run took when they were last done."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in run.folder.glob("stages/*.done")]
    return float(sum(record["seconds"] for record in records))


def _run_needed(run: Run, why: str) -> TaxonomyError:
    return TaxonomyError(
        f"This change takes a whole run: {why}.",
        fix=f"`rubricator run` keeps stored answers and vectors; the last took {full_seconds(run):,.0f} s.",
    )


def _meanings(history: History, old: Taxonomy, today: Taxonomy) -> Sequence[str]:
    """What each column of the artifact means, by the names that versions give."""
    for version in reversed(history.versions):
        if version.digest == old.version:
            return [version.meanings[key] for key in old.keys]
    if old.version == today.version:
        return old.keys
    raise TaxonomyError(
        f"The history of {history.file} has no version {old.version}, with which the artifact was made: "
        "nobody knows which categories still mean the same.",
        fix="Run `rubricator run`; change the list by `rubricator category` afterwards.",
    )


def _labelled(run: Run) -> Run:
    """A run beside the run, with its answers and its parts, as far as labels under the list of today."""
    store = run.config.store or str((run.folder / files.ANSWERS).absolute())
    config = run.config.model_copy(
        update={"label": run.config.label.model_copy(update={"store": store})},
    )
    sub = replace(run, config=config, folder=run.folder / FOLDER)
    old, split = files.read_dataset(run.folder), files.read_split(run.folder)

    def keep_split(inside: Run) -> list[str]:
        now = files.read_dataset(inside.folder)
        if {text.id: text.content for text in now.texts} != {text.id: text.content for text in old.texts}:
            raise RubricatorError(
                "The texts have changed since the artifact was made: its parts no longer hold.",
                fix="Run `rubricator run`.",
            )
        files.write_split(inside.file("stages/split.json"), split)
        return ["the parts are those of the run"]

    kept = Stage(
        name="split",
        about="Keep the parts of the run.",
        depends=lambda _: {"split": repr(sorted(split.part.items()))},
        after=("read",),
        writes=("stages/split.json",),
        work=keep_split,
    )
    run_stages(sub, (read.STAGE, kept, label.STAGE))
    return sub


def _joined(
    plan: Extension, sub: Run, dataset: Dataset, label_set: LabelSet, config: Config
) -> tuple[Model, DecisionRule, EvaluationInputs]:
    """The kept columns with those that were learnt, in the order of the list."""
    keys, artifact = sub.taxonomy.keys, plan.artifact
    limit = TimeLimit(config.train.time_limit)
    vectors = encode_for_training(dataset.texts, sub.taxonomy, config, limit, progress=sub.progress)
    data = training_data(dataset, label_set, vectors.first, vectors.more, vectors.described)
    inputs = EvaluationInputs(data, dataset, label_set, {})
    size = len(artifact.manifest.taxonomy.keys)
    picked = tuple(plan.kept[key] if key in plan.kept else size + plan.new.index(key) for key in keys)
    if not plan.new:
        return ColumnsModel.of(artifact.model, picked), _picked(artifact.rule, None, picked, sub), inputs
    columns = [keys.index(key) for key in plan.new]
    # A list of one category is none that people may write, but one that can be learnt.
    part = Taxonomy.model_construct(
        name=sub.taxonomy.name,
        task=sub.taxonomy.task,
        none=None,
        categories=tuple(sub.taxonomy[key] for key in plan.new),
    )
    own = replace(
        data,
        examples=replace(data.examples, targets=data.examples.targets[:, columns]),
        described={name: directions[columns] for name, directions in data.described.items()},
    )
    with threadpool_limits(limits=1, user_api="blas"):
        trained, _ = train_models(
            own,
            label_set.targets[:, columns],
            train=data.part == "train",
            validation=data.part == "validation",
            taxonomy=part,
            config=config,
            folder=sub.folder / "stages/training",
            limit=limit,
            progress=sub.progress,
        )
    model = ColumnsModel.of(artifact.model, picked, trained.winner)
    return model, _picked(artifact.rule, trained.rules[trained.choice.name], picked, sub), inputs


def _picked(old: DecisionRule, new: DecisionRule | None, picked: tuple[int, ...], run: Run) -> DecisionRule:
    def column(name: str) -> Floats:
        parts = [getattr(rule, name) for rule in (old, new) if rule is not None]
        return np.asarray(np.concatenate(parts)[list(picked)])

    return DecisionRule(run.taxonomy.space, column("slope"), column("intercept"), column("threshold"))


def _same_encoders(artifact: Artifact, model: Model, run: Run) -> dict[str, Encoder]:
    encoders = open_named(model.encoders, {}, run.config, progress=run.progress)
    for name, facts in artifact.manifest.encoders.items():
        if name in encoders and json.loads(json.dumps(dict(encoders[name].describe()))) != facts:
            raise RubricatorError(
                f"The encoder '{name}' is not the one that the artifact was trained with.",
                fix="Set `encode` as it was, or run `rubricator run`.",
            )
    return encoders


def _figures(
    plan: Extension, inputs: EvaluationInputs, model: Model, rule: DecisionRule, run: Run
) -> tuple[PartMetrics | None, PartMetrics | None]:
    """Figures on test before and now, once the probabilities of what is kept are seen to be the same bits."""
    tested = inputs.data.part == "test"
    rows = np.flatnonzero(tested & (inputs.human | inputs.agreed))
    if not len(rows):
        return None, None
    seen = inputs.data.examples.subset(rows).inputs(inputs.encoders)
    old_rule = plan.artifact.rule
    old, now = (
        old_rule.probabilities(plan.artifact.model.logits(seen)),
        rule.probabilities(model.logits(seen)),
    )
    place = [run.taxonomy.keys.index(key) for key in plan.kept]
    stayed = list(plan.kept.values())
    if not np.array_equal(old[:, stayed], now[:, place]):
        raise RubricatorError("Probabilities of kept categories changed; nothing was written.")
    sources = inputs.label_set.sources
    truth = np.where(sources.human[:, None], sources.categories, inputs.label_set.decided)[rows]
    about = f"{len(rows):,} texts of the test part, labelled by people or else by agreement of the teachers"
    settings: dict[str, Any] = {"bootstrap": run.config.evaluate.bootstrap, "seed": run.config.seed}
    before = None
    if place:
        kept_rule = _rule_of(old_rule, stayed, tuple(plan.kept))
        said = (old[:, stayed], old_rule.decide(old)[:, stayed])
        scored = inputs.part("test", about, rows, truth[:, place], said)
        before = measure(scored, tuple(plan.kept), rule=kept_rule, **settings)
    scored = inputs.part("test", about, rows, truth, (now, rule.decide(now)))
    return before, measure(scored, run.taxonomy.keys, rule=rule, **settings)


def _rule_of(rule: DecisionRule, columns: list[int], keys: tuple[str, ...]) -> DecisionRule:
    space = replace(rule.space, keys=keys)
    return DecisionRule(space, rule.slope[columns], rule.intercept[columns], rule.threshold[columns])


def _metrics(after: PartMetrics | None) -> dict[str, Any]:
    if after is None:
        return {}
    return {"headline": after.part, "parts": {after.part: json.loads(json.dumps(after.as_dict()))}}


def _card(plan: Extension, rule: DecisionRule, after: PartMetrics | None, run: Run) -> CardFacts:
    manifest = plan.artifact.manifest
    return CardFacts(
        name=manifest.name,
        created=datetime.now(UTC),
        kind=manifest.kind,
        about=f"extends {manifest.identifier}, of which the columns of kept categories are the same",
        encoder=run.config.encode.written(plan.artifact.model.encoders),
        taxonomy=run.taxonomy,
        taxonomy_version=shown_version(run.taxonomy, taxonomy_file(run)),
        rule=rule,
        training=tuple(f"{line}." for line in plan.lines()),
        measured="There are no test texts." if after is None else f"{after.about}.",
        texts=0 if after is None else after.texts,
        confidence=0.95 if after is None else after.confidence,
        headline={} if after is None else {n.replace("_", " "): getattr(after, n) for n in _FIGURES},
        categories=() if after is None else after.categories,
    )
