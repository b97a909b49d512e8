"""What the kinds of model are, in the words of reports and model cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "linear": "one logistic regression per category on TF-IDF of words and characters",
    "static": "a classifier on static embeddings distilled from the encoder",
    "heads": "one logistic regression per category on the encoder's vectors",
    "cascade": "rules with proven precision, and a model for what no rule takes",
    "hybrid": "the text together with the columns beside it",
    "finetune": "the encoder, trained further; the mean of all folds, which validation judged one by one",
    "lora": "the encoder, trained further by low-rank adapters; the mean of all folds, judged one by one",
}


def described(name: str, facts: Mapping[str, Any]) -> str:
    """What a model is, as a clause, by its name among those that were tried and what it tells of itself."""
    if "members" in facts:
        return f"the mean of {' and '.join(facts['members'])}, calibrated"
    return _WORDS[name]
