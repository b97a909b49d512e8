"""Texts as token ids, and the batches that training goes through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rubricator.encode.card import EncoderCard
from rubricator.encode.export import read_tokenizer
from rubricator.stats.arrays import Indices

Rows = Indices

_POOL = 8  # batches whose texts are sorted by length together: less padding, still much chance


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts padded to the longest of them: ids and mask [texts, tokens], states [texts, tokens, width].

    `states` are what the frozen layers made of the texts; None where they run each time.
    """

    ids: Tensor
    mask: Tensor
    states: Tensor | None


class Texts:
    """Token ids of all texts, and what the frozen layers made of them once that is known."""

    def __init__(self, contents: Sequence[str], card: EncoderCard, folder: Path) -> None:
        tokenizer = read_tokenizer(folder)
        tokenizer.no_padding()
        tokenizer.enable_truncation(card.max_tokens)
        # A lone surrogate, which JSON can carry, is no character of UTF-8.
        clean = [card.prefix + text.encode("utf-8", "replace").decode() for text in contents]
        self.ids = [torch.tensor(one.ids or [card.pad]) for one in tokenizer.encode_batch_fast(clean)]
        self.lengths = np.array([len(ids) for ids in self.ids])
        self.states: list[Tensor] | None = None
        self._pad = card.pad

    def batch(self, rows: Sequence[int] | Rows, device: torch.device) -> Batch:
        """These texts, padded."""
        padded = torch.nn.utils.rnn.pad_sequence
        mine = [int(row) for row in rows]
        ids = padded([self.ids[row] for row in mine], batch_first=True, padding_value=self._pad)
        mask = padded([torch.ones_like(self.ids[row]) for row in mine], batch_first=True)
        states = None
        if self.states is not None:
            states = padded([self.states[row] for row in mine], batch_first=True).float().to(device)
        return Batch(ids.to(device), mask.to(device), states)

    def shuffled(self, rows: Rows, size: int, generator: np.random.Generator) -> Iterator[Rows]:
        """Batches of about equal length, in random order."""
        batches = []
        for pool in _cut(rows, size * _POOL):
            batches += _cut(pool[np.argsort(self.lengths[pool], kind="stable")], size)
        for number in generator.permutation(len(batches)):
            yield batches[number]

    def sorted(self, rows: Rows, size: int) -> Iterator[Rows]:
        """Batches of equal length, the longest first: a shortage of memory shows at once."""
        yield from _cut(rows[np.argsort(-self.lengths[rows], kind="stable")], size)


def _cut(rows: Rows, size: int) -> list[Rows]:
    return [rows[at : at + size] for at in range(0, len(rows), size)]
