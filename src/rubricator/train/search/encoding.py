"""Vectors for training: none where no kind needs them, or where there is no time for them."""

from __future__ import annotations

from collections.abc import Sequence

from rubricator.config import Config
from rubricator.encode.vectors import encode_texts
from rubricator.progress import Progress
from rubricator.records import Text
from rubricator.stats.arrays import Vectors
from rubricator.train.search.candidates import WITHOUT_VECTORS
from rubricator.train.time_limit import EarlyStoppedError, TimeLimit


def encode_for_training(
    texts: Sequence[Text], config: Config, limit: TimeLimit, *, progress: Progress
) -> tuple[Vectors | None, list[str]]:
    """Vectors of all texts, and sentences on what became of them.

    Only `auto` may go without vectors that could not be had in time: kinds that were named need theirs.

    Raises:
        EncoderError: The encoder cannot be had, or the cache cannot be written.
        MissingExtraError: The encoder must first be exported, and the extra `train` is missing.
    """
    models = config.train.models
    if models == ("linear",):
        return None, []
    bounded = limit.bound(progress) if models == "auto" else progress
    try:
        return encode_texts(texts, config, progress=bounded), []
    except EarlyStoppedError as error:
        kinds = " and ".join(WITHOUT_VECTORS)
        return None, [
            f"Only kinds without vectors were tried, {kinds}: {error.problem}.",
            "What was encoded is kept; a longer `train.minutes` goes on from there.",
        ]
