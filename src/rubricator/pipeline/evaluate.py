"""Evaluate: the test part is touched once; every figure with its interval, plots, and the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rubricator.dataset import files
from rubricator.dataset.annotations import TeacherProbabilities, read_annotations
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.inputs import BASE, EncodeTexts, Inputs
from rubricator.dataset.labels import LabelSet, read_labels
from rubricator.dataset.metrics import METRICS, PartMetrics
from rubricator.dataset.training_data import TrainingData, training_data
from rubricator.encode import open_named
from rubricator.encode.vectors import encode_by_each
from rubricator.evaluate.metrics.beside_teachers import compare_with_teachers
from rubricator.evaluate.metrics.errors import explain_errors, worst_errors
from rubricator.evaluate.metrics.goals import goal_standings, mistake_costs
from rubricator.evaluate.metrics.latency import measure_latency
from rubricator.evaluate.metrics.part_metrics import measure
from rubricator.evaluate.metrics.prediction_table import SCORED, write_scored
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.evaluate.plots.plot import Plot
from rubricator.evaluate.report.gather import figures, report_data
from rubricator.evaluate.report.model_details import TestSet, details_of
from rubricator.evaluate.report.report_data import Evaluated
from rubricator.evaluate.report.write import write_report
from rubricator.ingest.clean import Cleaner
from rubricator.models.training_files import read_training
from rubricator.models.training_result import OutOfFoldPredictions, TrainingResult
from rubricator.pages.formatting import series
from rubricator.pipeline.stage import Run, Stage
from rubricator.records import Origin, Text
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.bootstrap import Estimate


def evaluate(
    run: Run,
    inputs: EvaluationInputs,
    agreement: TeacherProbabilities,
    trained: TrainingResult,
    oof: OutOfFoldPredictions | None,
    classify: Callable[[list[Text]], object],
) -> Evaluated:
    """Measure the winner, and beside it every other model on the headline part.

    `agreement` is what the teachers think of every text, golden ones not having taught them; `oof` are golden
    texts predicted by cross-validation, where golden texts train; `classify` is timed for the latency.

    Raises:
        DataError: There is no text to measure on.
    """
    texts, taxonomy, settings = inputs.dataset.texts, run.taxonomy, run.config.evaluate
    draws, seed = settings.bootstrap, run.config.seed
    sampling: dict[str, Any] = {"bootstrap": draws, "confidence": settings.confidence, "seed": seed}
    winner = trained.choice.name
    scored = list(_parts(inputs, trained, oof, winner if oof is None else "chosen"))

    def figures_of(part: ScoredPredictions, model: str) -> PartMetrics:
        return measure(part, taxonomy.keys, rule=trained.rules[model], **sampling)

    rivals = {name: figures_of(next(_parts(inputs, trained, oof, name)), name) for name in trained.models}
    latency = measure_latency(
        classify, texts, budget_seconds=settings.budget_seconds, patience=settings.latency_seconds
    )
    details = details_of(trained, inputs.test_set(), taxonomy, run.config, run.folder)
    row = {text.id: number for number, text in enumerate(texts)}
    opinions = agreement.probabilities[[row[id_] for id_ in scored[0].ids]]
    beside = compare_with_teachers(scored[0], opinions, taxonomy.space, **sampling)
    metrics = [figures_of(part, winner) for part in scored]
    goals = goal_standings(scored[0], run.config.goals, taxonomy.space, **sampling)
    cost = run.config.decision.cost
    costs = mistake_costs(scored[0], cost, taxonomy.space, **sampling) if cost else None
    return Evaluated(scored, metrics, rivals, latency, details, beside, goals, costs)


@dataclass(frozen=True, slots=True)
class EvaluationInputs:
    """What a part is cut out of; labels agreed between teachers are the truth where no person labelled."""

    data: TrainingData
    dataset: Dataset
    label_set: LabelSet
    encoders: Mapping[str, EncodeTexts]
    _by_rows: dict[bytes, Inputs] = field(default_factory=dict)

    @property
    def human(self) -> Bools:
        """Texts of which a person said the truth in a way that may measure."""
        return self.label_set.sources.unbiased

    @property
    def agreed(self) -> Bools:
        """Texts whose label the teachers agreed on; a person who saw suggestions measures nothing."""
        return self.label_set.sources.agreed

    def predicted(self, trained: TrainingResult, model: str, rows: Indices) -> tuple[Floats, Bools]:
        """Probabilities and decisions of the model itself about some rows."""
        key, rule = rows.tobytes(), trained.rules[model]
        if key not in self._by_rows:  # one object for all models: encoders take longest
            self._by_rows[key] = self.data.examples.subset(rows).inputs(self.encoders)
        probabilities = rule.probabilities(trained.models[model].logits(self._by_rows[key]))
        return probabilities, rule.decide(probabilities)

    def test_set(self) -> TestSet:
        """Texts of the test part whose categories are known, from people where they said so."""
        rows = np.flatnonzero((self.data.part == "test") & (self.human | self.agreed))
        truth = np.where(self.human[:, None], self.label_set.sources.categories, self.label_set.decided)
        return TestSet(self.data.examples.subset(rows), truth[rows], self.encoders)

    def part(
        self, name: str, about: str, rows: Indices, truth: Bools, predicted: tuple[Floats, Bools]
    ) -> ScoredPredictions:
        """Some rows with their truth and what a model says of them."""
        texts = [self.dataset.texts[row] for row in rows]
        return ScoredPredictions(
            part=name,
            about=about,
            ids=[text.id for text in texts],
            contents=[text.content for text in texts],
            groups=[self.dataset.groups[text.id] for text in texts],
            truth=truth,
            probabilities=predicted[0],
            decisions=predicted[1],
            origins=[Origin(self.label_set.sources.origin[row]) for row in rows],
        )


def _parts(
    inputs: EvaluationInputs, trained: TrainingResult, oof: OutOfFoldPredictions | None, model: str
) -> Iterator[ScoredPredictions]:
    """The parts in order of trust; `model` may be `chosen` (see `OutOfFoldPredictions`)."""
    in_test = inputs.data.part == "test"
    truth = inputs.label_set.sources.categories
    tested = np.flatnonzero(in_test & inputs.human)
    agreed = np.flatnonzero(in_test & inputs.agreed)
    served = trained.choice.name if model == "chosen" else model
    predicted = inputs.predicted(trained, served, tested)
    if oof is not None:
        rows = np.concatenate([oof.rows, tested])
        both = (
            np.concatenate([oof.probabilities[model], predicted[0]]),
            np.concatenate([oof.decisions[model], predicted[1]]),
        )
        about = (
            f"{len(rows)} texts labelled by people, each predicted by a model that never saw it: "
            f"{len(oof.rows)} by cross-validation, {len(tested)} of the test part by the model itself"
        )
        if not oof.nested:
            about += (
                "; which kind of model serves was chosen on the former, so the figure is a little optimistic"
            )
        yield inputs.part("golden", about, rows, truth[rows], both)
    if len(tested):
        about = f"{len(tested)} texts of the test part, labelled by people"
        yield inputs.part("test", about, tested, truth[tested], predicted)
    if len(agreed):
        about = (
            f"{len(agreed)} texts of the test part with labels agreed between teachers: "
            "how well the model repeats its teachers, not how right it is"
        )
        name = "test_agreed" if inputs.human.any() else "test"
        predicted = inputs.predicted(trained, served, agreed)
        yield inputs.part(name, about, agreed, inputs.label_set.decided[agreed], predicted)


def _work(run: Run) -> list[str]:
    config, taxonomy = run.config, run.taxonomy
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    label_set = read_labels(run.folder, dataset, taxonomy)
    trained, oof = read_training(run.folder)
    vectors = encode_by_each(dataset.texts, config, trained.untrained, progress=run.progress)
    own_encoders = trained.open(config)
    data = training_data(dataset, label_set, vectors.pop(BASE, None), vectors)
    inputs = EvaluationInputs(data, dataset, label_set, encoders=own_encoders)
    cleaner, winner = Cleaner(config.clean, dataset.boilerplate), trained.choice.name
    opened = open_named(trained.untrained, {}, config, progress=run.progress)
    encoders = own_encoders | {name: encoder.encode for name, encoder in opened.items()}

    def classify(texts: list[Text]) -> object:
        contents, rule = [cleaner.content(text) for text in texts], trained.rules[winner]
        raw = Inputs(contents, [text.features for text in texts], encoders=encoders)
        return rule.decide(rule.probabilities(trained.winner.logits(raw)))

    # Categories and kinds of model that are gone leave no picture behind.
    for image in (run.folder / "plots").glob("*.png"):
        image.unlink()
    agreement = read_annotations(run.folder, len(dataset.texts), taxonomy.keys).agreement
    evaluated = evaluate(run, inputs, agreement, trained, oof, classify)
    write_scored(run.file(SCORED), evaluated.scored, taxonomy)
    files.write_json(run.file(METRICS), figures(evaluated, trained, label_set, dataset, config))
    plots: tuple[Plot, ...] = ()
    if config.evaluate.plots:
        from rubricator.evaluate.plots.write import write_plots  # a second to import

        titles = {category.key: category.title for category in taxonomy.categories}
        plots = write_plots(evaluated.scored[0], evaluated.metrics[0], titles, run.folder / "plots")
    errors = worst_errors(evaluated.scored[0], taxonomy.keys, count=config.evaluate.worst)
    if config.evaluate.words:
        by_id = {text.id: text for text in dataset.texts}
        texts = [by_id[error.id] for error in errors]
        raw = Inputs([t.content for t in texts], [t.features for t in texts], encoders=encoders)
        errors = explain_errors(
            errors,
            trained.winner,
            trained.rules[winner],
            raw,
            words=config.evaluate.words,
            progress=run.progress,
        )
    page = report_data(
        evaluated,
        trained,
        label_set,
        dataset,
        split,
        plots,
        taxonomy,
        config,
        errors=errors,
        command=run.command,
        folder=run.folder,
        options=run.options,
    )
    write_report(run.file("report.html"), page)
    return _lines(evaluated, winner)


def _lines(evaluated: Evaluated, winner: str) -> list[str]:
    head, latency = evaluated.metrics[0], evaluated.latency
    # In a fold another kind may have won: the procedure is more than the kind that it chose in the end.
    name = winner if head == evaluated.rivals[winner] else f"the whole procedure, which chose {winner}"
    left_out = f" (no text has {series([*head.unmeasured])})" if head.unmeasured else ""
    macro, micro = _estimate(head.macro_f1) + left_out, _estimate(head.micro_f1)
    return [
        f"{name}: macro-F1 {macro}, micro-F1 {micro} on {head.about}",
        f"one text in {latency.p50 * 1000:.0f} ms (95 of 100 within {latency.p95 * 1000:.0f} ms), "
        f"{latency.texts_per_second:,.0f} texts/s in batches; budget {latency.budget:g} s "
        + ("kept" if latency.within_budget else "NOT kept"),
        *(table.summary for table in evaluated.details.tables),
    ]


def _estimate(estimate: Estimate) -> str:
    if estimate.value is None:
        return "undefined"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


_SETTINGS = {"name", "evaluate", "seed", "encode", "clean", "goals", "decision"}

STAGE = Stage(
    name="evaluate",
    about="Measure the model on test and golden texts, draw the plots, write the report.",
    depends=lambda run: {
        "config": run.config.model_dump_json(include=_SETTINGS),
        "taxonomy": run.taxonomy.version,
    },
    after=("read", "split", "label", "train"),
    writes=(SCORED, METRICS, "report.html", "plots"),
    work=_work,
)
