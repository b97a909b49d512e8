"""The encoders that a model names: those that training left behind, and those of the config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rubricator.config import Config
from rubricator.encode.encoder import Encoder, open_encoder
from rubricator.encode.trained import load_trained
from rubricator.errors import EncoderError
from rubricator.progress import Progress, silent


def open_named(
    names: Iterable[str], trained: Mapping[str, Path], config: Config, *, progress: Progress = silent
) -> dict[str, Encoder]:
    """The encoders of these names; `trained` are folders of those that training left behind.

    Raises:
        EncoderError: The config has no encoder of that name, or one cannot be had.
        MissingExtraError: One must first be exported, and the extra `train` is missing.
    """
    settings = config.encodings

    def opened(name: str) -> Encoder:
        if name in trained:
            return load_trained(trained[name], config.encoding)
        if name not in settings:
            raise EncoderError(
                f"The model looks through the encoder '{name}'; `encode.encoder` has only "
                f"{', '.join(settings)}.",
                fix="List the encoders that it was trained with, or train again.",
            )
        return open_encoder(settings[name], progress=progress)

    return {name: opened(name) for name in names}
