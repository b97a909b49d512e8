"""How far several distributions lie apart."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from rubricator.stats.arrays import Floats


def entropy(outcomes: Floats) -> Floats:
    """Entropy in nats over the last axis."""
    return np.asarray(-xlogy(outcomes, outcomes).sum(axis=-1))


def jensen_shannon(distributions: Floats) -> Floats:
    """Jensen-Shannon divergence in nats of distributions over outcomes, shape [speakers, …, outcomes].

    Lin, "Divergence measures based on the Shannon entropy", 1991. All speakers count the same; one alone
    agrees with itself, and a distribution with a NaN is left out. The result has the shape […] and lies
    between 0 and the logarithm of the number of outcomes.
    """
    speaks = np.asarray(np.isfinite(distributions).all(axis=-1))
    shares = np.where(speaks[..., None], distributions, 0.0)
    speakers = np.maximum(speaks.sum(axis=0), 1)
    mean = shares.sum(axis=0) / speakers[..., None]
    own = np.where(speaks, entropy(shares), 0.0).sum(axis=0) / speakers
    return np.asarray(np.maximum(entropy(mean) - own, 0.0))
