"""What a report is made of: plain values, gathered by whoever ran the stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rubricator.dataset.annotations import TeacherReport
from rubricator.dataset.goals import GoalStanding, MistakeCosts
from rubricator.dataset.metrics import PartMetrics
from rubricator.evaluate.metrics.beside_teachers import BesideTeachers
from rubricator.evaluate.metrics.errors import PredictionError
from rubricator.evaluate.metrics.latency import Latency
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.evaluate.plots.plot import Plot
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Indices
from rubricator.stats.bootstrap import Estimate

Cell = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What was read, what became of it and how it was divided.

    Attributes:
        rejected: Reason to number of rows.
        exact: Texts that repeat an earlier one word for word; `near` are those that nearly do.
        parts: Part to origin of its labels (`golden`, `agreement` …) to number of texts.
        learned: Origin of the labels that the model learned from to number of texts.
        mix: Category key to part to number of texts that have it.
        bare: Part to number of texts without any category.
        by_people: Category key to number of texts that people gave it to, of `people_labelled` in all.
        notes: Sentences: how it was split, what became of the golden set.
    """

    files: tuple[str, ...] = ()
    read: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    exact: int = 0
    near: int = 0
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    learned: Mapping[str, int] = field(default_factory=dict)
    mix: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    bare: Mapping[str, int] = field(default_factory=dict)
    by_people: Mapping[str, int] = field(default_factory=dict)
    people_labelled: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FactTable:
    """A table about a model: how to read it, and what it comes to in a line for the terminal."""

    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What there is to see of a model itself: its rules, what its columns are worth, how it learnt."""

    tables: tuple[FactTable, ...] = ()
    plots: tuple[Plot, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the winner is worth on each part, of which the first is the headline.

    Rivals are the figures of every model on the headline part, by model name. `beside_teachers` is None where
    people labelled no text of the headline, `costs` where the settings do not say what mistakes cost.
    """

    scored: Sequence[ScoredPredictions]
    metrics: Sequence[PartMetrics]
    rivals: Mapping[str, PartMetrics]
    latency: Latency
    details: Details = field(default_factory=Details)
    beside_teachers: BesideTeachers | None = None
    goals: tuple[GoalStanding, ...] = ()
    costs: MistakeCosts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model that was tried: scores by name, in the order in which to show them; seconds of training."""

    name: str
    about: str = ""
    scores: Mapping[str, Estimate] = field(default_factory=dict)
    seconds: float | None = None
    texts_per_second: float | None = None
    mebibytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """Which models competed, on what (in a sentence; never the test part), and why one won.

    `dropped` are sentences on why a kind that was thought of is not among them.
    """

    chosen: str
    reason: str
    measured_on: str = ""
    candidates: tuple[ModelRow, ...] = ()
    dropped: tuple[str, ...] = ()
    details: Details = Details()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """All it takes to get the same figures again: the config as YAML, and versions by library."""

    command: str
    config: str = ""
    seed: int | None = None
    data_fingerprint: str = ""
    taxonomy_version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: str = ""


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something to do next, and the command that does it."""

    about: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything the report tells; a section whose facts are missing is left out.

    Attributes:
        created: Date and time, as it shall be read.
        titles: Category key to name for people, in taxonomy order.
        model: What the model is, in a few words.
        metrics: Parts that were measured; the first is the headline, of which plots and errors are.
        mistaken: Of texts that may have several categories, what stands where one is missed; None elsewhere.
        cautions: Sentences that a reader must not miss, added to those the report finds itself.
    """

    name: str
    created: str
    titles: Mapping[str, str]
    space: LabelSpace
    model: str = ""
    metrics: tuple[PartMetrics, ...] = ()
    plots: tuple[Plot, ...] = ()
    errors: tuple[PredictionError, ...] = ()
    mistaken: Indices | None = None
    data: DataFacts | None = None
    teachers: tuple[TeacherReport, ...] = ()
    models: ModelFacts | None = None
    latency: Latency | None = None
    reproduction: Reproduction | None = None
    goals: tuple[GoalStanding, ...] = ()
    costs: MistakeCosts | None = None
    cautions: tuple[str, ...] = ()
    next_steps: tuple[NextStep, ...] = ()
