"""What the stages of a project leave behind, as frames of polars and as what a notebook shows."""

from __future__ import annotations

import base64
import html
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from rubricator.artifact import Manifest
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet
from rubricator.dataset.precision_table import PrecisionTable, read_table
from rubricator.dataset.split import DatasetSplit
from rubricator.dataset.synthetic import SyntheticText
from rubricator.evaluate.comparison.compare import Comparison
from rubricator.evaluate.comparison.verdict import figure_name, verdict
from rubricator.explore.profile import Profile
from rubricator.models.training_result import WORDS, TrainingResult
from rubricator.pipeline.explore import PAGE, Exploration
from rubricator.predict import Predictor
from rubricator.stats.bootstrap import Estimate
from rubricator.taxonomy import Taxonomy


class Shown(ABC):
    """Something that becomes a frame, and that a notebook shows with a sentence above it."""

    @abstractmethod
    def to_frame(self) -> pl.DataFrame:
        """The result as a table."""

    @abstractmethod
    def sentences(self) -> Sequence[str]:
        """What it comes to, for someone who reads nothing else."""

    def plot(self) -> Path | None:
        """A picture that says more than the table; None where there is none."""
        return None

    def _repr_html_(self) -> str:
        paragraphs = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.sentences())
        place = self.plot()
        if place is not None and place.is_file():
            data = base64.b64encode(place.read_bytes()).decode()
            style = "max-width: 100%; background: white"
            return f'{paragraphs}<img alt="{place.stem}" style="{style}" src="data:image/png;base64,{data}"/>'
        return f"{paragraphs}{self.to_frame()._repr_html_()}"


@dataclass(frozen=True, slots=True)
class StageResult(Shown):
    """The folder of the run, and the lines in which the stage told what it did when it last ran."""

    folder: Path
    lines: tuple[str, ...]

    def sentences(self) -> Sequence[str]:
        """What the stage told."""
        return self.lines


@dataclass(frozen=True, slots=True)
class ReadResult(StageResult):
    """The texts."""

    dataset: Dataset

    def to_frame(self) -> pl.DataFrame:
        """A row per text: as found, cleaned, its group of near-duplicates, and what people said."""
        dataset = self.dataset
        rows = [
            {name: getattr(text, name) for name in ("id", "title", "body", "source", "content")}
            | {"time": text.time.isoformat() if text.time else None, "group": dataset.groups[text.id]}
            | {"golden": list(dataset.golden[text.id]) if text.id in dataset.golden else None}
            for text in dataset.texts
        ]
        names = ("id", "title", "body", "source", "time", "content", "group")
        return pl.DataFrame(rows, schema={**dict.fromkeys(names, pl.String), "golden": pl.List(pl.String)})


@dataclass(frozen=True, slots=True)
class ExploreResult(Shown):
    """What the texts are like, and what of it will hurt a model."""

    exploration: Exploration

    @property
    def profile(self) -> Profile:
        """Every figure of the page."""
        return self.exploration.profile

    @property
    def page(self) -> Path:
        """Where the page lies."""
        return self.exploration.folder / PAGE

    def to_frame(self) -> pl.DataFrame:
        """A row per caution, the worst first."""
        rows = [asdict(one) | {"commands": list(one.commands)} for one in self.exploration.cautions]
        words = dict.fromkeys(("problem", "harm", "advice"), pl.String)
        return pl.DataFrame(rows, schema={"weight": pl.Float64, **words, "commands": pl.List(pl.String)})

    def sentences(self) -> Sequence[str]:
        """How many texts there are, and what a reader must know of the figures."""
        profile = self.profile
        counted = f"{profile.texts:,} texts, {profile.distinct:,} different; the page: {self.page}"
        return (counted, *profile.notes)


@dataclass(frozen=True, slots=True)
class SplitResult(StageResult):
    """Which text serves what."""

    split: DatasetSplit

    def to_frame(self) -> pl.DataFrame:
        """A row per text: its part, and its fold where people labelled it."""
        split = self.split
        return pl.DataFrame(
            [{"id": id_, "part": part, "fold": split.fold.get(id_)} for id_, part in split.part.items()],
            schema={"id": pl.String, "part": pl.String, "fold": pl.Int64},
        )

    def sentences(self) -> Sequence[str]:
        """Sizes of the parts, and how the texts were divided."""
        return (*self.lines, *self.split.notes)


