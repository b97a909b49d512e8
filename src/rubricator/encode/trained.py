"""Encoders that training left behind, opened when their vectors are first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from rubricator import config
from rubricator.dataset.inputs import EncodeTexts
from rubricator.encode.encoder import Encoder
from rubricator.stats.arrays import Vectors


def open_trained(folders: Mapping[str, Path], settings: config.Encode) -> dict[str, EncodeTexts]:
    """What turns contents into vectors, by the name of the encoder.

    Args:
        folders: Exported encoders by name.
        settings: The section `encode`: the runtime, and the texts per batch.

    Raises:
        EncoderError: On first use: a file is missing or damaged, or the runtime cannot run here.
    """
    return {name: _Late(folder, settings) for name, folder in folders.items()}


class _Late:
    def __init__(self, folder: Path, settings: config.Encode) -> None:
        self._open = cache(lambda: load_trained(folder, settings))

    def __call__(self, contents: Sequence[str]) -> Vectors:
        return self._open().encode(contents)


def load_trained(folder: Path, settings: config.Encode) -> Encoder:
    """The exported encoder of one folder, on the runtime of the config.

    Raises:
        EncoderError: A file is missing or damaged, or the runtime cannot run here.
    """
    # What was trained here is exported; torch itself would need the Hugging Face folder.
    runtime = "auto" if settings.runtime == "torch" else settings.runtime
    return Encoder.load(
        folder,
        runtime=runtime,
        precision=settings.precision,
        batch=settings.batch,
        threads=settings.threads,
    )
