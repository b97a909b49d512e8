"""The four things that travel: Text, Answer, Label, Prediction; and the hash that names content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

Feature = str | float | bool | None
_NO_FEATURES: Mapping[str, Feature] = MappingProxyType({})


class Status(StrEnum):
    """What became of one question to one teacher."""

    OK = "ok"
    UNPARSED = "unparsed"
    REFUSED = "refused"
    FAILED = "failed"


ONLY_FAILURES = frozenset({Status.FAILED})
"""What is asked again by default: a refusal, or what could not be read, is an answer too."""


class Origin(StrEnum):
    """Where a label came from."""

    GOLDEN = "golden"
    REVIEW = "review"
    AGREEMENT = "agreement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One thing to classify.

    Attributes:
        id: Follows the text from the input file to the last log row.
        title: Title as found; may be empty if there is a body.
        body: Body as found; may be empty if there is a title.
        source: Where the text was published; empty if unknown.
        time: When it was published; None if unknown. Naive times are taken as UTC.
        part: `train`, `validation` or `test` where the input prescribes it, else empty.
        content: Cleaned title and body: what teachers and models see. Empty until cleaned.
    """

    id: str
    title: str = ""
    body: str = ""
    source: str = ""
    time: datetime | None = None
    features: Mapping[str, Feature] = field(default_factory=lambda: _NO_FEATURES)
    part: str = ""
    content: str = ""

    @property
    def original(self) -> str:
        """Title and body as found, one above the other."""
        return "\n".join(piece for piece in (self.title, self.body) if piece)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One teacher's reply about one text.

    Attributes:
        teacher: Name of the teacher, unique within a config.
        key: Hash of everything that could change the answer (see `content_hash`).
        status: Only `ok` answers carry scores; the others never count as "no category".
        scores: Raw score per category key; the scale is the teacher's own. A category that is
            absent was abstained from.
        raw: The generation or evidence as it came.
        cost: Money spent, in the currency of the config.
        taxonomy: Version of the list of categories under which it was given; empty where that is unknown.
    """

    text_id: str
    teacher: str
    key: str
    status: Status
    scores: Mapping[str, float] = field(default_factory=dict)
    raw: str = ""
    cost: float = 0.0
    seconds: float = 0.0
    taxonomy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What was decided for a text from its answers.

    Attributes:
        probabilities: Probability per category key, all categories present.
        categories: Keys decided on, in taxonomy order.
        origin: Golden and reviewed labels outrank agreed ones.
        teachers: Names of the teachers that stand for it.
    """

    text_id: str
    probabilities: Mapping[str, float]
    categories: tuple[str, ...]
    origin: Origin
    teachers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Categories and calibrated probabilities for one text.

    Attributes:
        categories: Keys whose probability reaches their threshold (or the best one, single-label).
        probabilities: Calibrated probability per category key, all categories present.
        model: Identifier of the artifact that predicted.
        route: Which of its models answered, where it holds several of which one does; else empty.
    """

    text_id: str
    categories: tuple[str, ...]
    probabilities: Mapping[str, float]
    model: str
    taxonomy_version: str
    route: str = ""


def content_hash(tag: str, *parts: str | bytes) -> str:
    """Name content by 32 hexadecimal digits (128 bits of SHA-256) of the parts, whose order matters.

    Each part goes in with its length, so `("ab", "c")` differs from `("a", "bc")`. The tag says what is
    hashed, with a version (`"answer:1"`), so that different kinds never meet.
    """
    digest = hashlib.sha256(tag.encode())
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