@dataclass(frozen=True, slots=True)
class LabelResult(StageResult):
    """The labels."""

    dataset: Dataset
    label_set: LabelSet
    taxonomy: Taxonomy

    def to_frame(self) -> pl.DataFrame:
        """A row per text: its categories, who labelled it, and a probability per category."""
        labels, keys = self.label_set.labels, self.taxonomy.keys
        rows: list[dict[str, Any]] = []
        for text in self.dataset.texts:
            label = labels.get(text.id)
            row: dict[str, Any] = {"id": text.id, "text": text.content}
            if label is not None:
                row |= {"labels": list(label.categories), "origin": str(label.origin)}
                row |= {"teachers": list(label.teachers)}
                row |= {f"p_{key}": label.probabilities[key] for key in keys}
            rows.append(row)
        names = dict.fromkeys(("id", "text", "labels", "origin", "teachers"), pl.String)
        lists = dict.fromkeys(("labels", "teachers"), pl.List(pl.String))
        return pl.DataFrame(rows, schema=names | lists | {f"p_{key}": pl.Float64 for key in keys})

    def teachers(self) -> pl.DataFrame:
        """A row per teacher, and one for what they agree on: how each fares against golden texts."""
        names = ("texts", "answered", "macro_f1", "kappa", "accuracy")
        return pl.DataFrame(
            [
                {"teacher": report.teacher} | {name: getattr(report, name) for name in names}
                for report in self.label_set.reports
            ],
            schema={"teacher": pl.String, "texts": pl.Int64, **dict.fromkeys(names[1:], pl.Float64)},
        )


@dataclass(frozen=True, slots=True)
class AugmentResult(StageResult):
    """Synthetic texts that passed the judge; `statistics` tell per category and stage what was dropped."""

    texts: Sequence[SyntheticText]
    statistics: Sequence[Mapping[str, Any]]

    def to_frame(self) -> pl.DataFrame:
        """A row per text: what it says, its category, parents, stage, model and what the judge found."""
        rows = [
            {
                "id": text.id,
                "text": text.content,
                "category": text.categories[0],
                "parents": list(text.parents),
                "stage": text.stage,
                "model": text.model,
                "verdicts": json.dumps(dict(text.verdicts), ensure_ascii=False),
            }
            for text in self.texts
        ]
        names = ("id", "text", "category", "stage", "model", "verdicts")
        return pl.DataFrame(rows, schema={**dict.fromkeys(names, pl.String), "parents": pl.List(pl.String)})


@dataclass(frozen=True, slots=True)
class TrainResult(StageResult):
    """The models."""

    trained: TrainingResult

    @property
    def chosen(self) -> str:
        """Name of the model that serves."""
        return self.trained.choice.name

    def to_frame(self) -> pl.DataFrame:
        """A row per model, the best first: what it reached on validation, and what it costs."""
        return scores_frame(self.trained)


def scores_frame(trained: TrainingResult) -> pl.DataFrame:
    """A row per model, the best first: what it reached on validation, and what it costs if that is known."""
    rows: list[dict[str, Any]] = []
    for name, score in trained.choice.scores.items():
        low, high = score.intervals.get(trained.metric, (None, None))
        cost = trained.costs.get(name)
        rows.append(
            {
                "model": name,
                "chosen": name == trained.choice.name,
                **{str(metric): float(getattr(score, metric)) for metric in WORDS},
                f"{trained.metric}_low": low,
                f"{trained.metric}_high": high,
                "seconds": trained.seconds[name],
                "texts_per_second": cost and cost.texts_per_second,
                "bytes": cost and cost.bytes,
            }
        )
    return pl.DataFrame(rows)


