"""Which encoders of a config may speak about the texts: those that can be had and know their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rubricator.config import Config
from rubricator.encode.cache import VectorCache
from rubricator.encode.languages import known_share
from rubricator.encode.vectors import vector_cache
from rubricator.errors import EncoderError, MissingExtraError
from rubricator.progress import Progress, silent

_KNOWN = 0.5  # share of the texts


@dataclass(frozen=True, slots=True)
class UsableEncoders:
    """`caches` are encoders behind their caches by name, in order; `left_out` says why others are not."""

    caches: Mapping[str, VectorCache]
    left_out: tuple[str, ...]  # sentences


def usable_encoders(
    contents: Sequence[str], config: Config, *, progress: Progress = silent
) -> UsableEncoders:
    """Open the encoders of the config, without further ones that cannot be had or read half of the texts.

    What an encoder makes of a language that it never saw spoils what others say: it costs Kazakh sentences
    of SIB-200 several points.

    Raises:
        EncoderError: The first encoder cannot be had, or the cache cannot be written.
        MissingExtraError: The first encoder must be exported, and the extra `train` is missing.
    """
    caches: dict[str, VectorCache] = {}
    left_out: list[str] = []
    for name in config.encodings:
        called = config.encode.written([name])
        try:
            cache = vector_cache(config, encoder=name, progress=progress)
            share = known_share(contents, cache.encoder.languages) if caches else 1.0
        except (EncoderError, MissingExtraError) as error:
            if not caches:
                raise
            problem = f"{error.problem.rstrip('.')}. {error.fix}".rstrip()
            left_out.append(f"The encoder '{called}' takes no part: {problem}")
            continue
        if share < _KNOWN:
            left_out.append(
                f"The encoder '{called}' takes no part: it knows the language of {share:.0%} of the texts."
            )
            continue
        caches[name] = cache
    return UsableEncoders(caches, tuple(left_out))
