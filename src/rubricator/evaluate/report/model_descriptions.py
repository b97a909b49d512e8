"""What the kinds of model are, in the words of reports and model cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rubricator.dataset.inputs import BASE
from rubricator.pages.formatting import series

_WORDS = {
    "linear": "one logistic regression per category on TF-IDF of words and characters",
    "static": "a classifier on static embeddings distilled from the encoder",
    "heads": "one logistic regression per category on the encoder's vectors",
    "cascade": "rules with proven precision, and a model for what no rule takes",
    "hybrid": "the text together with the columns beside it",
    "finetune": "the encoder, trained further; the mean of all folds, which validation judged one by one",
    "lora": "the encoder, trained further by low-rank adapters; the mean of all folds, judged one by one",
}

_PARTS = {
    "lines": "logistic regressions",
    "description": "likeness to the descriptions",
    "kernel": "kernel ridge regression",
    "neighbours": "nearest labelled texts",
    "taught kernel": "kernel ridge regression taught by the other encoder",
    "taught neighbours": "nearest texts, labelled or taught by the other encoder",
    "terms": "TF-IDF",
}


def described(name: str, facts: Mapping[str, Any]) -> str:
    """What a model is, as a clause, by its name among those that were tried and what it tells of itself."""
    if "members" in facts:
        return f"the mean of {' and '.join(facts['members'])}, calibrated"
    if "parts" in facts:
        return _heads(facts["parts"])
    return _WORDS[name]


def parts_in_words(parts: Sequence[str]) -> str:
    """The parts of heads, as facts name them, as a list in words."""
    return series([_PARTS[part] for part in parts])


def _heads(parts: Sequence[Mapping[str, Any]]) -> str:
    count = len({part["encoder"] for part in parts if part["encoder"]})
    if not count:
        return "heads that are TF-IDF alone"
    encoders = "one encoder" if count == 1 else f"{count} encoders"
    return f"heads on the vectors of {encoders}, mixed: {_mix(parts)}"


def _mix(parts: Sequence[Mapping[str, Any]]) -> str:
    """What each part brings to the spread of the logits, over all encoders."""
    shares: dict[str, float] = {}
    for part in parts:
        shares[part["part"]] = shares.get(part["part"], 0.0) + part["share"]
    words = [f"{_PARTS[part]} {share:.0%}" for part, share in shares.items()]
    further = sum(part["share"] for part in parts if part["encoder"] not in (BASE, None))
    return series(words) + (f"; further encoders {further:.0%}" if further else "")
