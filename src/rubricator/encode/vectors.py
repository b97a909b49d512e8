"""Vectors of texts, from the cache where they are, by the encoder of the config where they are not."""

from __future__ import annotations

from collections.abc import Sequence

from rubricator.config import Config
from rubricator.encode import VectorCache, cache_folder, open_encoder
from rubricator.progress import Progress, silent
from rubricator.records import Text
from rubricator.stats.arrays import Vectors


def vector_cache(config: Config, *, progress: Progress = silent) -> VectorCache:
    """The encoder of the config behind the cache that all runs of this user share.

    Raises:
        EncoderError: The encoder cannot be had, or the cache cannot be written.
        MissingExtraError: The encoder must first be exported, and the extra `train` is missing.
    """
    settings = config.encoding
    encoder = open_encoder(settings, progress=progress)
    return VectorCache(cache_folder(settings.cache) / "vectors.sqlite", encoder)


def encode_texts(texts: Sequence[Text], config: Config, *, progress: Progress = silent) -> Vectors:
    """Vectors of the texts' contents, shape [texts, width], L2-normalised."""
    cache = vector_cache(config, progress=progress)
    return cache.encode([text.content for text in texts], progress=progress)
