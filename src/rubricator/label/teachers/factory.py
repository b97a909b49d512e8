"""The teachers that the config names, opened for one round of questions and closed after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from rubricator.config import (
    Config,
    EncoderTeacherConfig,
    GgufEngineConfig,
    LlmTeacherConfig,
    OpenAIEngineConfig,
    ReplayEngineConfig,
    RulesTeacherConfig,
    TransformersEngineConfig,
)
from rubricator.config.expand import expand
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.split import DatasetSplit
from rubricator.encode.vectors import encode_texts, vector_cache
from rubricator.errors import ConfigError
from rubricator.label.llm.engines.engine import Engine
from rubricator.label.llm.engines.gguf import GgufEngine
from rubricator.label.llm.engines.openai import OpenAIEngine
from rubricator.label.llm.engines.transformers import TransformersEngine
from rubricator.label.llm.tasks.examples import Golden, Shots, drawn, fixed, nearest
from rubricator.label.teachers.llm import llm_teacher
from rubricator.label.teachers.protocol import Teacher
from rubricator.label.teachers.replay_file import replay_teacher
from rubricator.label.teachers.rules import RulesTeacher
from rubricator.label.teachers.zero_shot_encoder import EncoderTeacher
from rubricator.progress import Progress, silent
from rubricator.taxonomy import Taxonomy

LocalEngineConfig = OpenAIEngineConfig | GgufEngineConfig | TransformersEngineConfig


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
    room = TeacherFactory(dataset, split, taxonomy, config, progress)
    try:
        yield [room.teacher(told) for told in config.label.teachers]
    finally:
        room.close()


def read_files(config: Config) -> list[Path]:
    """Files beside the config that change answers: prompts, models and answers generated elsewhere."""
    told = [teacher for teacher in config.label.teachers if isinstance(teacher, LlmTeacherConfig)]
    written = [teacher.prompt for teacher in told if teacher.prompt]
    written += [teacher.engine.file for teacher in told if isinstance(teacher.engine, ReplayEngineConfig)]
    return [config.path(name) for name in written]


@dataclass
class TeacherFactory:
    """Makes teachers; those that reach one model the same way share its engine."""

    dataset: Dataset
    split: DatasetSplit
    taxonomy: Taxonomy
    config: Config
    progress: Progress
    engines: dict[str, Engine] = field(default_factory=dict)

    def teacher(self, told: EncoderTeacherConfig | RulesTeacherConfig | LlmTeacherConfig) -> Teacher:
        """The teacher that a section of the config describes."""
        if isinstance(told, EncoderTeacherConfig):
            return self._encoder(told)
        if isinstance(told, RulesTeacherConfig):
            return RulesTeacher(self.taxonomy, name=told.name)
        if isinstance(told.engine, ReplayEngineConfig):
            return replay_teacher(told, told.engine, self.taxonomy, self.config)
        prompt = self.config.path(told.prompt) if told.prompt else None
        return llm_teacher(told, self.taxonomy, self._engine(told.engine), prompt, self._shots(told))

    def close(self) -> None:
        """Stop the engines that were started."""
        for engine in self.engines.values():
            engine.close()

    def _encoder(self, told: EncoderTeacherConfig) -> EncoderTeacher:
        cache = vector_cache(self.config, progress=self.progress)
        return EncoderTeacher(
            self.taxonomy,
            [text.content for text in self.dataset.texts],
            partial(cache.encode, progress=self.progress),
            cache.fingerprint,
            name=told.name,
            neighbours=told.neighbours,
        )

    def _engine(self, told: LocalEngineConfig) -> Engine:
        known = told.model_dump_json()
        if known not in self.engines:
            self.engines[known] = self._new_engine(told)
        return self.engines[known]

    def _new_engine(self, told: LocalEngineConfig) -> Engine:
        if isinstance(told, OpenAIEngineConfig):
            return OpenAIEngine(told)
        if isinstance(told, GgufEngineConfig):
            return GgufEngine(told.model_copy(update={"file": expand(told.file)}), folder=self.config.folder)
        return TransformersEngine(
            told.model_copy(update={"model": expand(told.model)}), folder=self.config.folder
        )

    def _shots(self, told: LlmTeacherConfig) -> Shots:
        """Examples out of the golden texts that may teach; test texts are never shown."""
        dataset, choice = self.dataset, told.examples
        if choice.choose == "none":
            return Shots()
        golden = {
            text.id: Golden(text, dataset.golden[text.id], dataset.groups[text.id])
            for text in dataset.texts
            if text.id in self.split.teaching
        }
        if not golden:
            raise ConfigError(
                f"The teacher '{told.name}' is to be shown examples, and no golden text may teach.",
                fix="Set golden.use to train (or tune), or the teacher's examples.choose to none.",
            )
        if choice.choose == "fixed":
            chosen = _named(choice.ids, golden, told.name) if choice.ids else None
            chosen = chosen or drawn(
                list(golden.values()), choice.count, self.taxonomy.keys, self.config.seed
            )
            return fixed(chosen, dataset.texts, dataset.groups)
        vectors = encode_texts(dataset.texts, self.config, progress=self.progress)
        rows = np.array([row for row, text in enumerate(dataset.texts) if text.id in golden], dtype=np.intp)
        return nearest(
            list(golden.values()), vectors[rows], dataset.texts, vectors, dataset.groups, choice.count
        )


def _named(ids: tuple[str, ...], golden: Mapping[str, Golden], teacher: str) -> list[Golden]:
    strange = [id_ for id_ in ids if id_ not in golden]
    if strange:
        raise ConfigError(
            f"The teacher '{teacher}' is to be shown {', '.join(strange)}: no golden texts that may teach.",
            fix="Name golden texts outside the test part (with golden.use: train), or remove examples.ids.",
        )
    return [golden[id_] for id_ in ids]
