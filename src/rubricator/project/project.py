"""The pipeline for a notebook: stage by stage, each with a result to look at."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rich.text import Text as Line

from rubricator.artifact import read_artifact
from rubricator.config import (
    Config,
    ExportPrecision,
    ExportRuntime,
    Serves,
    read_config,
    shown_arguments,
)
from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.dataset.synthetic import CANDIDATES, read_synthetic
from rubricator.errors import ConfigError, nearest
from rubricator.models.training_files import read_training
from rubricator.pipeline.augment import STATISTICS, settings_of
from rubricator.pipeline.category import run_of_list
from rubricator.pipeline.compare import compare
from rubricator.pipeline.explore import explore
from rubricator.pipeline.feedback import report_of, take_file
from rubricator.pipeline.goals import GoalPlan, plan_goals
from rubricator.pipeline.retrain import RetrainSettings, plan_retraining, retrain
from rubricator.pipeline.review import open_review
from rubricator.pipeline.split_check import check_files, check_run
from rubricator.pipeline.stage import Run, run_stages, stage_lines
from rubricator.pipeline.stages import STAGES
from rubricator.pipeline.tracking import check_tracking, track
from rubricator.pipeline.two_speed import MAX_DROP, Distilled, distil
from rubricator.progress import silent
from rubricator.project.annotate import Annotation, annotate
from rubricator.project.category import Categories
from rubricator.project.progress import bars
from rubricator.project.results import (
    AugmentResult,
    ComparisonResult,
    EvaluateResult,
    ExploreResult,
    ExportResult,
    LabelResult,
    ReadResult,
    RunResult,
    SplitResult,
    TrainResult,
)
from rubricator.project.retrain import FeedbackResult, RetrainPlanResult, RetrainResult
from rubricator.project.split_check import SplitCheckResult, check_columns
from rubricator.records import Text
from rubricator.review.session import ReviewSession
from rubricator.taxonomy import Taxonomy

_log = logging.getLogger(__name__)


class Project:
    """Texts, categories and settings in a folder, and the run that comes of them.

    Every stage runs those before it where something changed, and is skipped itself where nothing did. The
    settings are read anew each time, so an edit counts at once. The command line sees the same run.

    Example:
        >>> project = Project("examples/news")  # doctest: +SKIP
        >>> project.run().to_frame()  # doctest: +SKIP

    Args:
        place: `rubricator.yaml`, or the folder where it lies.
        settings: What is to differ from the file, with dotted names: `{"train.models": "heads"}`.
        folder: Where outputs go; None for `runs/NAME`, as on the command line.
        progress: Whether bars are shown.

    Raises:
        ConfigError: No such file, or settings that cannot be.
        TaxonomyError: The list of categories is wrong.
    """

    def __init__(
        self,
        place: str | Path = "rubricator.yaml",
        *,
        settings: Mapping[str, Any] | None = None,
        folder: str | Path | None = None,
        progress: bool = False,
    ) -> None:
        path = Path(place)
        self._file = path / "rubricator.yaml" if path.is_dir() else path
        self._overrides = [
            f"{name}={json.dumps(value, default=str)}" for name, value in (settings or {}).items()
        ]
        self._progress = bars if progress else silent
        self.folder = Path("runs") / self.config.name if folder is None else Path(folder)
        _ = self.taxonomy  # a wrong list shows here, not after an hour

    def __repr__(self) -> str:
        return f"Project({str(self._file)!r}, folder={str(self.folder)!r})"

    @property
    def config(self) -> Config:
        """The settings as they are now."""
        return read_config(self._file, self._overrides)

    @property
    def taxonomy(self) -> Taxonomy:
        """The categories as they are now."""
        config = self.config
        return Taxonomy.read(config.path(config.taxonomy))

    @property
    def category(self) -> Categories:
        """Changes of the list of categories, each with what it costs, and its versions.

        Example:
            >>> project.category.add("health", description="врачи, больницы", plan=True)  # doctest: +SKIP
        """
        return Categories(run_of_list(self.config, self.folder))

    def run(self, *, force: bool = False) -> RunResult:
        """Go the whole way, and log it where `tracking` says so.

        `force` does every stage again, changed or not; the methods of one stage then do that one again.

        Raises:
            RubricatorError: A stage cannot do its work; what the ones before it did is kept.
        """
        config = self.config
        check_tracking(config.tracking)
        names = [stage.name for stage in STAGES]
        run = self._until(names[-1], force=force, redo=names)
        track(run.folder, config, config.tracking)
        return RunResult(_read(run), _split(run), _label(run), _train(run), _evaluate(run), _export(run))

    def explore(self, *, vectors: bool = True) -> ExploreResult:
        """What the texts are like and what will hurt a model, with the labels and opinions that there are.

        Writes `explore.html` and `explore.json` into the folder. Without `vectors` nothing is encoded.

        Raises:
            DataError: The texts cannot be read, or the page cannot be written.
        """
        settings = [part for one in self._overrides for part in ("--set", one)]
        options = shown_arguments(["-c", str(self._file), *settings, "--out", str(self.folder)])
        run = replace(self._until("read"), options=options)
        return ExploreResult(explore(run, vectors=vectors))

    def read(self, *, force: bool = False) -> ReadResult:
        """Read and clean the texts, find duplicates and the golden labels."""
        return _read(self._until("read", force=force))

    def split(self, *, force: bool = False) -> SplitResult:
        """Divide the texts into train, validation and test."""
        return _split(self._until("split", force=force))

    def check_split(
        self,
        files: Sequence[str | Path] = (),
        *,
        columns: Mapping[str, str] | None = None,
        group_by: str | None = None,
    ) -> SplitCheckResult:
        """What leaks between the parts of the project's split, or of another one.

        Args:
            files: Another split: `PART=FILE` each, files named train, dev and test, or one with a column of
                parts.
            columns: Which column of the files holds which role: `id`, `title`, `body`, `labels`, `part`,
                `time`, `parent`; see `CheckColumns`.
            group_by: A column whose values should not be in several parts.

        Raises:
            DataError: A file or a column cannot be used.
        """
        if files:
            asked = check_columns(columns, group_by)
            return SplitCheckResult(check_files(files, asked, progress=self._progress))
        return SplitCheckResult(check_run(self._until("split"), group_by=group_by))

    def label(self, *, force: bool = False) -> LabelResult:
        """Ask the teachers, store their answers, agree on labels."""
        return _label(self._until("label", force=force))

    def augment(self, *, force: bool = False) -> AugmentResult:
        """Have language models write training texts for rare categories, as the section `augment` says.

        Raises:
            ConfigError: There is no such section.
        """
        settings_of(self.config)
        return _augment(self._until("augment", force=force))

    def train(self, *, force: bool = False) -> TrainResult:
        """Train every model, calibrate it on validation, choose the best one."""
        return _train(self._until("train", force=force))

    def evaluate(self, *, force: bool = False) -> EvaluateResult:
        """Measure the model on test and golden texts, draw the plots, write the report."""
        return _evaluate(self._until("evaluate", force=force))

    def export(
        self,
        *,
        runtime: ExportRuntime | None = None,
        precision: ExportPrecision | None = None,
        max_accuracy_drop: float | None = None,
        max_flips: float | None = None,
        serves: Serves | None = None,
        trim_vocabulary: bool | None = None,
        force: bool = False,
    ) -> ExportResult:
        """Write the artifact: the winner with all it needs to serve.

        What is given outranks the section `export` of the settings; with any of it, or with that section, the
        precision of the encoders is chosen by measuring.

        Raises:
            EncoderError: No precision keeps to the drop and the flips that are allowed.
            MissingExtraError: A precision that was asked for takes a package that is not installed.

        Example:
            >>> project.export(precision="auto").precision.to_frame()  # doctest: +SKIP
        """
        wishes = {
            "runtime": runtime,
            "precision": precision,
            "max_accuracy_drop": max_accuracy_drop,
            "max_flips": max_flips,
            "serves": serves,
            "trim_vocabulary": trim_vocabulary,
        }
        settings = [
            f"export.{name}={json.dumps(value)}" for name, value in wishes.items() if value is not None
        ]
        return _export(self._until("export", force=force, settings=settings))

    def distil(self, *, max_drop: float = MAX_DROP) -> Distilled:
        """Teach a quick student what the model thinks, and write an artifact that answers at two speeds.

        Raises:
            TrainingError: There is nothing to make faster, too few texts, or no student that may answer.
        """
        return distil(self._until("export"), max_drop=max_drop)

    @contextmanager
    def review(self, by: str) -> Iterator[ReviewSession]:
        """A session in which a person, or a program for one, corrects labels; `label` takes them in.

        Example:
            >>> with project.review("Anna") as session:  # doctest: +SKIP
            ...     for question in session.questions(20):
            ...         session.answer(question, ["sport"])
            ...     session.progress().error

        Raises:
            RubricatorError: The texts cannot be labelled.
        """
        with open_review(self._until("label"), by) as session:
            yield session

    def feedback(self, store: str | Path, file: str | Path | None = None) -> FeedbackResult:
        """What editors' decisions in a database tell; those in a file join it before (see `take_file`).

        Raises:
            ArtifactError: Decisions are to join, and the project has no model that editors could correct.
            DataError: There is no such database, or a row of the file cannot be used.
            StoreError: The database refused.
        """
        if file is not None:
            config = self.config
            categories = config.path(config.taxonomy)
            take_file(str(store), Path(file), artifact=self.folder / "artifact", categories=categories)
        return FeedbackResult(report_of(str(store)))

    def plan_retraining(self, *feedback: str | Path, **settings: Any) -> RetrainPlanResult:
        """What `retrain` with the same arguments would do, and what it costs."""
        return RetrainPlanResult(plan_retraining(self._until("split"), _retraining(feedback, settings)))

    def retrain(self, *feedback: str | Path, promote: bool = False, **settings: Any) -> RetrainResult:
        """Train a challenger on editors' decisions, and say whether it may replace the champion.

        Example:
            >>> project.retrain("feedback.sqlite", wanted=30).verdict  # doctest: +SKIP

        Args:
            feedback: Databases and tables of decisions.
            promote: Whether a challenger that is to be promoted serves from then on.
            settings: Fields of `RetrainSettings`.

        Raises:
            RubricatorError: There is no champion, or a stage cannot do its work.
        """
        asked = _retraining(feedback, settings)
        return RetrainResult(retrain(self._until("split"), asked, promote=promote))

    def annotate(self, text: str | Text) -> Annotation:
        """One text through the teachers: 0 or 1 per category, and what they answered.

        Language models are asked about this text alone, whether the texts of the project are labelled or not.

        Raises:
            DataError: The text is empty.
            EncoderError: A teacher needs an encoder that cannot be had.
            EngineError: A language model is out of reach.
        """
        return annotate(self._until("split"), text)

    def compare(self, other: Project | str | Path) -> ComparisonResult:
        """Compare this project with an older one, or the folder of a run, on the texts both were measured on.

        Raises:
            DataError: The two have no measured texts in common.
        """
        old = other.evaluate().folder if isinstance(other, Project) else Path(other)
        return ComparisonResult(compare([old, self._until("evaluate").folder]))

    def goals(self) -> list[GoalPlan]:
        """Where each goal of the settings stands after `evaluate`, and what an experiment would take.

        Raises:
            ConfigError: The settings name no goals.
        """
        return plan_goals(self.config, self._until("evaluate").folder)

    def _until(
        self, stage: str, *, force: bool = False, redo: Sequence[str] = (), settings: Sequence[str] = ()
    ) -> Run:
        run = Run(
            read_config(self._file, [*self._overrides, *settings]),
            self.taxonomy,
            self.folder,
            progress=self._progress,
            say=_say,
            command=repr(self),
        )
        run_stages(run, STAGES, until=stage, force=(redo or [stage]) if force else [])
        return run


def _retraining(feedback: Sequence[str | Path], settings: Mapping[str, Any]) -> RetrainSettings:
    known = {field.name for field in fields(RetrainSettings)}
    if unknown := [name for name in settings if name not in known]:
        raise ConfigError(
            f"There is no setting '{unknown[0]}'{nearest(unknown[0], known)}.",
            fix=f"There are {', '.join(sorted(known))}.",
        )
    places = {name: Path(settings[name]) for name in ("champion", "registry") if settings.get(name)}
    return RetrainSettings(**{**settings, **places, "feedback": tuple(map(str, feedback))})


def _say(line: str) -> None:
    _log.info(Line.from_markup(line).plain)


def _read(run: Run) -> ReadResult:
    return ReadResult(run.folder, stage_lines(run, "read"), files.read_dataset(run.folder))


def _split(run: Run) -> SplitResult:
    return SplitResult(run.folder, stage_lines(run, "split"), files.read_split(run.folder))


def _label(run: Run) -> LabelResult:
    dataset = files.read_dataset(run.folder)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    return LabelResult(run.folder, stage_lines(run, "label"), dataset, label_set, run.taxonomy)


def _augment(run: Run) -> AugmentResult:
    texts = read_synthetic(run.folder / CANDIDATES)
    statistics = files.read_json(run.folder / STATISTICS)["stages"]
    return AugmentResult(run.folder, stage_lines(run, "augment"), texts, statistics)


def _train(run: Run) -> TrainResult:
    return TrainResult(run.folder, stage_lines(run, "train"), read_training(run.folder)[0])


def _evaluate(run: Run) -> EvaluateResult:
    metrics = files.read_json(run.folder / "metrics.json")
    return EvaluateResult(run.folder, stage_lines(run, "evaluate"), metrics)


def _export(run: Run) -> ExportResult:
    manifest = read_artifact(run.folder / "artifact").manifest
    return ExportResult(run.folder, stage_lines(run, "export"), manifest)
