"""The teachers that the config names, opened for one round of questions and closed after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from rubricator.config import Config, EncoderTeacherConfig, LlmTeacherConfig
from rubricator.label.descriptions import EncoderTeacher
from rubricator.label.rules import RulesTeacher
from rubricator.label.teacher import Teacher
from rubricator.progress import Progress, silent
from rubricator.recipes.read import Prepared
from rubricator.recipes.split import Division
from rubricator.recipes.vectors import vector_cache
from rubricator.taxonomy import Taxonomy


@contextmanager
def open_teachers(
    prepared: Prepared,
    division: Division,
    taxonomy: Taxonomy,
    config: Config,
    *,
    progress: Progress = silent,
) -> Iterator[list[Teacher]]:
    """The teachers of the config, in its order. Nothing is started before a teacher is asked.

    Raises:
        ConfigError: A prompt file or a file of answers does not fit.
        EncoderError: A teacher needs an encoder that cannot be had.
    """
    with ExitStack():
        yield [_teacher(told, prepared, taxonomy, config, progress) for told in config.label.teachers]


def _teacher(
    told: EncoderTeacherConfig | LlmTeacherConfig | object,
    prepared: Prepared,
    taxonomy: Taxonomy,
    config: Config,
    progress: Progress,
) -> Teacher:
    if isinstance(told, EncoderTeacherConfig):
        cache = vector_cache(config, progress=progress)
        return EncoderTeacher(
            taxonomy,
            [text.content for text in prepared.texts],
            partial(cache.encode, progress=progress),
            cache.fingerprint,
            name=told.name,
            neighbours=told.neighbours,
        )
    return RulesTeacher(taxonomy, name=getattr(told, "name", "rules"))


def read_files(config: Config) -> list[Path]:
    """Files beside the config that change answers: prompts and answers generated elsewhere."""
    return []
