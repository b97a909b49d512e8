"""A table of one vector per word piece, distilled from an encoder without a single label.

The method is model2vec's (Tulkens & van Dongen, "Model2Vec: fast state-of-the-art static embeddings",
2024): every piece of the vocabulary goes through the encoder by itself, principal components reduce
the vectors, and frequent pieces are played down by SIF weights (Arora et al., "A simple but
tough-to-beat baseline for sentence embeddings", ICLR 2017) with Zipf's law for their frequency. Here
only so many pieces are kept as the texts at hand call for: a multilingual vocabulary is mostly other scripts.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Encode
from rubricator.encode.card import TOKENIZER_FILE
from rubricator.encode.export import export
from rubricator.encode.folders import built, cache_folder
from rubricator.encode.runtimes import Batch, choose_runtime, open_runtime
from rubricator.encode.source import resolve
from rubricator.models.static import StaticEmbedding
from rubricator.progress import Progress
from rubricator.records import content_hash

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Table = NDArray[np.float16]

_BATCH = 256
_SIF = 1e-4  # model2vec's default
_MAX_TOKENS = 512  # likewise
_TABLE = "table.npy"


def distil(
    contents: Sequence[str], settings: Encode, *, pieces: int, width: int, progress: Progress
) -> StaticEmbedding:
    """A static embedding of the encoder, kept in the cache folder.

    Args:
        contents: Texts whose pieces are kept whatever their number, and whose scripts choose the others.
        settings: The section `encode`: which encoder.
        pieces: How many pieces to keep, the most frequent first; those of `contents` come on top.
        width: Numbers in a vector; the encoder's own width where that is less.
        progress: Shown while the pieces are encoded.

    Raises:
        EncoderError: There is no such encoder, or it cannot be run.
        MissingExtraError: It takes a package that is not installed.
    """
    cache = cache_folder(settings.cache)
    source = resolve(settings.encoder, cache=cache, progress=progress)
    choice = choose_runtime(settings.runtime, settings.precision)
    as_published = choice.name == "torch" and (source.folder / TOKENIZER_FILE).is_file()
    encoder = source.folder if as_published else export(source, cache=cache, progress=progress)
    whole = (encoder / TOKENIZER_FILE).read_text(encoding="utf-8")
    kept = _kept(whole, contents, pieces)
    key = content_hash("distil:2", source.digest, choice.precision, str(width), json.dumps(kept))

    def build(folder: Path) -> None:
        runtime = open_runtime(choice, encoder, source=source, threads=settings.threads)
        batches = _batches(whole, kept)
        found = []
        with progress("Distilling the encoder", total=len(kept)) as step:
            for vectors in runtime.run(batches):
                found.append(vectors)
                step(len(vectors))
        np.save(folder / _TABLE, _reduced(np.concatenate(found), width))
        (folder / TOKENIZER_FILE).write_text(_pruned(whole, kept), encoding="utf-8")

    folder = built(cache / f"static-{key[:16]}", build)
    tokenizer = (folder / TOKENIZER_FILE).read_text(encoding="utf-8")
    return StaticEmbedding(tokenizer, _unknown(tokenizer), np.load(folder / _TABLE))


def _reduced(vectors: NDArray[np.float32], width: int) -> Table:
    """Principal components, weighted: rows are in order of frequency."""
    unit = vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    centred = unit - unit.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    components = centred @ axes[:, ::-1][:, :width]
    share = 1 / np.arange(2, len(vectors) + 2)
    share /= share.sum()
    return np.asarray(components * (_SIF / (_SIF + share))[:, None], dtype=np.float16)


def _batches(whole: str, kept: Sequence[int]) -> Iterator[Batch]:
    """Every piece by itself, between the special tokens of a text; a prefix was measured to gain nothing."""
    before, after = _frame(whole)
    for at in range(0, len(kept), _BATCH):
        rows = np.array([[*before, piece, *after] for piece in kept[at : at + _BATCH]], dtype=np.int64)
        yield rows, np.ones_like(rows)


def _frame(whole: str) -> tuple[list[int], list[int]]:
    """The special tokens before and after a text."""
    from tokenizers import Tokenizer

    tokenizer: Tokenizer = Tokenizer.from_str(whole)
    tokenizer.no_padding()
    found = tokenizer.encode("a")
    text = [place for place, special in enumerate(found.special_tokens_mask) if not special]
    first, last = (text[0], text[-1] + 1) if text else (1, 1)
    return found.ids[:first], found.ids[last:]


def _kept(whole: str, contents: Sequence[str], pieces: int) -> list[int]:
    """Ids of the pieces to keep, ascending, which is from frequent to rare."""
    from tokenizers import Tokenizer

    tokenizer: Tokenizer = Tokenizer.from_str(whole)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    names = {number: piece for piece, number in tokenizer.get_vocab(with_added_tokens=False).items()}
    if json.loads(whole)["model"]["type"] not in _PRUNERS:
        return list(range(max(names) + 1))
    encodings = tokenizer.encode_batch_fast(list(contents), add_special_tokens=False)
    seen = {number for encoding in encodings for number in encoding.ids if number in names}
    scripts = {script for number in seen for script in _scripts(names[number])}
    frequent = [number for number in sorted(names) if _scripts(names[number]) <= scripts]
    unknown = _unknown(whole)
    single = [number for number in frequent if len(names[number].strip("▁#")) <= 1]
    return sorted(seen | set(frequent[:pieces]) | set(single) | ({unknown} if unknown is not None else set()))


def _scripts(piece: str) -> set[str]:
    """Scripts of the letters, by the first word of their names: LATIN, CYRILLIC, CJK."""
    return {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in piece if letter.isalpha()}


def _pruned(whole: str, kept: Sequence[int]) -> str:
    """The tokenizer of the kept pieces alone, numbered from 0, without special tokens."""
    parts = json.loads(whole)
    prune = _PRUNERS.get(parts["model"]["type"])
    if prune is not None:
        prune(parts["model"], kept)
    parts["added_tokens"] = []
    parts["post_processor"] = None
    parts["padding"] = None
    parts["truncation"] = {
        "direction": "Right",
        "max_length": _MAX_TOKENS,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    return json.dumps(parts, ensure_ascii=False)


def _unknown(tokenizer: str) -> int | None:
    """Number of the piece for what is unknown: byte-pair and word-piece tokenizers have it by name."""
    model = json.loads(tokenizer)["model"]
    number = model.get("unk_id")
    if number is None and model.get("unk_token") is not None:
        number = model["vocab"].get(model["unk_token"])
    return None if number is None else int(number)


def _prune_unigram(model: dict[str, Any], kept: Sequence[int]) -> None:
    model["vocab"] = [model["vocab"][number] for number in kept]
    model["unk_id"] = kept.index(model["unk_id"])


def _prune_word_pieces(model: dict[str, Any], kept: Sequence[int]) -> None:
    names = {number: piece for piece, number in model["vocab"].items()}
    model["vocab"] = {names[number]: place for place, number in enumerate(kept)}


# Byte-pair vocabularies are not pruned: each piece is made of others that would have to stay.
_PRUNERS = {"Unigram": _prune_unigram, "WordPiece": _prune_word_pieces}
