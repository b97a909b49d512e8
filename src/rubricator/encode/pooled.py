"""Torch modules of an encoder: imported only where `torch` is at hand."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from rubricator.encode.card import Pooling
from rubricator.encode.quiet import quiet
from rubricator.encode.use_model import load_use
from rubricator.errors import EncoderError, MissingExtraError

_BLOCK = 32
_ROWS = 4096


class Pooled(nn.Module):
    """A transformer and its pooling: ids and mask [texts, tokens] to vectors [texts, width]."""

    def __init__(self, transformer: Any, pooling: Pooling) -> None:
        super().__init__()
        self.transformer = transformer
        self.pooling = pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Vectors, not normalised."""
        outputs = self.transformer(input_ids=input_ids, attention_mask=attention_mask)
        if self.pooling == "none":
            return torch.as_tensor(outputs)
        states = outputs.last_hidden_state
        if self.pooling == "cls":
            return torch.as_tensor(states[:, 0])
        weights = attention_mask.unsqueeze(-1).to(states.dtype)
        return torch.as_tensor((states * weights).sum(1) / weights.sum(1))


class CompactEmbedding(nn.Module):
    """An embedding table in 8 bits: blocks of 32 weights share a half-precision scale.

    The table is most of a multilingual encoder; rows are widened only once they are looked up.
    """

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        # Some rows at a time: what is made on the way would take several times the memory of the table.
        codes, scales = zip(*map(_in_8_bits, torch.split(table.detach(), _ROWS)), strict=True)
        self.register_buffer("codes", torch.cat(codes))
        self.register_buffer("scales", torch.cat(scales))

    def forward(self, ids: Tensor) -> Tensor:
        """Rows of the table, shape [*ids.shape, width]."""
        codes, scales = self.get_buffer("codes"), self.get_buffer("scales")
        return (codes[ids].float() * scales[ids].float()).flatten(-2)


def _in_8_bits(rows: Tensor) -> tuple[Tensor, Tensor]:
    blocks = rows.float().reshape(len(rows), -1, _BLOCK)
    scales = (blocks.abs().amax(-1, keepdim=True) / 127).half()
    codes = blocks / scales.float().clamp(min=1e-12)
    return codes.round().clamp(-127, 127).to(torch.int8), scales


def load_pooled(folder: Path, pooling: Pooling, *, four_bit: bool = False) -> Pooled:
    """Load an encoder in single precision from its folder, a Hugging Face one where it is pooled.

    `four_bit` keeps the weights of linear layers in 4 bits (NF4), which takes a GPU and bitsandbytes.

    Raises:
        EncoderError: Transformers cannot make a model of it, or there is no GPU for 4 bits.
        MissingExtraError: 4 bits are asked for and bitsandbytes is not installed.
    """
    if pooling == "none":
        return Pooled(load_use(folder), pooling).eval()
    options = {"quantization_config": _four_bit()} if four_bit else {}
    # Transformers reports the pooler, which no encoder here uses, as missing.
    with quiet("transformers"), _no_progress_bar():
        try:
            transformer = transformers.AutoModel.from_pretrained(
                folder,
                dtype=torch.float32,
                attn_implementation="eager",
                local_files_only=True,
                trust_remote_code=False,
                **options,
            )
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            raise EncoderError(
                f"Transformers cannot load the encoder in {folder}: {error}",
                fix="Choose an encoder that transformers knows by itself.",
            ) from error
    return Pooled(transformer, pooling).eval()


def _four_bit() -> transformers.BitsAndBytesConfig:
    if not torch.cuda.is_available():
        raise EncoderError(
            "An encoder in 4 bits is trained on a GPU, and there is none here.",
            fix="Set `train.lora.four_bit: false`.",
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingExtraError("bitsandbytes", extra="train", purpose="`train.lora.four_bit`")
    return transformers.BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def compact(model: Pooled) -> None:
    """Put the token embeddings in 8 bits, in place."""
    embedding = model.transformer.get_input_embeddings()
    # A table that is published in 8 bits stays as it is.
    if isinstance(embedding, nn.Embedding) and embedding.weight.shape[1] % _BLOCK == 0:
        model.transformer.set_input_embeddings(CompactEmbedding(embedding.weight))


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    switch: Any = transformers.utils.logging
    bar = switch.is_progress_bar_enabled()
    switch.disable_progress_bar()
    try:
        yield
    finally:
        if bar:
            switch.enable_progress_bar()
