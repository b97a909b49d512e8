"""Continuing several token sequences at once with a model of the package transformers."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

# Kinds of attention whose cached states do not depend on where the padding stands.
_PADDABLE = {"full_attention", "sliding_attention"}


class KvCache:
    """Sequences of tokens in a model's cache, one a row, and what may come next in each.

    Shorter sequences are padded on the left; the padding is hidden from attention and not counted
    in positions, so that a row does not depend on its neighbours.

    Args:
        model: A causal language model in evaluation mode.
        prompts: Tokens of each row, at least one.
        prefix: A single row whose tokens come before those of every prompt, read once for all.

    Attributes:
        logprobs: Natural log-probability of every next token, float32 of shape (rows, vocabulary).
    """

    logprobs: torch.Tensor

    def __init__(
        self, model: Any, prompts: Sequence[Sequence[int]], *, prefix: KvCache | None = None
    ) -> None:
        import torch

        self._model = model
        self._cache: Any = None
        self._mask = torch.zeros((len(prompts), 0), dtype=torch.long, device=model.device)
        if prefix is not None:
            shared = prefix.select([0] * len(prompts))
            self._cache, self._mask = shared._cache, shared._mask  # noqa: SLF001 - its own kind
        self.feed(prompts)

    def feed(self, pieces: Sequence[Sequence[int]]) -> None:
        """Add tokens to every row, at least one to each, and look at what may come next."""
        import torch

        width = max(map(len, pieces))
        device = self._mask.device
        ids = torch.tensor([[0] * (width - len(piece)) + list(piece) for piece in pieces], device=device)
        shown = torch.tensor(
            [[0] * (width - len(piece)) + [1] * len(piece) for piece in pieces], device=device
        )
        before = self._mask.sum(dim=1, keepdim=True)
        self._mask = torch.cat([self._mask, shown], dim=1)
        optional = {
            "position_ids": (before + shown.cumsum(dim=1) - 1).clamp(min=0),
            "past_key_values": self._cache,
            "logits_to_keep": 1,
        }
        parameters = _parameters(self._model)
        output = self._model(
            input_ids=ids,
            attention_mask=self._mask,
            use_cache=True,
            **{name: value for name, value in optional.items() if name in parameters and value is not None},
        )
        self._cache = output.past_key_values
        self.logprobs = output.logits[:, -1].float().log_softmax(dim=-1)

    def select(self, rows: Sequence[int]) -> KvCache:
        """A copy with these rows only, each as often as it is named."""
        import torch

        chosen = torch.tensor(rows, device=self._mask.device)
        other = copy.copy(self)
        # Layers replace their tensors and never write into them, so only the shells are copied.
        other._cache = copy.copy(self._cache)  # noqa: SLF001
        other._cache.layers = [copy.copy(layer) for layer in self._cache.layers]  # noqa: SLF001
        other._cache.batch_select_indices(chosen)  # noqa: SLF001
        other._mask = self._mask[chosen]  # noqa: SLF001
        other.logprobs = self.logprobs[chosen]
        return other


def shares_prefix(model: Any, longest: int) -> bool:
    """Whether rows of at most `longest` tokens may follow a prefix that is cached without padding.

    Between prefix and prompt stands the padding, which would shift a sliding window and disturb a
    recurrent state.
    """
    config = model.config.get_text_config(decoder=True)
    paddable = set(getattr(config, "layer_types", None) or ()) <= _PADDABLE
    if not paddable or not {"past_key_values", "position_ids"} <= _parameters(model):
        return False
    window = getattr(config, "sliding_window", None)
    return window is None or longest <= window


def _parameters(model: Any) -> set[str]:
    return set(inspect.signature(model.forward).parameters)


def common_prefix(prompts: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The longest beginning of all prompts that leaves each at least one token."""
    ordered = sorted(map(tuple, prompts))
    first, last = ordered[0], ordered[-1]
    longest = min(map(len, prompts)) - 1
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return tuple(first[: max(0, min(same, longest))])