@dataclass(frozen=True, slots=True)
class EvaluateResult(StageResult):
    """What the model is worth: everything measured, as in `metrics.json`."""

    metrics: dict[str, Any]

    @property
    def part(self) -> dict[str, Any]:
        """The figures that the report leads with."""
        part: dict[str, Any] = self.metrics["parts"][self.metrics["headline"]]
        return part

    @property
    def report(self) -> Path:
        """The page."""
        return self.folder / "report.html"

    def estimate(self, name: str) -> Estimate:
        """A figure with its interval: `macro_f1`, `micro_f1`, `weighted_f1`, `subset_accuracy` and others."""
        return Estimate(**self.part[name])

    def to_frame(self) -> pl.DataFrame:
        """A row per category: how many texts have it, and how well it is found."""
        shares = ("precision", "recall", "f1", "f1_low", "f1_high")
        return pl.DataFrame(
            [
                {"category": one["key"]}
                | {name: one[name] for name in ("support", "precision", "recall")}
                | {"f1": one["f1"]["value"], "f1_low": one["f1"]["low"], "f1_high": one["f1"]["high"]}
                for one in self.part["categories"]
            ],
            schema={"category": pl.String, "support": pl.Int64, **dict.fromkeys(shares, pl.Float64)},
        )

    def plot(self) -> Path | None:
        """F1 of every category with its interval."""
        return self.folder / "plots/overview.png"


@dataclass(frozen=True, slots=True)
class ExportResult(StageResult):
    """The artifact."""

    manifest: Manifest

    @property
    def precision(self) -> PrecisionTable | None:
        """What each precision of the encoders costs and saves; None where nobody asked."""
        return read_table(self.folder)

    @property
    def artifact(self) -> Path:
        """Its folder: what `Rubricator.load` and `rubricator serve` take."""
        return self.folder / "artifact"

    def load(self) -> Predictor:
        """The artifact, ready to predict."""
        return Predictor.load(self.artifact)

    def to_frame(self) -> pl.DataFrame:
        """One row."""
        manifest = self.manifest
        return pl.DataFrame(
            {"artifact": [manifest.identifier], "model": [manifest.kind], "folder": [str(self.artifact)]}
        )


@dataclass(frozen=True, slots=True)
class RunResult(Shown):
    """What a whole run left, stage by stage."""

    read: ReadResult
    split: SplitResult
    label: LabelResult
    train: TrainResult
    evaluate: EvaluateResult
    export: ExportResult

    def to_frame(self) -> pl.DataFrame:
        """How well every category is found."""
        return self.evaluate.to_frame()

    def sentences(self) -> Sequence[str]:
        """What the model is worth, and where it lies."""
        return (*self.evaluate.lines, *self.export.lines)

    def plot(self) -> Path | None:
        """F1 of every category with its interval."""
        return self.evaluate.plot()


@dataclass(frozen=True, slots=True)
class ComparisonResult(Shown):
    """Two projects on the texts that both were measured on."""

    comparison: Comparison

    def to_frame(self) -> pl.DataFrame:
        """A row per figure and category: old, new, the change, its interval and p-value, also corrected."""
        comparison = self.comparison
        space, before = comparison.space, comparison.old
        rows = []
        for against in comparison.new:
            after = against.side
            figures = [
                (figure_name(name, space), before.figures[name], after.figures[name], against.figures[name])
                for name in before.figures
            ]
            figures += [(f"F1 {key}", before.f1[key], after.f1[key], against.f1[key]) for key in space.keys]
            rows += [
                {
                    "run": against.side.name,
                    "figure": name,
                    "old": old.value,
                    "new": new.value,
                    "change": difference.change.value,
                    "low": difference.change.low,
                    "high": difference.change.high,
                    "p_value": difference.p_value,
                    "corrected_p": difference.corrected_p,
                }
                for name, old, new, difference in figures
            ]
        numbers = ("old", "new", "change", "low", "high", "p_value", "corrected_p")
        return pl.DataFrame(
            rows, schema={"run": pl.String, "figure": pl.String, **dict.fromkeys(numbers, pl.Float64)}
        )

    def changes(self) -> pl.DataFrame:
        """A row per text that is answered differently, the surest first."""
        return pl.DataFrame(
            [
                {
                    "run": against.side.name,
                    "id": change.id,
                    "text": change.content,
                    "kind": str(change.kind),
                    "truth": list(change.truth),
                    "old": list(change.old),
                    "new": list(change.new),
                }
                for against in self.comparison.new
                for change in against.changes
            ],
            schema={
                **dict.fromkeys(("run", "id", "text", "kind"), pl.String),
                **dict.fromkeys(("truth", "old", "new"), pl.List(pl.String)),
            },
        )

    def sentences(self) -> Sequence[str]:
        """The verdict, and which measured texts were left out."""
        comparison = self.comparison
        return (*(verdict(comparison, against) for against in comparison.new), *comparison.left_out)
