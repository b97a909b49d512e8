"""The encoders of the config that a teacher may look through: those that know the language of the texts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from rubricator.config import Config
from rubricator.encode import VectorCache
from rubricator.encode.usable import usable_encoders
from rubricator.label.teachers.zero_shot_encoder import TeacherEncoder
from rubricator.progress import Progress, silent

_LOG = logging.getLogger(__name__)


def teacher_encoders(
    contents: Sequence[str], config: Config, *, progress: Progress = silent
) -> list[TeacherEncoder]:
    """The usable encoders of the config; log lines say which are left out.

    Raises:
        EncoderError: The first encoder cannot be had, or the cache cannot be written.
        MissingExtraError: The first encoder must be exported, and the extra `train` is missing.
    """
    usable = usable_encoders(contents, config, progress=progress)
    for sentence in usable.left_out:
        _LOG.warning(sentence)
    chosen: list[TeacherEncoder] = []
    for name, cache in usable.caches.items():
        called = _unique(config.encode.written([name]), name, chosen)
        chosen.append(_teacher_encoder(cache, called, progress))
    return chosen


def _unique(called: str, name: str, others: Sequence[TeacherEncoder]) -> str:
    # One encoder may be listed twice, with another prefix or length.
    return f"{called} ({name})" if any(other.name == called for other in others) else called


def _teacher_encoder(cache: VectorCache, name: str, progress: Progress) -> TeacherEncoder:
    return TeacherEncoder(
        name=name, encode=partial(cache.encode, progress=progress), fingerprint=cache.fingerprint
    )
