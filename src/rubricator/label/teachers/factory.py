"""The teachers that the config names, opened for one round of questions and closed after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rubricator.config import (
    Config,
    EncoderTeacherConfig,
    LlmTeacherConfig,
    ReplayEngineConfig,
    RulesTeacherConfig,
)
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.split import DatasetSplit
from rubricator.encode.vectors import encode_texts
from rubricator.errors import ConfigError
from rubricator.label.teachers.encoders import teacher_encoders
from rubricator.label.teachers.llm import NO_SHOTS, LlmTeacher, build_task
from rubricator.label.teachers.protocol import Teacher
from rubricator.label.teachers.questions import QuestionsTeacher
from rubricator.label.teachers.replay_file import replay_teacher
from rubricator.label.teachers.rules import RulesTeacher
from rubricator.label.teachers.zero_shot_encoder import EncoderTeacher
from rubricator.llm.engines.engine import Engine
from rubricator.llm.engines.opened import OpenedEngines
from rubricator.llm.tasks.each import Questions
from rubricator.llm.tasks.examples import Golden, Shots, drawn, fixed, nearest
from rubricator.progress import Progress, silent
from rubricator.taxonomy import Taxonomy


@contextmanager
def open_teachers(
    dataset: Dataset,
    split: DatasetSplit,
    taxonomy: Taxonomy,
    config: Config,
    *,
    progress: Progress = silent,
) -> Iterator[list[Teacher]]:
    """The teachers of the config, in its order. No model is started before a teacher is asked.

    Raises:
        ConfigError: A prompt file, the examples or a file of answers do not fit.
        EncoderError: A teacher needs an encoder that cannot be had.
    """
    with closing(OpenedEngines(config.folder)) as engines:
        factory = TeacherFactory(dataset, split, taxonomy, config, progress, engines)
        yield [factory.teacher(section) for section in config.label.teachers]


@dataclass
class TeacherFactory:
    """Makes teachers; those that reach one model the same way share its engine, which the caller closes."""

    dataset: Dataset
    split: DatasetSplit
    taxonomy: Taxonomy
    config: Config
    progress: Progress
    engines: OpenedEngines

    def teacher(self, section: EncoderTeacherConfig | RulesTeacherConfig | LlmTeacherConfig) -> Teacher:
        """The teacher that a section of the config describes."""
        if isinstance(section, EncoderTeacherConfig):
            return self._encoder(section)
        if isinstance(section, RulesTeacherConfig):
            return RulesTeacher(self.taxonomy, name=section.name)
        if isinstance(section.engine, ReplayEngineConfig):
            return replay_teacher(section, section.engine, self.taxonomy, self.config)
        prompt = self.config.path(section.prompt) if section.prompt else None
        engine = self.engines.of(section.engine)
        return llm_teacher(section, self.taxonomy, engine, prompt, self._shots(section))

    def _encoder(self, section: EncoderTeacherConfig) -> EncoderTeacher:
        contents = [text.content for text in self.dataset.texts]
        return EncoderTeacher(
            self.taxonomy,
            contents,
            teacher_encoders(contents, self.config, progress=self.progress),
            name=section.name,
            neighbours=section.neighbours,
        )

    def _shots(self, section: LlmTeacherConfig) -> Shots:
        """Examples out of the golden texts that may teach; test texts are never shown."""
        dataset, choice = self.dataset, section.examples
        if choice.choose == "none":
            return Shots()
        golden = {
            text.id: Golden(text, dataset.golden[text.id], dataset.groups[text.id])
            for text in dataset.texts
            if text.id in self.split.teaching
        }
        if not golden:
            raise ConfigError(
                f"The teacher '{section.name}' is to be shown examples, and no golden text may teach.",
                fix="Set golden.use to train (or tune), or the teacher's examples.choose to none.",
            )
        if choice.choose == "fixed":
            chosen = _named(choice.ids, golden, section.name) or drawn(
                list(golden.values()), choice.count, self.taxonomy.keys, self.config.seed
            )
            return fixed(chosen, dataset.texts, dataset.groups)
        vectors = encode_texts(dataset.texts, self.config, progress=self.progress)
        rows = np.array([row for row, text in enumerate(dataset.texts) if text.id in golden], dtype=np.intp)
        return nearest(
            list(golden.values()), vectors[rows], dataset.texts, vectors, dataset.groups, choice.count
        )


def llm_teacher(
    config: LlmTeacherConfig,
    taxonomy: Taxonomy,
    engine: Engine,
    prompt_path: Path | None = None,
    shots: Shots = NO_SHOTS,
) -> LlmTeacher:
    """Build the teacher that a config describes; raises what `build_task` does."""
    task = build_task(config, taxonomy, prompt_path)
    kind = QuestionsTeacher if isinstance(task, Questions) and task.alone else LlmTeacher
    return kind(
        engine,
        task,
        name=config.name,
        shots=shots,
        max_text_tokens=config.max_text_tokens,
        calibrate=config.calibrate,
    )


def _named(ids: tuple[str, ...], golden: Mapping[str, Golden], teacher: str) -> list[Golden]:
    strange = [id_ for id_ in ids if id_ not in golden]
    if strange:
        raise ConfigError(
            f"The teacher '{teacher}' is to be shown {', '.join(strange)}: no golden texts that may teach.",
            fix="Name golden texts outside the test part (with golden.use: train), or remove examples.ids.",
        )
    return [golden[id_] for id_ in ids]
