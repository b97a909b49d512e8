"""What a report is made of: plain values, gathered by whoever ran the stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rubricator.dataset.annotations import TeacherReport
from rubricator.dataset.metrics import PartMetrics
from rubricator.evaluate.metrics.errors import PredictionError
from rubricator.evaluate.metrics.latency import Latency
from rubricator.evaluate.plots.plot import Plot
from rubricator.label_space import LabelSpace
from rubricator.stats.bootstrap import Estimate

Cell = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What was read, what became of it and how it was divided.

    Attributes:
        files: Names of the input files.
        read: Texts that were read and kept.
        rejected: Reason to number of rows.
        exact: Texts that repeat an earlier one word for word.
        near: Texts that nearly repeat an earlier one.
        parts: Part to origin of its labels (`golden`, `agreement` …) to number of texts.
        mix: Category key to part to number of texts that have it.
        bare: Part to number of texts without any category.
        notes: Sentences: how it was split, what became of the golden set.
    """

    files: tuple[str, ...] = ()
    read: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    exact: int = 0
    near: int = 0
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    mix: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    bare: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FactTable:
    """A table about a model.

    Attributes:
        title: What it shows.
        about: A sentence on how to read it.
        columns: Their names.
        rows: Their cells; a number with a fraction is shown with three digits.
        summary: What it comes to, in a line for the terminal.
    """

    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What there is to see of a model itself: its rules, what its columns are worth, how it learnt.

    Attributes:
        tables: Tables, in the order in which to show them.
        plots: Likewise.
    """

    tables: tuple[FactTable, ...] = ()
    plots: tuple[Plot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model that was tried.

    Attributes:
        name: As in the config.
        about: What it is, in a few words.
        scores: Name of a figure to its value on validation (with an interval where there is one), in
            the order in which to show them.
        seconds: Time it took to train; None if unknown.
        texts_per_second: Speed of prediction; None if unknown.
        mebibytes: Size of all that serves it; None if unknown.
    """

    name: str
    about: str = ""
    scores: Mapping[str, Estimate] = field(default_factory=dict)
    seconds: float | None = None
    texts_per_second: float | None = None
    mebibytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """Which models competed, on what, and why one won.

    Attributes:
        chosen: Name of the winner.
        reason: Why, in a sentence.
        measured_on: What the scores were computed on, in a sentence; never the test part.
        candidates: All of them.
        dropped: Why a kind that was thought of is not among them, as sentences.
        details: What there is to see of the winner itself.
    """

    chosen: str
    reason: str
    measured_on: str = ""
    candidates: tuple[ModelRow, ...] = ()
    dropped: tuple[str, ...] = ()
    details: Details = Details()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """All it takes to get the same figures again.

    Attributes:
        command: The command line.
        config: The whole config as YAML.
        seed: The random seed.
        data_fingerprint: Hash of the texts that were read.
        taxonomy_version: Version of the list of categories.
        versions: Library to version.
        machine: What it ran on.
    """

    command: str
    config: str = ""
    seed: int | None = None
    data_fingerprint: str = ""
    taxonomy_version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything the report tells; a section whose facts are missing is left out.

    Attributes:
        name: Name of the run.
        created: Date and time, as it shall be read.
        titles: Category key to name for people, in taxonomy order.
        space: The decisions that are possible.
        model: What the model is, in a few words.
        metrics: Parts that were measured; the first is the headline.
        plots: Figures of the headline part.
        errors: The texts of the headline part on which the model is most surely wrong.
        data: The data section.
        teachers: The teachers section.
        models: The section of models compared.
        latency: How long an answer takes.
        reproduction: How to get the same figures again.
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
    data: DataFacts | None = None
    teachers: tuple[TeacherReport, ...] = ()
    models: ModelFacts | None = None
    latency: Latency | None = None
    reproduction: Reproduction | None = None
    cautions: tuple[str, ...] = ()
