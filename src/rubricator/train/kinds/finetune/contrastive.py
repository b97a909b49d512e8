"""Pulling vectors of the same category together before the heads are trained: for very few texts.

The method of SetFit (Tunstall et al., "Efficient few-shot learning without prompts", 2022): cosines of
pairs of texts are drawn towards 1 where the texts share a category and towards 0 where not, which
makes many pairs of few texts. Here all pairs within a batch count, so that a text is encoded
once for all its pairs.
"""

from __future__ import annotations

import torch
from torch import Tensor

_PAIRS = 20  # SetFit's `num_iterations`: pairs of each sort per text


def rounds(texts: int, batch: int) -> int:
    """How often all texts are gone through: as many pairs as SetFit would draw, a few rounds at least."""
    met = max(1, min(batch, texts) - 1)
    return max(4, -(-2 * _PAIRS // met))


def alikeness(targets: Tensor) -> Tensor:
    """How much every two texts share, shape [texts, texts]: the soft Jaccard index of their categories."""
    both = torch.minimum(targets[:, None], targets[None]).sum(-1)
    either = torch.maximum(targets[:, None], targets[None]).sum(-1)
    # Two texts without any category are alike in that.
    return torch.where(either > 0, both / either.clamp(min=1e-9), torch.ones_like(either))


def pair_loss(vectors: Tensor, targets: Tensor) -> Tensor:
    """Mean squared difference of cosine and alikeness over all pairs of two different texts.

    Pairs that share nothing count together as much as those that share something: a batch has many
    more of the first. `vectors` are unit vectors, shape [texts, width].
    """
    alike = alikeness(targets)
    pairs = ~torch.eye(len(alike), dtype=torch.bool, device=alike.device)
    gap = (vectors @ vectors.T - alike).pow(2)
    near, far = pairs & (alike > 0), pairs & (alike == 0)
    parts = [gap[chosen].mean() for chosen in (near, far) if chosen.any()]
    return torch.stack(parts).mean() if parts else gap.sum() * 0
