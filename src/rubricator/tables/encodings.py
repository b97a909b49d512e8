"""Which encoding a text file is in, told from its bytes."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from rubricator.errors import DataError
from rubricator.tables.eight_bit import likeliest_encoding

_CHUNK = 1 << 20
_SAMPLE = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DISGUISES = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\0", "a SQLite database"),
)
# A file of UTF-8 with a few spoilt bytes stays UTF-8: only the rows that hold them are rejected.
_SPOILT = 0.01
_ASCII = bytes(range(128))


def detect_encoding(path: Path, *, prescribed: str | None = None) -> str:
    """Name of the codec that reads the file: the prescribed one, if any.

    Otherwise byte order marks decide; then a full pass tells UTF-8, so that the first Russian letter may
    stand anywhere; what is not UTF-8 is guessed among the 8-bit encodings of Europe.

    Raises:
        DataError: The file is no text, or no encoding is called so.
    """
    with path.open("rb") as file:
        head = file.read(_CHUNK)
    for start, kind in _DISGUISES:
        if head.startswith(start):
            raise DataError(
                f"{path} is not a text file: by its first bytes it is {kind}.",
                fix="Give the file the suffix of what it is, or export it as CSV in UTF-8.",
            )
    if prescribed:
        return _prescribed(prescribed)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head and (wide := _wide(head)):
        return wide
    if head.count(b"\0") > len(head) * 0.01:
        raise DataError(
            f"{path} is not a text file: it holds zero bytes.", fix="Export the data as CSV in UTF-8."
        )
    return _utf8_or_eight_bit(path)


def _prescribed(name: str) -> str:
    try:
        "".encode(name)  # unlike `codecs.lookup` it refuses codecs that are none of texts
    except LookupError as error:
        raise DataError(
            f"There is no encoding '{name}'.", fix="Write for example cp1251, koi8-r, cp866, utf-8 or utf-16."
        ) from error
    return "utf-8-sig" if is_utf8(name) else codecs.lookup(name).name


def is_utf8(encoding: str) -> bool:
    """Whether this is a name of UTF-8, with or without a byte order mark."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def _wide(head: bytes) -> str:
    """UTF-16 without a byte order mark, or an empty string."""
    for encoding in ("utf-16-le", "utf-16-be"):
        text = head[: len(head) // 2 * 2].decode(encoding, "replace")
        odd = sum(not (char.isprintable() or char in "\r\n\t") for char in text) + text.count("\ufffd")
        # The wrong byte order reads Latin and Cyrillic as a jumble of printable Chinese, without line ends.
        if odd <= len(text) * 0.01 and re.search(r"[\r\n]", text):
            return encoding
    return ""


def _utf8_or_eight_bit(path: Path) -> str:
    good = bad = 0
    strange = bytearray()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            chunk += file.readline()  # so that no letter is cut in two
            whole = valid = _high_bytes(chunk)
            try:
                chunk.decode()
            except UnicodeDecodeError:
                valid = _high_bytes(chunk.decode("utf-8", "ignore").encode())
            good += valid
            bad += whole - valid
            if valid < whole and len(strange) < _SAMPLE:
                strange += b"\n".join(line for line in chunk.splitlines() if not line.isascii())[:_SAMPLE]
    if bad <= good * _SPOILT:
        return "utf-8"
    guess = likeliest_encoding(bytes(strange[:_SAMPLE]))
    if not guess:
        raise DataError(
            f"The encoding of {path} cannot be told: it is neither UTF-8 nor a known 8-bit encoding.",
            fix="Save the file in UTF-8, or name its encoding as `data.encoding` (`--encoding` of predict).",
        )
    return guess


def _high_bytes(chunk: bytes) -> int:
    """Number of bytes that are not ASCII."""
    return len(chunk.translate(None, _ASCII))
