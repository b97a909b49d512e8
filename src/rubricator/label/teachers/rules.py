"""The teacher that applies the keywords and patterns of the taxonomy."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

import regex

from rubricator.dataset.annotations import Scale
from rubricator.records import Answer, Status, Text, content_hash
from rubricator.taxonomy import Category, Taxonomy

_LOG = logging.getLogger(__name__)
# Ordinary rules take milliseconds even on long texts; only a pattern that backtracks takes longer.
_TIMEOUT_SECONDS = 2.0
_FLAGS = regex.IGNORECASE | regex.VERSION0
# The invisible variation selector after an emoji counts as part of a word (\w) for `regex`.
_FOLD = str.maketrans("ёЁ\ufe0f", "еЕ ")


class RulesTeacher:
    """Counts, for each category, how many of its keywords and patterns occur in a text.

    Keywords are whole words or phrases, case-insensitive, `ё` the same as `е`; a `*` at the end of
    a word stands for any ending. The raw score is the number of distinct rules that hit. A category
    without a hit, or silenced by one of its `exclude` words, is abstained from: that no keyword
    occurs says little.

    Args:
        taxonomy: Where the rules are.
        name: Name of the teacher.
    """

    def __init__(self, taxonomy: Taxonomy, *, name: str = "rules") -> None:
        self.name = name
        self.metered = False
        self.scale = Scale.COUNT
        self._rules = {category.key: _Rules.of(category) for category in taxonomy.categories}
        written = [(c.key, c.keywords, c.patterns, c.exclude) for c in taxonomy.categories]
        self._version = json.dumps(written, ensure_ascii=False)

    def key(self, text: Text) -> str:
        """Hash of the content and of all rules."""
        return content_hash("answer:rules:1", self.name, self._version, text.content)

    def ask(self, texts: Iterable[Text]) -> Generator[Answer, None, None]:
        """One answer per text, in order; `raw` is the evidence as JSON, `{category: [matches]}`.

        A text on which a pattern takes too long gets a failed answer.
        """
        for text in texts:
            started = time.perf_counter()
            try:
                evidence = self._evidence(text.content)
            except TimeoutError:
                _LOG.warning("text %s: a pattern takes more than %s s", text.id, _TIMEOUT_SECONDS)
                status, scores, raw = Status.FAILED, {}, f"a pattern takes more than {_TIMEOUT_SECONDS} s"
            else:
                status = Status.OK
                scores = {key: float(len(matches)) for key, matches in evidence.items()}
                raw = json.dumps(evidence, ensure_ascii=False)
            yield Answer(
                text_id=text.id,
                teacher=self.name,
                key=self.key(text),
                status=status,
                scores=scores,
                raw=raw,
                seconds=time.perf_counter() - started,
            )

    def _evidence(self, content: str) -> dict[str, list[str]]:
        folded = content.translate(_FOLD)
        found = {key: rules.matches(folded, content) for key, rules in self._rules.items()}
        return {key: matches for key, matches in found.items() if matches}


@dataclass(frozen=True, slots=True)
class _Rules:
    """The compiled rules of one category. All keywords are one expression, each its own group."""

    keywords: regex.Pattern[str] | None
    patterns: tuple[regex.Pattern[str], ...]
    exclude: regex.Pattern[str] | None

    @classmethod
    def of(cls, category: Category) -> _Rules:
        return cls(
            keywords=_any_of(category.keywords),
            patterns=tuple(regex.compile(p.translate(_FOLD), _FLAGS) for p in category.patterns),
            exclude=_any_of(category.exclude),
        )

    def matches(self, folded: str, content: str) -> list[str]:
        """The first match of every rule that hits, as written in `content` (same length as `folded`)."""
        if self.exclude and self.exclude.search(folded, timeout=_TIMEOUT_SECONDS):
            return []
        spans: dict[str | int, tuple[int, int]] = {}
        if self.keywords:
            for match in self.keywords.finditer(folded, timeout=_TIMEOUT_SECONDS):
                spans.setdefault(match.lastindex or 0, match.span())
        for number, pattern in enumerate(self.patterns):
            found = pattern.search(folded, timeout=_TIMEOUT_SECONDS)
            if found and found.group():
                spans[f"pattern {number}"] = found.span()
        return [content[start:end] for start, end in spans.values()]


def _any_of(keywords: Sequence[str]) -> regex.Pattern[str] | None:
    # Longer first: at one place "центральный банк" speaks rather than "банк".
    words = sorted(
        {" ".join(k.translate(_FOLD).split()) for k in keywords} - {"", "*"}, key=len, reverse=True
    )
    if not words:
        return None
    alternatives = "|".join(f"({_expression(word)})" for word in words)
    return regex.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", _FLAGS)


def _expression(keyword: str) -> str:
    words = (regex.escape(word.removesuffix("*")) + r"\w*" * word.endswith("*") for word in keyword.split())
    return r"\s+".join(words)
