"""The ways in which one exported encoder may be computed: a runtime and a precision each."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rubricator.encode.card import GRAPH_FILE, TOKENIZER_FILE, EncoderCard, Precision, Runtime
from rubricator.encode.compression.onnx_int8 import quantize_for_onnx
from rubricator.encode.compression.openvino_int8 import Judge, quantize_for_openvino
from rubricator.encode.compression.vocabulary import trim_vocabulary
from rubricator.encode.encoder import Encoder
from rubricator.encode.folders import built
from rubricator.encode.runtimes import TITLES, choose_for, has_bf16, open_runtime
from rubricator.progress import Advance, Progress, silent
from rubricator.records import content_hash, file_digest


@dataclass(frozen=True, slots=True)
class Variant:
    """A runtime in a precision."""

    runtime: Runtime
    precision: Precision

    def __str__(self) -> str:
        return f"{TITLES[self.runtime]} {self.precision}"


def variants_of(
    runtime: Literal["auto", "openvino", "onnx"], precision: Literal["auto", "bf16", "int8", "fp32"]
) -> tuple[list[Variant], dict[str, str]]:
    """The variants that fit, and why others are left out although nobody excluded them.

    A precision that was asked for by name is never left out: what is missing then shows as an error.
    """
    every = [
        *(Variant("openvino", precision) for precision in ("fp32", "bf16", "int8")),
        *(Variant("onnx", precision) for precision in ("fp32", "int8")),
    ]
    asked = [
        one for one in every if runtime in ("auto", one.runtime) and precision in ("auto", one.precision)
    ]
    left_out: dict[Variant, str] = {}
    if precision == "auto" or (precision == "int8" and runtime == "auto"):
        left_out = {one: reason for one in asked if (reason := _lacking(one))}
    return [one for one in asked if one not in left_out], {str(one): why for one, why in left_out.items()}


def _lacking(variant: Variant) -> str:
    """What this machine lacks for a variant; empty where nothing."""
    openvino = importlib.util.find_spec("openvino") is not None
    if variant.runtime == "openvino" and not openvino:
        return "OpenVINO is not installed"
    if variant.precision == "bf16" and not has_bf16():
        return "this processor does not compute in bf16"
    package = {"openvino": "nncf", "onnx": "onnx"}[variant.runtime]
    if variant.precision == "int8" and importlib.util.find_spec(package) is None:
        return f"{package} is not installed: pip install 'rubricator[export]'"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization:
    """What 8 bits are fitted to.

    Attributes:
        calibration: Texts that ranges of activations come from.
        validation: Texts on which `judge` says how good vectors are.
        judge: Of unit vectors of the validation texts, [texts, width]; more is better.
        judged_by: Names all that the verdict of `judge` hangs on.
        max_drop: How much of that may be lost.
    """

    calibration: Sequence[str]
    validation: Sequence[str]
    judge: Judge
    judged_by: str
    max_drop: float


def open_variant(
    encoder: Encoder,
    variant: Variant,
    quantization: Quantization | None = None,
    *,
    cache: Path,
    threads: int = 0,
    progress: Progress = silent,
) -> Encoder:
    """The same encoder in another variant, with a card that wishes for it.

    What is in 8 bits is fitted to `quantization`, made once, and kept in `cache`.

    Raises:
        EncoderError: It cannot be computed so, or the cache cannot be written.
        MissingExtraError: Making 8 bits takes a package that is not installed.
    """
    card = replace(encoder.card, runtime=variant.runtime, precision=variant.precision)
    if variant.precision != "int8":
        choice = choose_for(card)
        runtime = open_runtime(choice, encoder.folder, threads=threads)
        return Encoder(card, runtime, encoder.folder, reason=choice.reason)
    if quantization is None:
        raise ValueError("8 bits are fitted to something")
    key = _key(encoder.card, variant, quantization)

    def build(folder: Path) -> None:
        with progress(f"Putting the encoder in 8 bits for {TITLES[variant.runtime]}", total=None) as advance:
            _quantize(encoder, variant, quantization, folder, advance)
        made = (file_digest(folder / name) for name in card.files[:-1])
        replace(card, digest=content_hash("int8:1", str(variant), *made)[:32]).write(folder)

    return Encoder.load(built(cache / f"int8-{key}", build, progress=progress), threads=threads)


def _quantize(
    encoder: Encoder, variant: Variant, quantization: Quantization, folder: Path, advance: Advance
) -> None:
    (folder / TOKENIZER_FILE).write_bytes((encoder.folder / TOKENIZER_FILE).read_bytes())
    if variant.runtime == "onnx":
        quantize_for_onnx(encoder.folder / GRAPH_FILE, folder / GRAPH_FILE)
        return
    quantize_for_openvino(
        encoder,
        folder,
        calibration=quantization.calibration,
        validation=quantization.validation,
        judge=quantization.judge,
        max_drop=quantization.max_drop,
        advance=advance,
    )


def _key(card: EncoderCard, variant: Variant, quantization: Quantization) -> str:
    """Names what 8 bits are made from; the number is raised when how they are made changes."""
    parts = [str(variant), card.digest, card.prefix, str(card.max_tokens)]
    libraries = {"openvino": ("openvino", "nncf"), "onnx": ("onnxruntime",)}[variant.runtime]
    parts += [importlib.metadata.version(one) for one in libraries if importlib.util.find_spec(one)]
    if variant.runtime == "openvino":
        parts += [quantization.judged_by, str(quantization.max_drop), *quantization.calibration]
    return content_hash("int8:1", *parts)[:16]


def open_trimmed(
    encoder: Encoder, contents: Sequence[str], *, cache: Path, threads: int = 0, progress: Progress = silent
) -> Encoder:
    """The encoder with the pieces that these texts and their scripts need, made once; see `trim_vocabulary`.

    Raises:
        EncoderError: Its vocabulary cannot be trimmed, or the cache cannot be written.
        MissingExtraError: onnx is not installed.
    """
    card = encoder.card
    key = content_hash("trimmed:1", card.digest, card.prefix, str(card.max_tokens), *contents)[:16]

    def build(folder: Path) -> None:
        with progress("Trimming the vocabulary", total=None):
            trim_vocabulary(encoder.folder, card, contents, folder)

    return Encoder.load(built(cache / f"trimmed-{key}", build, progress=progress), threads=threads)
