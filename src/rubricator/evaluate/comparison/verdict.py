"""What a comparison comes to, in words."""

from __future__ import annotations

from dataclasses import dataclass

from rubricator.evaluate.comparison.compare import Against, Comparison
from rubricator.label_space import LabelSpace
from rubricator.pages.formatting import figure, plural, series
from rubricator.stats.significance import Evidence


def figure_name(name: str, space: LabelSpace) -> str:
    """One of `compared_figures` in words, as the report calls it."""
    if name == "subset_accuracy":
        return "Accuracy" if space.single else "Exact match"
    return {"macro_f1": "Macro-F1", "weighted_f1": "Weighted F1", "micro_f1": "Micro-F1"}[name]


def signed(value: float) -> str:
    """`+0.021`, `−0.050`, and `0.000` for what rounds to it."""
    written = f"{value:+.3f}".replace("-", "−")
    return "0.000" if written in ("+0.000", "−0.000") else written


def chance(p_value: float | None) -> str:
    """`0.030`, `<0.001`, or a dash."""
    return "<0.001" if p_value is not None and p_value < 0.001 else figure(p_value, 3)


def verdict(comparison: Comparison, against: Against) -> str:
    """What the comparison comes to, for someone who reads nothing else.

    It weighs all that the comparison shows: the new run is better if any figure or the texts say so beyond
    chance and none says the opposite.
    """
    new, old = against.side.name, comparison.old.name
    main, *others = _findings(comparison, against)
    certain = [finding for finding in (main, *others) if finding.evidence.beyond_chance]
    better = any(finding.gain > 0 for finding in certain)
    worse = any(finding.gain < 0 for finding in certain)
    if better and worse:
        claim = f"{new} is better than {old} in some ways and worse in others"
    elif certain:
        claim = f"{new} is {'better' if better else 'worse'} than {old}"
    elif main.evidence.p_value is None:
        return f"Nothing can be said of {new} and {old}: there are too few texts."
    else:
        claim = f"No difference between {new} and {old} that could not be chance"
    reasons = [str(finding) for finding in certain]
    if main not in certain:
        reasons.append(f"{main}, which may be chance" if certain else str(main))
    on = f"on {plural(comparison.texts, 'text')}"
    return f"{claim}: {'; '.join([*reasons, on])}.{_by_category(comparison, against)}"


@dataclass(frozen=True, slots=True)
class _Finding:
    """Evidence for a sentence: what it is about and how much, and by how much more the new run has of it."""

    words: str
    gain: float
    evidence: Evidence

    def __str__(self) -> str:
        p_value = chance(self.evidence.corrected_p)
        return f"{self.words}, p {p_value if p_value.startswith('<') else f'= {p_value}'}"


def _findings(comparison: Comparison, against: Against) -> list[_Finding]:
    """What is known of two runs: the figure that a model is judged by first, the texts last."""
    findings = []
    for name, difference in against.figures.items():
        gain = difference.change.value or 0.0
        findings.append(_Finding(f"{figure_name(name, comparison.space)} {signed(gain)}", gain, difference))
    texts = against.mcnemar
    words = f"{plural(texts.fixed, 'text')} fixed and {texts.broken:,} broken"
    return [*findings, _Finding(words, texts.ahead - texts.behind, texts)]


def _by_category(comparison: Comparison, against: Against) -> str:
    """Categories that surely gained or lost, as a sentence; empty where there is none."""
    gains = {key: f1.change.value or 0.0 for key, f1 in against.f1.items() if f1.beyond_chance}
    sides = {
        "better": [key for key in gains if gains[key] > 0],
        "worse": [key for key in gains if gains[key] < 0],
    }
    words = [
        f"{side} for {series([comparison.titles[key] for key in keys])}"
        for side, keys in sides.items()
        if keys
    ]
    return f" F1 is {' and '.join(words)}." if words else ""
