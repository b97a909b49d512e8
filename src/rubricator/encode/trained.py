"""Encoders that training left behind, opened when their vectors are first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rubricator import config
from rubricator.dataset.inputs import EncodeTexts
from rubricator.encode.encoder import Encoder


def open_trained(folders: Mapping[str, Path], settings: config.Encode) -> dict[str, EncodeTexts]:
    """What turns contents into vectors, by the name of the encoder.

    Raises:
        EncoderError: On first use: a file is missing or damaged, or the runtime cannot run here.
    """
    return {name: _opened_late(folder, settings) for name, folder in folders.items()}


def _opened_late(folder: Path, settings: config.Encode) -> EncodeTexts:
    encoder = cache(lambda: load_trained(folder, settings))
    return lambda contents: encoder().encode(contents)


def load_trained(folder: Path, settings: config.Encode) -> Encoder:
    """The exported encoder of one folder, on the runtime of the config.

    Raises:
        EncoderError: A file is missing or damaged, or the runtime cannot run here.
    """
    # What was trained here is exported; torch itself would need the Hugging Face folder.
    runtime = "auto" if settings.runtime == "torch" else settings.runtime
    return Encoder.load(
        folder, runtime=runtime, precision=settings.precision, batch=settings.batch, threads=settings.threads
    )
