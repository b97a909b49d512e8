"""What stands where a category is missed, for texts that may have several."""

from __future__ import annotations

import numpy as np

from rubricator.stats.arrays import Bools, Indices


def mistaken_for(truth: Bools, decisions: Bools) -> Indices:
    """For each category, the texts that have it and did not get it, by what they got wrongly instead.

    Truth and decisions are of shape [texts, categories]. A text that wrongly got several counts for each; one
    that wrongly got nothing counts in the last column.

    Returns:
        Numbers of texts, shape [categories, categories + 1].
    """
    missed, wrong = truth & ~decisions, decisions & ~truth
    instead = np.column_stack([wrong, ~wrong.any(axis=1)])
    return np.asarray(missed.T.astype(np.intp) @ instead.astype(np.intp))
