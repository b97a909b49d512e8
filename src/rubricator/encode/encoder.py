"""`Encoder`: texts in, unit vectors out."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rubricator import config
from rubricator.encode.card import FORMAT, TOKENIZER_FILE, EncoderCard, read_card
from rubricator.encode.export import export
from rubricator.encode.folders import cache_folder
from rubricator.encode.runtimes import Batch, Runtime, RuntimeChoice, choose_for, choose_runtime, open_runtime
from rubricator.encode.source import EncoderSource, resolve
from rubricator.encode.tokenizer import TokenizerFault, encodings, read_tokenizer
from rubricator.encode.tokens_seen import tell
from rubricator.errors import EncoderError
from rubricator.progress import Progress, silent
from rubricator.records import content_hash
from rubricator.stats.arrays import Indices, Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_TOKENIZED_AT_ONCE = 1024
# No vocabulary has words that long: what is cut off here could not have fitted `max_tokens`.
_CHARACTERS_PER_TOKEN = 64
_LENGTH_STEP = 16
# Of a text as long as a batch is sized for: of longer ones fewer go together, which bounds the memory.
_TOKENS_PER_TEXT = 128
_PROBES = ("Проба пера", "x", "4 + 8 = 12; слово за словом, word after word " * 40)
_PROBE_SECONDS = 60.0


class Encoder:
    """Turns texts into vectors of length 1. Made by `open_encoder` or `Encoder.load`.

    The card holds the prefix and the length in force; `reason` says why this runtime, as a sentence.

    Raises:
        EncoderError: The tokenizer cannot be read.
    """

    def __init__(
        self, card: EncoderCard, runtime: Runtime, folder: Path, *, batch: int = 32, reason: str = ""
    ) -> None:
        self._card = card
        self._runtime = runtime
        self._folder = folder
        self._batch = batch
        self._reason = reason
        self._tokenizer = _read_tokenizer(folder / TOKENIZER_FILE, card.max_tokens)
        # A runtime's requests serve one caller at a time.
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        runtime: Literal["auto", "openvino", "onnx", "torch"] = "auto",
        precision: Literal["auto", "bf16", "fp32"] = "auto",
        batch: int = 32,
        threads: int = 0,
        max_tokens: int | None = None,
    ) -> Encoder:
        """Load an exported encoder, as `save` or `export` wrote it; torch is not needed.

        With `auto` it is computed as its card wishes, else by the quickest runtime that is here. With
        `threads` 0 the runtime chooses; without `max_tokens`, texts are cut off as when it was saved.

        Raises:
            EncoderError: A file is missing, damaged or of another version, the runtime cannot run, or what it
                makes of a few fixed texts are no vectors.
        """
        card = read_card(folder)
        if max_tokens is not None:
            card = dataclasses.replace(card, max_tokens=min(max_tokens, card.positions))
        choice = choose_for(card, runtime, precision)
        running = open_runtime(choice, folder, threads=threads)
        encoder = cls(card, running, folder, batch=batch, reason=choice.reason)
        encoder._probe()
        return encoder

    @property
    def card(self) -> EncoderCard:
        """What there is to know about it, the prefix and the length in force."""
        return self._card

    @property
    def folder(self) -> Path:
        """Where its files lie; its card there may name another prefix or length."""
        return self._folder

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return self._card.width

    @property
    def languages(self) -> tuple[str, ...] | None:
        """Those that it knows, in ISO 639-1; None where it may be any."""
        return self._card.languages

    @property
    def bytes(self) -> int:
        """Size of the graph and the tokenizer on disk."""
        return sum((self._folder / name).stat().st_size for name in self._card.files)

    @property
    def fingerprint(self) -> str:
        """Names everything that could change a vector."""
        card, precision = self._card, self._runtime.precision
        parts = (card.digest, card.pooling, card.prefix, str(card.max_tokens), precision, str(FORMAT))
        return content_hash("vectors:3", *parts)

    def describe(self) -> dict[str, Any]:
        """What it is and what computes it, as plain values."""
        names = ("name", "digest", "width", "max_tokens", "prefix", "pooling")
        return {name: getattr(self._card, name) for name in names} | {
            "runtime": self._runtime.name,
            "precision": self._runtime.precision,
            "reason": self._reason,
        }

    def encode(self, contents: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """Vectors of cleaned texts, cut off at `max_tokens`: shape [texts, width], each row of length 1.

        Raises:
            EncoderError: What the runtime gives is of another width, not finite, or zero.
        """
        vectors = np.zeros((len(contents), self.width), dtype=np.float32)
        with self._lock, progress("Encoding texts", total=len(contents)) as step:
            started = time.perf_counter()
            tokens = self._tokenize(contents)
            tell(sum(ids.size for ids in tokens), time.perf_counter() - started)
            slices = list(self._batches([ids.size for ids in tokens]))
            batches = (self._padded([tokens[row] for row in rows]) for rows in slices)
            for rows, raw in zip(slices, self._runtime.run(batches), strict=True):
                vectors[rows] = self._unit(raw, len(rows))
                step(len(rows))
        return vectors

    def token_counts(self, contents: Sequence[str]) -> Indices:
        """Length of cleaned texts in tokens, with the prefix and nothing cut off, shape [texts].

        Raises:
            EncoderError: The tokenizer cannot cut a text.
        """
        whole = _read_tokenizer(self._folder / TOKENIZER_FILE, None)
        counts: list[int] = []
        for at in range(0, len(contents), _TOKENIZED_AT_ONCE):
            texts = [self._card.prefix + _encodable(text) for text in contents[at : at + _TOKENIZED_AT_ONCE]]
            try:
                counts += [len(one.ids) for one in encodings(whole, texts)]
            except TokenizerFault as error:
                raise self._unusable(f"has no tokenizer that can be used: {error}") from error
        return np.array(counts, dtype=np.intp)

    @property
    def max_tokens(self) -> int:
        """Where texts are cut off."""
        return self._card.max_tokens

    @property
    def positions(self) -> int:
        """The most tokens that it could read."""
        return self._card.positions

    def save(self, folder: Path) -> None:
        """Write what `load` needs, with the prefix and the length in force, into an existing folder."""
        for name in self._card.files:
            shutil.copyfile(self._folder / name, folder / name)
        self._card.write(folder)

    def _probe(self) -> None:
        # A graph that never ends cannot be stopped, only left behind.
        outcome: Future[Vectors] = Future()

        def work() -> None:
            try:
                outcome.set_result(self.encode(_PROBES))
            except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
                outcome.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            outcome.result(_PROBE_SECONDS)
        except TimeoutError as error:
            raise self._unusable(f"did not encode {len(_PROBES)} texts in {_PROBE_SECONDS:g} s") from error

    def _unit(self, raw: Vectors, texts: int) -> Vectors:
        if raw.shape != (texts, self.width):
            shape = " × ".join(map(str, raw.shape))
            raise self._unusable(f"gives {shape} numbers for {texts} texts instead of {self.width} each")
        lengths = np.linalg.norm(raw, axis=1, keepdims=True)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise self._unusable("gives a text a vector that is zero or not finite")
        return np.asarray(raw / lengths)

    def _unusable(self, problem: str) -> EncoderError:
        return EncoderError(
            f"The encoder '{self._card.name}' in {self._folder} {problem}.",
            fix="Restore its files or export it again; where `encode.precision` is bf16, try fp32.",
        )

    def batches(self, contents: Sequence[str]) -> list[Batch]:
        """Cleaned texts as the runtime reads them, cut off and padded; not in the order of the texts.

        Raises:
            EncoderError: The tokenizer cannot cut a text.
        """
        tokens = self._tokenize(contents)
        return [
            self._padded([tokens[row] for row in rows]) for rows in self._batches([t.size for t in tokens])
        ]

    def _tokenize(self, contents: Sequence[str]) -> list[NDArray[np.int64]]:
        longest = self._card.max_tokens * _CHARACTERS_PER_TOKEN
        tokens: list[NDArray[np.int64]] = []
        for at in range(0, len(contents), _TOKENIZED_AT_ONCE):
            chunk = contents[at : at + _TOKENIZED_AT_ONCE]
            texts = [self._card.prefix + _encodable(text[:longest]) for text in chunk]
            try:
                chunk_encodings = encodings(self._tokenizer, texts)
            except TokenizerFault as error:
                raise self._unusable(f"has no tokenizer that can be used: {error}") from error
            tokens += [np.array(one.ids or [self._card.pad], dtype=np.int64) for one in chunk_encodings]
        return tokens

    def _batches(self, sizes: Sequence[int]) -> Iterator[list[int]]:
        """Rows of texts that are padded to the same length, so many to a batch, and so many tokens.

        In bf16 a vector depends in its last bits on the length its text is padded to, though not on the texts
        beside it. The length is the text's own, rounded up: so a text has one vector, whatever it is encoded
        with. The longest come first: a shortage of memory shows at once, and the time left only falls.
        """
        by_length: dict[int, list[int]] = {}
        for row, size in enumerate(sizes):
            by_length.setdefault(self._padded_length(size), []).append(row)
        for length in sorted(by_length, reverse=True):
            rows = by_length[length]
            most = min(self._batch, max(1, self._batch * _TOKENS_PER_TEXT // length))
            yield from (rows[at : at + most] for at in range(0, len(rows), most))

    def _padded_length(self, size: int) -> int:
        return min(-(-size // _LENGTH_STEP) * _LENGTH_STEP, self._card.positions)

    def _padded(self, rows: list[NDArray[np.int64]]) -> Batch:
        shape = (len(rows), self._padded_length(rows[0].size))
        ids = np.full(shape, self._card.pad, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for number, row in enumerate(rows):
            ids[number, : row.size] = row
            mask[number, : row.size] = 1
        return ids, mask


def _encodable(text: str) -> str:
    # A lone surrogate, which JSON can carry, is no character of UTF-8.
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _read_tokenizer(path: Path, max_tokens: int | None) -> Tokenizer:
    try:
        tokenizer = read_tokenizer(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EncoderError(f"{path} cannot be read: {error}.", fix="Give the whole folder.") from error
    except (TokenizerFault, UnicodeDecodeError) as error:
        raise EncoderError(
            f"{path} is no tokenizer that can be used: {error}.", fix="Restore the file."
        ) from error
    if max_tokens is not None:
        tokenizer.enable_truncation(max_tokens)
    return tokenizer


def open_encoder(settings: config.Encode, *, progress: Progress = silent) -> Encoder:
    """Find, export if need be, and start the encoder of a config; it is started once in a process.

    Raises:
        EncoderError: There is no such encoder, or it cannot be exported or run.
        MissingExtraError: It takes a package that is not installed.
    """
    choice = choose_runtime(settings.runtime, settings.precision)
    cache = cache_folder(settings.cache)
    source: EncoderSource = resolve(settings.encoder, cache=cache, progress=progress)
    folder = export(source, cache=cache, progress=progress)
    card = read_card(folder)
    card = dataclasses.replace(
        card,
        max_tokens=min(settings.max_tokens, card.positions),
        prefix=card.prefix if settings.prefix is None else settings.prefix,
    )
    return _started(card, folder, choice, source, settings.threads, settings.batch)


# Every stage of a run asks for the same ones, and starting one takes seconds.
@lru_cache(maxsize=len(config.ENCODER_NAMES))
def _started(
    card: EncoderCard, folder: Path, choice: RuntimeChoice, source: EncoderSource, threads: int, batch: int
) -> Encoder:
    runtime = open_runtime(choice, folder, source=source, threads=threads)
    return Encoder(card, runtime, folder, batch=batch, reason=choice.reason)
