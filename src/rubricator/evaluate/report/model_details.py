"""What there is to see of the models themselves: rules at work, what columns are worth, how training went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rubricator.config import Config
from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import EncodeTexts, Features
from rubricator.evaluate.plots.plot import Plot
from rubricator.evaluate.report.model_descriptions import parts_in_words
from rubricator.evaluate.report.report_data import Details, FactTable
from rubricator.models.cascade import CascadeModel, rule_figures
from rubricator.models.training_result import WORDS, LearningCurve, TrainingResult
from rubricator.stats.arrays import Bools
from rubricator.taxonomy import Taxonomy

_ALL = "stages/training/all"


@dataclass(frozen=True, slots=True)
class TestSet:
    """Texts that no model was trained on, their categories, and what computes vectors of trained encoders."""

    examples: Examples
    truth: Bools
    encoders: Mapping[str, EncodeTexts]


def details_of(
    trained: TrainingResult, test_set: TestSet, taxonomy: Taxonomy, config: Config, folder: Path
) -> Details:
    """Tables and plots about the models, those into `plots` of the run; a model may have nothing to show."""
    cascade = trained.models.get("cascade")
    tables = []
    if isinstance(cascade, CascadeModel) and cascade.rules and len(test_set.examples):
        tables.append(_rules(cascade, test_set, taxonomy))
    if tried := trained.facts.get("heads", {}).get("tried"):
        tables.append(_mixes(tried, config))
    if trained.curve is not None:
        tables.append(_learning_curve(trained.curve))
    plots = _plots(trained, test_set, config, folder / "plots") if config.evaluate.plots else ()
    return Details(tables=tuple(tables), plots=tuple(plots))


def _plots(trained: TrainingResult, test_set: TestSet, config: Config, folder: Path) -> Iterator[Plot]:
    yield from _curves(trained, folder)
    names = [name for name in ("hybrid", trained.choice.name) if name in trained.models]
    reader = next((name for name in names if trained.models[name].columns), None)
    if reader is not None and len(test_set.examples):
        yield _importance(trained, reader, test_set, config, folder)


def _rules(cascade: CascadeModel, test_set: TestSet, taxonomy: Taxonomy) -> FactTable:
    rules = rule_figures(cascade, test_set.examples.inputs(test_set.encoders), test_set.truth)
    taken, right = sum(one.taken for one in rules), sum(one.right for one in rules)
    title = "Rules of the cascade"
    return FactTable(
        title=title,
        about=f"In order, on {len(test_set.examples):,} texts of the test part, which no rule was made from.",
        columns=("rule", "category", "texts taken", "right", "precision"),
        rows=tuple(
            (one.rule, taxonomy.categories[one.category].title, one.taken, one.right, one.precision)
            for one in rules
        ),
        summary=f"{title}: {len(rules)} of them take {taken:,} test texts, {right:,} of them rightly",
    )


def _mixes(tried: Sequence[Mapping[str, Any]], config: Config) -> FactTable:
    chosen = next(mix for mix in tried if mix["chosen"])
    return FactTable(
        title="What heads may be mixed of",
        about="Log-loss of the texts that heads learnt from, each by parts and weights that did not see its "
        "fold; less is better. A larger mix is taken only if it is ahead by a standard error.",
        columns=("parts", "encoders", "log-loss", "taken"),
        rows=tuple(
            (
                ", ".join(mix["parts"]),  # a cell is cut where it is long
                config.encode.written(mix["encoders"]),
                round(mix["log_loss"], 4),
                "yes" if mix["chosen"] else "",
            )
            for mix in tried
        ),
        summary=f"Heads are {parts_in_words(chosen['parts'])}: log-loss {chosen['log_loss']:.3f}"
        + (f", lines alone {tried[0]['log_loss']:.3f}" if chosen is not tried[0] else ""),
    )


def _learning_curve(curve: LearningCurve) -> FactTable:
    most = curve.points[-1]
    return FactTable(
        title="What more labels would bring",
        about=f"What a quick model reaches, held out, on all {most.texts:,} texts of training that people "
        f"labelled when only so many of them teach. By the line through these figures, {curve.promise}.",
        columns=("labels of people", WORDS[curve.metric]),
        rows=tuple((f"{point.texts:,}", point.value) for point in curve.points),
        summary=curve.promise,
    )


def _importance(trained: TrainingResult, name: str, test_set: TestSet, config: Config, folder: Path) -> Plot:
    from rubricator.evaluate.metrics.importance import permutation_importance
    from rubricator.evaluate.plots.model_plots import draw_importance

    model, rule = trained.models[name], trained.rules[name]
    # Vectors do not change when columns are shuffled, so each encoder runs once.
    inputs = test_set.examples.inputs(test_set.encoders)
    for encoder in model.encoders:
        inputs.vectors(encoder)

    def decide(rows: Sequence[Features]) -> Bools:
        return rule.decide(rule.probabilities(model.logits(inputs.with_features(rows))))

    importances = permutation_importance(
        decide,
        test_set.examples.features,
        test_set.truth,
        columns=model.columns,
        groups=test_set.examples.groups,
        metric=trained.metric,
        seed=config.seed,
    )
    path = folder / "importance.png"
    draw_importance(importances, path, metric=WORDS[trained.metric])
    drops = ", ".join(f"{one.column} {one.drop:.3f}" for one in importances)
    alt = f"What {name} loses in {WORDS[trained.metric]} when a column is shuffled: {drops}"
    return Plot(category=None, kind="importance", path=path, alt=alt)


def _curves(trained: TrainingResult, folder: Path) -> Iterator[Plot]:
    from rubricator.evaluate.plots.model_plots import draw_curves

    for name in trained.models:
        table = folder.parent / _ALL / name / "epochs.csv"
        if not table.is_file():
            continue
        image = folder / f"{name}-epochs.png"
        chosen = trained.facts[name].get("epochs")
        alt = draw_curves(table, image, chosen=chosen if isinstance(chosen, int) else None)
        yield Plot(category=None, kind="epochs", path=image, alt=f"{name}: {alt}")
