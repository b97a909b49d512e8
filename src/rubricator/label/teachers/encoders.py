"""The encoders of the config that a teacher may look through: those that know the language of the texts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from rubricator.config import Config
from rubricator.encode import VectorCache
from rubricator.encode.languages import known_share
from rubricator.encode.vectors import vector_cache
from rubricator.label.teachers.zero_shot_encoder import TeacherEncoder
from rubricator.progress import Progress, silent

_LOG = logging.getLogger(__name__)
_KNOWN = 0.5


def teacher_encoders(
    contents: Sequence[str], config: Config, *, progress: Progress = silent
) -> list[TeacherEncoder]:
    """All encoders of the config, but for those beyond the first that cannot read half of the texts.

    A log line names those that are left out: what an encoder makes of a language that it never saw spoils the
    mean: it costs Kazakh sentences of SIB-200 several points.

    Raises:
        EncoderError: An encoder cannot be had, or the cache cannot be written.
        MissingExtraError: An encoder must first be exported, and the extra `train` is missing.
    """
    chosen: list[TeacherEncoder] = []
    for name in config.encodings:
        cache = vector_cache(config, encoder=name, progress=progress)
        called = config.encode.written([name])
        share = known_share(contents, cache.encoder.languages) if chosen else 1.0
        if share < _KNOWN:
            _LOG.warning(
                "the encoder %s knows the language of %.0f%% of the texts: teachers go without it",
                called,
                100 * share,
            )
            continue
        chosen.append(_teacher_encoder(cache, _unique(called, name, chosen), progress))
    return chosen


def _unique(called: str, name: str, others: Sequence[TeacherEncoder]) -> str:
    # One encoder may be listed twice, with another prefix or length.
    return f"{called} ({name})" if any(other.name == called for other in others) else called


def _teacher_encoder(cache: VectorCache, name: str, progress: Progress) -> TeacherEncoder:
    return TeacherEncoder(
        name=name, encode=partial(cache.encode, progress=progress), fingerprint=cache.fingerprint
    )
