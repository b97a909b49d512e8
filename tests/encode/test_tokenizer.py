from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from rubricator.encode.tokenizer import TokenizerFault, _growth, read_tokenizer


def content(normalizer: dict[str, Any] | None, **vocabulary: int) -> str:
    return json.dumps(
        {
            "version": "1.0",
            "normalizer": normalizer,
            "model": {"type": "WordLevel", "vocab": {"<unk>": 0, **vocabulary}, "unk_token": "<unk>"},
        }
    )


def replace(pattern: dict[str, str], by: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": by}


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "normalizers": list(steps)}


def precompiled(*replacements: bytes) -> dict[str, Any]:
    blob = b"\0\0\0\0" + b"\0".join(replacements) + b"\0"
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(blob).decode()}


TENFOLD = replace({"String": "a"}, "a" * 10)


@pytest.mark.parametrize(
    "normalizer",
    [
        None,
        {"type": "NFKC"},
        sequence(replace({"Regex": " {2,}"}, " "), {"type": "Lowercase"}),
        sequence({"type": "Prepend", "prepend": "▁"}, replace({"String": " "}, "▁")),
    ],
)
def test_what_published_tokenizers_do_is_read(normalizer: dict[str, Any] | None) -> None:
    assert read_tokenizer(content(normalizer)).encode("x").ids == [0]


@pytest.mark.parametrize(
    "normalizer",
    [
        sequence(*[TENFOLD] * 9),
        replace({"String": "a"}, "a" * 10**6),
        replace({"Regex": ""}, "a" * 10**6),
        sequence(replace({"Regex": "."}, "ab" * 20), sequence(replace({"Regex": "."}, "ab" * 20))),
        {"type": "Prepend", "prepend": "x" * 10**6},
        precompiled(b"x" * 10**6),
    ],
)
def test_replacements_that_blow_a_text_up_are_refused(normalizer: dict[str, Any]) -> None:
    with pytest.raises(TokenizerFault, match="times as long"):
        read_tokenizer(content(normalizer))


def test_a_charsmap_of_a_published_tokenizer_grows_little() -> None:
    charsmap = precompiled("صلى الله عليه وسلم".encode())
    assert _growth(sequence(charsmap, replace({"Regex": " {2,}"}, " "))) == 66


def test_a_tokenizer_that_panics_is_refused() -> None:
    with pytest.raises(TokenizerFault, match="cannot cut texts into tokens"):
        read_tokenizer(content(precompiled(b"a map without a trie")))


@pytest.mark.parametrize("text", ["", "[]", "[" * 10**5, '{"model": {}}', content(None, a=2**32)])
def test_what_is_no_tokenizer_is_refused(text: str) -> None:
    with pytest.raises(TokenizerFault):
        read_tokenizer(text)
