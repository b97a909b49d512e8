"""The teacher that applies the keywords and patterns of the taxonomy."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Generator, Iterable, Sequence

from rubricator.dataset.annotations import Scale
from rubricator.records import Answer, Status, Text, content_hash
from rubricator.taxonomy import Taxonomy, sound_word
from rubricator.text_rules.matcher import WordMatcher, fold
from rubricator.text_rules.patterns import compiled

_LOG = logging.getLogger(__name__)
# Ordinary rules take milliseconds even on long texts; only a pattern that backtracks takes longer.
_TIMEOUT_SECONDS = 2.0


class RulesTeacher:
    """Counts, for each category, how many of its keywords and patterns occur in a text.

    Keywords are words or phrases as `text_rules.matcher` finds them. The raw score is the number of
    distinct rules that hit; of keywords at one place the longer speaks. A category without a hit, or
    silenced by one of its `exclude` words, is abstained from: that no keyword occurs says little.
    """

    def __init__(self, taxonomy: Taxonomy, *, name: str = "rules") -> None:
        self.name = name
        self.metered = False
        self.scale = Scale.COUNT
        words: dict[str, int] = {}
        self._keywords = {c.key: _numbered(words, c.keywords) for c in taxonomy.categories}
        self._exclude = {c.key: _numbered(words, c.exclude) for c in taxonomy.categories}
        self._patterns = {c.key: [compiled(fold(p)) for p in c.patterns] for c in taxonomy.categories}
        self._matcher = WordMatcher(words)
        written = [(c.key, c.keywords, c.patterns, c.exclude) for c in taxonomy.categories]
        self._version = json.dumps(written, ensure_ascii=False)

    def key(self, text: Text) -> str:
        """Hash of the content and of all rules."""
        return content_hash("answer:rules:2", self.name, self._version, text.content)

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
                status, evidence = Status.FAILED, {}
                raw = f"a pattern takes more than {_TIMEOUT_SECONDS} s"
            else:
                status, raw = Status.OK, json.dumps(evidence, ensure_ascii=False)
            yield Answer(
                text_id=text.id,
                teacher=self.name,
                key=self.key(text),
                status=status,
                scores={key: float(len(matches)) for key, matches in evidence.items()},
                raw=raw,
                seconds=time.perf_counter() - started,
            )

    def _evidence(self, content: str) -> dict[str, list[str]]:
        """The first match of every rule that hits, as written in the text, by category."""
        folded = fold(content)
        occurrences = list(self._matcher.occurrences(content))
        words = {place for place, _, _ in occurrences}
        evidence = {}
        for key, keywords in self._keywords.items():
            if words & self._exclude[key]:
                continue
            spans = list(self._matcher.speaking(occurrences, keywords).values())
            for pattern in self._patterns[key]:
                match = pattern.search(folded, timeout=_TIMEOUT_SECONDS)
                if match and match.group():
                    spans.append(match.span())
            if spans:
                evidence[key] = [content[start:end] for start, end in spans]
        return evidence


def _numbered(words: dict[str, int], wanted: Sequence[str]) -> frozenset[int]:
    """Places of keywords in the list of all words, which grows; those that differ in case are one."""
    places = set()
    for word in wanted:
        try:
            folded = " ".join(fold(sound_word(word)).casefold().split())
        except ValueError as error:
            _LOG.warning("the rules leave out the keyword %r: %s", word, error)
            continue
        places.add(words.setdefault(folded, len(words)))
    return frozenset(places)
