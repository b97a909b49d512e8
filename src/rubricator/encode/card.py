"""`encoder.json`: what a runnable encoder folder says about itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from rubricator.errors import EncoderError

FORMAT = 1
CARD_FILE = "encoder.json"
GRAPH_FILE = "encoder.onnx"
TOKENIZER_FILE = "tokenizer.json"

Pooling = Literal["mean", "cls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderCard:
    """What there is to know about an exported encoder.

    Attributes:
        name: The name it was asked for by.
        digest: Names the weights and the tokenizer it was made from.
        width: Numbers in a vector.
        positions: Longest input in tokens.
        max_tokens: Where texts are cut off, at most `positions`.
        prefix: Put before every text.
        pooling: How token vectors become one.
        pad: Id of the padding token.
        format: Version of the folder's layout.
    """

    name: str
    digest: str
    width: int
    positions: int
    max_tokens: int
    prefix: str
    pooling: Pooling
    pad: int
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Write `encoder.json`."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")


def read_card(folder: Path) -> EncoderCard:
    """Read `encoder.json`.

    Raises:
        EncoderError: It is missing, unreadable or of another version.
    """
    path = folder / CARD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"{path} cannot be read: {error}.", fix="Give the folder of an exported encoder, whole."
        ) from error
    version = content.get("format") if isinstance(content, dict) else None
    if version != FORMAT:
        raise EncoderError(
            f"{path} has format {version!r}; this version of Rubricator reads {FORMAT}.",
            fix="Use the version that wrote it, or train the artifact again.",
        )
    types = {"str": str, "int": int, "Pooling": str}
    wrong = [
        field.name
        for field in fields(EncoderCard)
        if type(content.get(field.name)) is not types[str(field.type)]
    ]
    unknown = content.keys() - {field.name for field in fields(EncoderCard)}
    if wrong or unknown:
        raise EncoderError(
            f"{path} has missing, wrong or unknown entries: {', '.join(sorted({*wrong, *unknown}))}.",
            fix="Restore the file or export the encoder again.",
        )
    return EncoderCard(**content)
