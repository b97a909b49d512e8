"""Vectors for training: none where no kind needs them, or where there is no time for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rubricator.config import Config
from rubricator.dataset.inputs import BASE
from rubricator.encode.descriptions import description_directions
from rubricator.encode.usable import usable_encoders
from rubricator.encode.vectors import encode_texts
from rubricator.progress import Progress
from rubricator.records import Text
from rubricator.stats.arrays import Floats, Vectors
from rubricator.taxonomy import Taxonomy
from rubricator.train.search.candidates import WITHOUT_VECTORS
from rubricator.train.time_limit import EarlyStoppedError, TimeLimit

_KEPT = "What was encoded is kept; a longer `train.minutes` goes on from there."


@dataclass(frozen=True, slots=True)
class TrainingVectors:
    """Vectors of all texts, each of shape [texts, width], and what the descriptions point at.

    Attributes:
        first: Of the first encoder.
        more: Of further encoders, by name.
        described: Directions of the categories [categories, width] by the name of the encoder, see
            `description_directions`.
        notes: Sentences on encoders that training goes without.
    """

    first: Vectors | None
    more: Mapping[str, Vectors] = field(default_factory=dict)
    described: Mapping[str, Floats] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def encode_for_training(
    texts: Sequence[Text], taxonomy: Taxonomy, config: Config, limit: TimeLimit, *, progress: Progress
) -> TrainingVectors:
    """Vectors of all texts by every encoder of the config that is usable for them and done in time.

    What is left out here, no model looks at: so it is settled for the whole run. Only `auto` may go without
    the first encoder, since kinds that were named need it; every kind can do without the further ones.

    Raises:
        EncoderError: The first encoder cannot be had, or the cache cannot be written.
        MissingExtraError: The first encoder must be exported, and the extra `train` is missing.
    """
    models = config.train.models
    if models == ("linear",):
        return TrainingVectors(None)
    usable = usable_encoders([text.content for text in texts], config, progress=progress)
    notes = list(usable.left_out)
    vectors: dict[str, Vectors] = {}
    described: dict[str, Floats] = {}
    for name, cache in usable.caches.items():
        bounded = progress if name == BASE and models != "auto" else limit.bound(progress)
        try:
            vectors[name] = encode_texts(texts, config, encoder=name, progress=bounded)
        except EarlyStoppedError as error:
            if name == BASE:
                kinds = " and ".join(WITHOUT_VECTORS)
                only = f"Only kinds without vectors were tried, {kinds}: {error.problem}."
                return TrainingVectors(None, notes=(*notes, only, _KEPT))
            called = config.encode.written([name])
            notes.append(f"Training goes without the encoder '{called}': {error.problem}. {_KEPT}")
            continue
        described[name] = description_directions(taxonomy.categories, cache)
    return TrainingVectors(vectors.pop(BASE), vectors, described, tuple(notes))
