"""Vectors of texts, from the cache where they are, by the encoders of the config where they are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from rubricator.config import Config
from rubricator.dataset.inputs import BASE
from rubricator.encode import VectorCache, cache_folder, open_encoder
from rubricator.progress import Advance, Progress, silent
from rubricator.records import Text
from rubricator.stats.arrays import Vectors


def vector_cache(config: Config, *, encoder: str = BASE, progress: Progress = silent) -> VectorCache:
    """The encoder of that name in the config behind the cache that all runs of this user share.

    Raises:
        EncoderError: The encoder cannot be had, or the cache cannot be written.
        MissingExtraError: The encoder must first be exported, and the extra `train` is missing.
    """
    settings = config.encodings[encoder]
    opened = open_encoder(settings, progress=progress)
    return VectorCache(cache_folder(settings.cache) / "vectors.sqlite", opened)


def encode_texts(
    texts: Sequence[Text], config: Config, *, encoder: str = BASE, progress: Progress = silent
) -> Vectors:
    """Vectors of the texts' contents by one encoder of the config, shape [texts, width], L2-normalised.

    Raises:
        EncoderError: The encoder cannot be had, or the cache cannot be written.
        MissingExtraError: The encoder must first be exported, and the extra `train` is missing.
    """
    cache = vector_cache(config, encoder=encoder, progress=progress)
    names = list(config.encodings)
    place = f", encoder {names.index(encoder) + 1} of {len(names)}" if len(names) > 1 else ""

    def numbered(description: str, *, total: int | None) -> AbstractContextManager[Advance]:
        return progress(description + place, total=total)

    return cache.encode([text.content for text in texts], progress=numbered)


def encode_by_each(
    texts: Sequence[Text], config: Config, encoders: Iterable[str], *, progress: Progress = silent
) -> dict[str, Vectors]:
    """What `encode_texts` gives for each of these encoders, by its name."""
    return {name: encode_texts(texts, config, encoder=name, progress=progress) for name in encoders}
