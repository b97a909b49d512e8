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
from rubricator.stats.arrays import Vectors

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

    The `pieces` most frequent pieces are kept, with those of `contents` on top, whose scripts choose the
    others. A vector has `width` numbers, or the encoder's own width where that is less.

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
    ids = _piece_ids(whole, contents, pieces)
    key = content_hash("distil:2", source.digest, choice.precision, str(width), json.dumps(ids))

    def build(folder: Path) -> None:
        runtime = open_runtime(choice, encoder, source=source, threads=settings.threads)
        batches = _batches(whole, ids)
        vectors = []
        with progress("Distilling the encoder", total=len(ids)) as step:
            for part in runtime.run(batches):
                vectors.append(part)
                step(len(part))
        np.save(folder / _TABLE, _reduced(np.concatenate(vectors), width))
        (folder / TOKENIZER_FILE).write_text(_pruned(whole, ids), encoding="utf-8")

    folder = built(cache / f"static-{key[:16]}", build, progress=progress)
    tokenizer = (folder / TOKENIZER_FILE).read_text(encoding="utf-8")
    return StaticEmbedding(tokenizer, _unknown(tokenizer), np.load(folder / _TABLE))


def _reduced(vectors: Vectors, width: int) -> Table:
    """Principal components, weighted: rows are in order of frequency."""
    unit = vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    centred = unit - unit.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    components = centred @ axes[:, ::-1][:, :width]
    share = 1 / np.arange(2, len(vectors) + 2)
    share /= share.sum()
    return np.asarray(components * (_SIF / (_SIF + share))[:, None], dtype=np.float16)


def _batches(whole: str, ids: Sequence[int]) -> Iterator[Batch]:
    """Every piece by itself, between the special tokens of a text; a prefix was measured to gain nothing."""
    before, after = _frame(whole)
    for at in range(0, len(ids), _BATCH):
        rows = np.array([[*before, piece, *after] for piece in ids[at : at + _BATCH]], dtype=np.int64)
        yield rows, np.ones_like(rows)


def _frame(whole: str) -> tuple[list[int], list[int]]:
    """The special tokens before and after a text."""
    from tokenizers import Tokenizer

    tokenizer: Tokenizer = Tokenizer.from_str(whole)
    tokenizer.no_padding()
    encoding = tokenizer.encode("a")
    text = [place for place, special in enumerate(encoding.special_tokens_mask) if not special]
    first, last = (text[0], text[-1] + 1) if text else (1, 1)
    return encoding.ids[:first], encoding.ids[last:]


def _piece_ids(whole: str, contents: Sequence[str], pieces: int) -> list[int]:
    """Ids of the pieces to keep, ascending, which is from frequent to rare."""
    from tokenizers import Tokenizer

    tokenizer: Tokenizer = Tokenizer.from_str(whole)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    names = {number: piece for piece, number in tokenizer.get_vocab(with_added_tokens=False).items()}
    if json.loads(whole)["model"]["type"] not in _PRUNERS:
        return list(range(max(names) + 1))
    encodings = tokenizer.encode_batch_fast(list(contents), add_special_tokens=False)
    occurring = {number for encoding in encodings for number in encoding.ids if number in names}
    scripts = {script for number in occurring for script in _scripts(names[number])}
    frequent = [number for number in sorted(names) if _scripts(names[number]) <= scripts]
    unknown = _unknown(whole)
    single = [number for number in frequent if len(names[number].strip("▁#")) <= 1]
    unknowns = set() if unknown is None else {unknown}
    return sorted(occurring | set(frequent[:pieces]) | set(single) | unknowns)


def _scripts(piece: str) -> set[str]:
    # By the first word of the names of letters: LATIN, CYRILLIC, CJK.
    return {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in piece if letter.isalpha()}


def _pruned(whole: str, ids: Sequence[int]) -> str:
    """The tokenizer of the kept pieces alone, numbered from 0, without special tokens."""
    parts = json.loads(whole)
    prune = _PRUNERS.get(parts["model"]["type"])
    if prune is not None:
        prune(parts["model"], ids)
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
    # Byte-pair and word-piece tokenizers have the piece for what is unknown by name.
    model = json.loads(tokenizer)["model"]
    number = model.get("unk_id")
    if number is None and model.get("unk_token") is not None:
        number = model["vocab"].get(model["unk_token"])
    return None if number is None else int(number)


def _prune_unigram(model: dict[str, Any], ids: Sequence[int]) -> None:
    model["vocab"] = [model["vocab"][number] for number in ids]
    model["unk_id"] = ids.index(model["unk_id"])


def _prune_word_pieces(model: dict[str, Any], ids: Sequence[int]) -> None:
    names = {number: piece for piece, number in model["vocab"].items()}
    model["vocab"] = {names[number]: place for place, number in enumerate(ids)}


# Byte-pair vocabularies are not pruned: each piece is made of others that would have to stay.
_PRUNERS = {"Unigram": _prune_unigram, "WordPiece": _prune_word_pieces}
