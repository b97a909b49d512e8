"""What of a text is kept beside its prediction: how it is written, never what it says."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import regex
from numpy.typing import NDArray

from rubricator.records import content_hash
from rubricator.stats.arrays import Floats, Vectors

EXCERPT = 2000
"""Characters of a text that are looked at."""
WIDTH = 32
"""Numbers of a vector that are kept."""
_WORDS = regex.compile(r"[\p{L}\p{N}\N{REPLACEMENT CHARACTER}?]+")
_MOST_WORDS = 200_000
_SEED = 20_170_424


def vocabulary_of(contents: Iterable[str]) -> NDArray[np.uint32]:
    """CRC-32 of the words of some texts, sorted: those of at least two texts, the commonest 200,000.

    A word of one text alone, such as a name, says nothing of whether texts are of the same kind.
    """
    counts = Counter(word for content in contents for word in set(_words(content)))
    common = [word for word, count in counts.most_common(_MOST_WORDS) if count > 1]
    return np.array(sorted(common), dtype=np.uint32)


def unknown_share(content: str, vocabulary: NDArray[np.uint32]) -> float:
    """Share of the words of a text that are not in a vocabulary; 0 for a text without words."""
    words = np.array(_words(content), dtype=np.uint32)
    if not len(words) or not len(vocabulary):
        return 0.0
    places = np.minimum(np.searchsorted(vocabulary, words), len(vocabulary) - 1)
    return float((vocabulary[places] != words).mean())


def projected(vectors: Vectors) -> Floats:
    """A small random projection of vectors, shape [texts, 32]; the same one everywhere.

    It keeps distances roughly (Johnson & Lindenstrauss, 1984), and no text can be read from it.
    """
    width = vectors.shape[1]
    directions = np.random.default_rng(_SEED).normal(size=(width, WIDTH)) / np.sqrt(WIDTH)
    return np.asarray(vectors.astype(np.float64) @ directions)


def packed(vector: Sequence[float] | Floats) -> bytes:
    """A projected vector as 16-bit floats."""
    return np.asarray(vector, dtype="<f2").tobytes()


def unpacked(data: bytes | None) -> Floats | None:
    """What `packed` packed; None for none and for what is no such vector."""
    if data is None or len(data) != 2 * WIDTH:
        return None
    return np.frombuffer(data, dtype="<f2").astype(np.float64)


def anonymous_id(content: str, salt: str) -> str:
    """The name of a text that its client gave none: `#` and a salted hash, the same for the same text."""
    return f"#{content_hash('logged:1', salt, content)[:16]}"


def _words(content: str) -> list[int]:
    words = _WORDS.findall(content[:EXCERPT].lower())
    return [zlib.crc32(word.encode("utf-8", "replace")) for word in words]
