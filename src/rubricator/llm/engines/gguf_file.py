"""What a GGUF file says of itself, read without loading it.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rubricator.errors import EngineError

_MAGIC = b"GGUF"
_CHAT_TEMPLATE = b"tokenizer.chat_template"
_STRING, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_LARGEST = 1 << 32
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A model file.

    Attributes:
        digest: Names its content: a hash of its size and of its first, middle and last mebibyte,
            since reading many gigabytes would take longer than a run's other preparations.
        chat: Whether it has a chat template.
    """

    path: Path
    digest: str
    chat: bool


def inspect(path: Path) -> GgufFile:
    """Read the header.

    Raises:
        EngineError: The file is missing, no GGUF file, or cut short.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            if file.read(4) != _MAGIC:
                raise EngineError(
                    f"{path} is not a GGUF file: it does not begin with 'GGUF'.",
                    fix="Download the model in the GGUF format of llama.cpp.",
                )
            chat, needed = _header(file)
            digest = _digest(file, size)
    except OSError as error:
        raise EngineError(
            f"The model file {path} cannot be read: {error.strerror}.",
            fix="Correct engine.file; a relative path starts from the folder of rubricator.yaml.",
        ) from error
    except (struct.error, EOFError, MemoryError) as error:
        raise _cut_short(path, size) from error
    if size <= needed:
        raise _cut_short(path, size)
    return GgufFile(path, digest, chat)


def _cut_short(path: Path, size: int) -> EngineError:
    return EngineError(
        f"The model file {path} is damaged or cut short at {size:,} bytes.", fix="Download it again."
    )


def _header(file: BinaryIO) -> tuple[bool, int]:
    """Whether there is a chat template, and where the last tensor begins."""
    _version, tensors, pairs = struct.unpack("<IQQ", _read(file, 20))
    chat, alignment = False, 32
    for _ in range(pairs):
        name = _string(file)
        (kind,) = struct.unpack("<I", _read(file, 4))
        if name == b"general.alignment":
            (alignment,) = struct.unpack("<I", _read(file, 4))
            continue
        chat = chat or name == _CHAT_TEMPLATE
        _skip(file, kind)
    offsets = [0]
    for _ in range(tensors):
        _string(file)
        (dimensions,) = struct.unpack("<I", _read(file, 4))
        _read(file, 8 * dimensions + 4)
        offsets += struct.unpack("<Q", _read(file, 8))
    begin = -(-file.tell() // max(alignment, 1)) * alignment
    return chat, begin + max(offsets)


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        _string(file)
    elif kind == _ARRAY:
        inner, count = struct.unpack("<IQ", _read(file, 12))
        if inner in _SIZES:
            _read(file, _SIZES[inner] * count)
        else:
            for _ in range(count):
                _skip(file, inner)
    elif kind in _SIZES:
        _read(file, _SIZES[kind])
    else:
        raise EOFError


def _string(file: BinaryIO) -> bytes:
    (length,) = struct.unpack("<Q", _read(file, 8))
    return _read(file, length)


def _read(file: BinaryIO, length: int) -> bytes:
    data = file.read(length) if length < _LARGEST else b""
    if len(data) != length:
        raise EOFError
    return data


def _digest(file: BinaryIO, size: int) -> str:
    digest = hashlib.sha256(size.to_bytes(8, "little"))
    for start in (0, size // 2, max(0, size - _MEBIBYTE)):
        file.seek(start)
        digest.update(file.read(_MEBIBYTE))
    return digest.hexdigest()[:32]
