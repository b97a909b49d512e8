"""Vectors for training: none where no kind needs them, or where there is no time for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rubricator.config import Config
from rubricator.encode.vectors import encode_texts
from rubricator.errors import EncoderError, MissingExtraError
from rubricator.progress import Progress
from rubricator.records import Text
from rubricator.stats.arrays import Vectors
from rubricator.train.search.candidates import WITHOUT_VECTORS
from rubricator.train.time_limit import EarlyStoppedError, TimeLimit

_KEPT = "What was encoded is kept; a longer `train.minutes` goes on from there."


@dataclass(frozen=True, slots=True)
class TrainingVectors:
    """Vectors of all texts, each of shape [texts, width]."""

    first: Vectors | None  # of the first encoder
    more: Mapping[str, Vectors] = field(default_factory=dict)  # of further encoders, by name
    notes: tuple[str, ...] = ()  # sentences on encoders that training goes without


def encode_for_training(
    texts: Sequence[Text], config: Config, limit: TimeLimit, *, progress: Progress
) -> TrainingVectors:
    """Vectors of all texts by every encoder of the config that can be had in time.

    What is left out here, no model looks at: so it is settled for the whole run. Only `auto` may go without
    the first encoder, since kinds that were named need it; every kind can do without the further ones.

    Raises:
        EncoderError: The first encoder cannot be had, or the cache cannot be written.
        MissingExtraError: The first encoder must be exported, and the extra `train` is missing.
    """
    models = config.train.models
    if models == ("linear",):
        return TrainingVectors(None)
    bounded = limit.bound(progress) if models == "auto" else progress
    try:
        first = encode_texts(texts, config, progress=bounded)
    except EarlyStoppedError as error:
        kinds = " and ".join(WITHOUT_VECTORS)
        return TrainingVectors(
            None, notes=(f"Only kinds without vectors were tried, {kinds}: {error.problem}.", _KEPT)
        )
    more: dict[str, Vectors] = {}
    notes: list[str] = []
    for name, written in list(config.encode.each.items())[1:]:
        try:
            more[name] = encode_texts(texts, config, encoder=name, progress=limit.bound(progress))
        except EarlyStoppedError as error:
            notes.append(f"Training goes without the encoder '{written.encoder}': {error.problem}. {_KEPT}")
        except (EncoderError, MissingExtraError) as error:
            problem = f"{error.problem.rstrip('.')}. {error.fix}".rstrip()
            notes.append(f"Training goes without the encoder '{written.encoder}': {problem}")
    return TrainingVectors(first, more, tuple(notes))
