"""`encoder.json`: what a runnable encoder folder says about itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from rubricator.errors import EncoderError
from rubricator.patterns import LANGUAGE

FORMAT = 1
CARD_FILE = "encoder.json"
GRAPH_FILE = "encoder.onnx"
TOKENIZER_FILE = "tokenizer.json"
OPENVINO_FILE, OPENVINO_WEIGHTS = "encoder.xml", "encoder.bin"
"""The graph where OpenVINO computes in 8 bits: no file of ONNX says all that it needs."""

Runtime = Literal["openvino", "onnx"]
Precision = Literal["fp32", "bf16", "int8"]

Pooling = Literal["mean", "cls", "none"]
"""How token vectors become one; `none` where the encoder gives one vector a text by itself."""

_Language = Annotated[str, Field(pattern=LANGUAGE)]
_Length = Annotated[int, Field(ge=1, le=2**20)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderCard:
    """What there is to know about an exported encoder.

    `digest` names the weights and the tokenizer it was made from, `positions` is its longest input in tokens,
    `max_tokens` where texts are cut off, `pad` the id of the padding token, `format` the folder's layout.
    `languages` are those that it knows, in ISO 639-1; None where it may be any. `runtime` and `precision` are
    what it was measured to be served with; None where that was left to the machine.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    name: str
    digest: str
    width: Annotated[int, Field(ge=1, le=2**16)]
    positions: _Length
    max_tokens: _Length
    prefix: Annotated[str, Field(max_length=1000)]
    pooling: Pooling
    pad: Annotated[int, Field(ge=0, lt=2**31)]
    languages: Annotated[tuple[_Language, ...], Field(min_length=1, max_length=1000)] | None = None
    runtime: Runtime | None = None
    precision: Precision | None = None
    format: int = FORMAT

    @property
    def files(self) -> tuple[str, ...]:
        """Its files beside the card: the graph, then the tokenizer."""
        if (self.runtime, self.precision) == ("openvino", "int8"):
            return OPENVINO_FILE, OPENVINO_WEIGHTS, TOKENIZER_FILE
        return GRAPH_FILE, TOKENIZER_FILE

    def write(self, folder: Path) -> None:
        """Write `encoder.json`."""
        # Older versions know no wishes, and read a card that has none.
        unsaid = [name for name in ("runtime", "precision") if getattr(self, name) is None]
        content = {name: value for name, value in asdict(self).items() if name not in unsaid}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")


def read_card(folder: Path) -> EncoderCard:
    """Read `encoder.json`.

    Raises:
        EncoderError: It is missing, unreadable, of another version or absurd.
    """
    path = folder / CARD_FILE
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderError(
            f"{path} cannot be read: {error}.", fix="Give the folder of an exported encoder, whole."
        ) from error
    version = content.get("format") if isinstance(content, dict) else None
    if version != FORMAT:
        raise EncoderError(
            f"{path} has format {version!r}; this version of Rubricator reads {FORMAT}.",
            fix="Use the version that wrote it, or train the artifact again.",
        )
    try:
        card = TypeAdapter(EncoderCard).validate_json(text)
    except ValidationError as error:
        names = sorted(
            {str(fault["loc"][0]) if fault["loc"] else "nested too deep" for fault in error.errors()}
        )
        raise EncoderError(
            f"{path} has missing, wrong or unknown entries: {', '.join(names)}.",
            fix="Restore the file or export the encoder again.",
        ) from error
    if card.max_tokens > card.positions:
        raise EncoderError(
            f"{path} cuts texts off at {card.max_tokens} tokens, the encoder reads only {card.positions}.",
            fix="Restore the file or export the encoder again.",
        )
    return card
