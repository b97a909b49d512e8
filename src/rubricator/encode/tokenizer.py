"""Tokenizers from files that may come from anybody: read, and held to what a text can grow to."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

_LARGEST_FILE = 2**28
# Published tokenizers stay below 70: XLM-R's longest replacement has 33 bytes, and blanks may double.
_MOST_GROWTH = 500


class TokenizerFault(Exception):  # noqa: N818 - whoever reads the file raises its own error from this
    """A tokenizer cannot be used; the message says why, as a clause."""


def read_tokenizer(content: str) -> Tokenizer:
    """The tokenizer that the content of a `tokenizer.json` describes; it pads nothing.

    Raises:
        TokenizerFault: It is none, contradicts itself, or its replacements would blow a text up.
    """
    from tokenizers import Tokenizer

    if len(content) > _LARGEST_FILE:
        raise TokenizerFault(f"it has {len(content):,} characters")
    try:
        tokenizer: Tokenizer = Tokenizer.from_str(content)
        normalizer = tokenizer.normalizer
        growth = 1.0 if normalizer is None else _growth(json.loads(normalizer.__getstate__()))
    except Exception as error:  # tokenizers raises nothing narrower
        raise TokenizerFault(str(error)) from error
    if growth > _MOST_GROWTH:
        raise TokenizerFault(f"its replacements can make a text {growth:,.0f} times as long")
    tokenizer.no_padding()
    encodings(tokenizer, ["Проба пера, 12 x"])
    return tokenizer


def encodings(tokenizer: Tokenizer, texts: Sequence[str], *, special: bool = True) -> list[Encoding]:
    """The tokens of each text, those at its ends too if they are wanted; the text must be encodable as UTF-8.

    Raises:
        TokenizerFault: The tokenizer contradicts itself.
    """
    try:
        return list(tokenizer.encode_batch_fast(list(texts), add_special_tokens=special))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of tokenizers is no Exception
        raise TokenizerFault(f"it cannot cut texts into tokens ({error})") from error


def _growth(normalizer: Mapping[str, Any]) -> float:
    """How many times as long a text can become, from above."""
    kind = normalizer["type"]
    if kind == "Sequence":
        whole = 1.0
        for step in normalizer["normalizers"]:
            whole *= _growth(step)
        return whole
    if kind == "Replace":
        pattern, content = normalizer["pattern"].get("String"), len(normalizer["content"])
        # A pattern may match between any two characters.
        return max(1.0, content / len(pattern)) if pattern else 1.0 + content
    if kind == "Prepend":
        return 1.0 + len(normalizer["prepend"])
    if kind == "Precompiled":
        charsmap = base64.b64decode(normalizer["precompiled_charsmap"] or b"")
        trie = 4 + int.from_bytes(charsmap[:4], "little")
        return max(1.0, *(float(len(text)) for text in charsmap[trie:].split(b"\0")))
    return 1.0
