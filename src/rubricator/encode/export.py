"""From a Hugging Face folder to one small ONNX file that every runtime reads."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rubricator.encode.card import FORMAT, GRAPH_FILE, TOKENIZER_FILE, EncoderCard
from rubricator.encode.folders import built
from rubricator.encode.quiet import quiet
from rubricator.encode.source import EncoderSource
from rubricator.errors import EncoderError, MissingExtraError
from rubricator.progress import Advance, Progress, silent
from rubricator.records import content_hash

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from rubricator.encode.pooled import Pooled

_OPSET = 18
_SMALL = 4096  # weights; smaller tensors stay in single precision


def export(source: EncoderSource, *, cache: Path, progress: Progress = silent) -> Path:
    """Export an encoder, once.

    The graph takes `input_ids` and `attention_mask`, int64 [texts, tokens], and gives `vectors`,
    float32 [texts, width], pooled and not normalised. The embedding table is stored in 8 bits and the
    other matrices in half precision; both are computed with in single precision.

    Returns:
        A folder with `encoder.onnx`, `tokenizer.json` and `encoder.json`.

    Raises:
        MissingExtraError: torch, transformers or onnx is not installed.
        EncoderError: It cannot be exported, or the cache cannot be written.
    """
    # The number in the tag is raised when what is written changes.
    key = content_hash("export:1", source.digest, source.name, source.prefix, source.pooling, str(FORMAT))
    return built(
        cache / f"encoder-{key[:16]}", lambda folder: _export(source, folder, progress), progress=progress
    )


def export_trained(
    model: Pooled, card: EncoderCard, source: EncoderSource, folder: Path, *, progress: Progress = silent
) -> None:
    """Export an encoder whose weights were trained further from `source` into an empty folder.

    The model is taken apart on the way: its embedding table is put in 8 bits.

    Raises:
        MissingExtraError: onnx is not installed.
        EncoderError: It cannot be exported.
    """
    _check_extra(card.name)
    with progress("Exporting the encoder", total=2) as step:
        _write(model, card, source, folder, step)


def _check_extra(name: str) -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            error.name or "torch", extra="train", purpose=f"Exporting the encoder '{name}'"
        ) from error


def _export(source: EncoderSource, folder: Path, progress: Progress) -> None:
    _check_extra(source.name)
    from rubricator.encode.pooled import load_pooled

    published = source.folder
    with progress("Exporting the encoder", total=3) as step:
        model = load_pooled(published, source.pooling)
        step(1)
        _write(model, card_of(source, model), source, folder, step)


def _write(model: Pooled, card: EncoderCard, source: EncoderSource, folder: Path, step: Advance) -> None:
    from rubricator.encode.pooled import compact

    compact(model)
    graph = _traced(model, card.name)
    step(1)
    _halve(graph)
    (folder / GRAPH_FILE).write_bytes(graph.SerializeToString())
    read_tokenizer(source.folder).save(str(folder / TOKENIZER_FILE))
    card.write(folder)
    step(1)


def _traced(model: Pooled, name: str) -> Any:
    import torch

    texts, tokens = torch.export.Dim("texts", min=1), torch.export.Dim("tokens", min=2)
    example = (torch.ones(2, 8, dtype=torch.int64), torch.ones(2, 8, dtype=torch.int64))
    try:
        with torch.no_grad(), quiet("torch.onnx"), contextlib.redirect_stdout(io.StringIO()):
            program = torch.onnx.export(
                model,
                example,
                input_names=["input_ids", "attention_mask"],
                output_names=["vectors"],
                dynamic_shapes=({0: texts, 1: tokens}, {0: texts, 1: tokens}),
                opset_version=_OPSET,
                dynamo=True,
                optimize=True,
                verbose=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        raise EncoderError(
            f"The encoder '{name}' cannot be exported to ONNX: {str(error).strip().splitlines()[0]}",
            fix="Choose another encoder, for example `bundled`.",
        ) from error
    assert program is not None  # it is only where torch writes the file itself
    return program.model_proto


def _halve(graph: Any) -> None:
    """Store large single-precision weights as halves that a Cast widens when the file is loaded."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in graph.graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < _SMALL:
            continue
        name = weight.name
        half = numpy_helper.to_array(weight).astype(np.float16)
        if not np.isfinite(half).all():
            continue
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    # Shapes noted while tracing name the example's lengths, and runtimes believe them.
    del graph.graph.value_info[:]


def read_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a Hugging Face folder, as it is or converted.

    Raises:
        EncoderError: There is none, and none can be made.
    """
    from tokenizers import Tokenizer

    path = folder / TOKENIZER_FILE
    if path.is_file():
        return Tokenizer.from_file(str(path))
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
    except (OSError, ValueError, AttributeError, ImportError) as error:
        raise EncoderError(
            f"The encoder in {folder} has no tokenizer.json, and none can be made: {error}",
            fix="Save the model's fast tokenizer into that folder.",
        ) from error


def card_of(source: EncoderSource, model: Pooled) -> EncoderCard:
    """What there is to know about an encoder, texts cut off where its positions end."""
    config = model.transformer.config
    pad = config.pad_token_id if config.pad_token_id is not None else 0
    # The RoBERTa family numbers positions from pad + 1 on, so its table is longer than its inputs.
    offset = pad + 1 if "roberta" in config.model_type else 0
    positions = int(config.max_position_embeddings) - offset
    return EncoderCard(
        name=source.name,
        digest=source.digest,
        width=int(config.hidden_size),
        positions=positions,
        max_tokens=positions,
        prefix=source.prefix,
        pooling=source.pooling,
        pad=int(pad),
        languages=source.languages,
    )
