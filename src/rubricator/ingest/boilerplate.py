"""Finds what a source repeats from text to text, and takes it out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rubricator.config import Clean
from rubricator.dataset.boilerplate import Place, Repeated
from rubricator.ingest.steps import normalise_spaces
from rubricator.records import Text

_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d]+")
_LONGEST = 12
_FEWEST_WORDS: Mapping[Place, int] = {"beginning": 3, "end": 3, "inside": 4}
_EXTENDS = 0.8  # of the texts with some words that go on alike, for the longer phrase to count instead
_FEWEST_TEXTS, _FEWEST_HITS = 20, 5
_SAMPLE = 1000
# Of the share in the source: what other sources repeat as well is language.
_ELSEWHERE: Mapping[Place, float] = {"beginning": 1 / 3, "end": 1 / 3, "inside": 1 / 10}
_JUDGES, _FEWEST_JUDGES = 3000, 100
_MOST = 400  # characters of a repeated line; a longer one is a text within a text
_Words = tuple[str, ...]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, its words lower-case with numbers as `0`, and where they stand in it."""

    text: str
    words: _Words
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """The lines of some distinct texts of one source, and how many texts it has in all."""

    name: str
    total: int
    texts: list[list[_Line]]

    def fewest(self, share: float) -> float:
        """In so many texts something must stand to count as repeated."""
        return max(share * len(self.texts), _FEWEST_HITS)


def find_boilerplate(texts: Sequence[Text], *, share: float) -> list[Repeated]:
    """What stands in more than a share of a source's distinct texts, the commonest first.

    A source counts from 20 distinct texts; of more than 1,000 a sample is looked at, spread evenly. Words at
    the edges of lines (three or more) and inside them (four or more) count only if other sources repeat them
    far less; inside lines only if there are other sources to tell.
    """
    sources = _sources(texts)
    candidates = {source.name: _candidates(source, share) for source in sources}
    judges = _spread([(source.name, lines) for source in sources for lines in source.texts], _JUDGES)
    wanted = {words for found in candidates.values() for place, words in found if place != "line"}
    seen = _holders(judges, wanted)
    judged = Counter(name for name, _ in judges)
    found = []
    for source in sources:
        others = len(judges) - judged[source.name]
        taken: list[_Words] = []
        for (place, words), hits in candidates[source.name].items():
            own = hits / len(source.texts)
            if any(_holds(longer, words) for longer in taken):
                continue
            if place != "line" and others >= _FEWEST_JUDGES:
                elsewhere = (seen[words].total() - seen[words][source.name]) / others
                if elsewhere > _ELSEWHERE[place] * own:
                    continue
            elif place == "inside":
                continue
            taken.append(words)
            example = _example(source, place, words)
            found.append(
                Repeated(source.name, place, " ".join(words), own, round(own * source.total), example)
            )
    return sorted(found, key=lambda one: (not one.removable, -one.texts, one.source, one.words))


def _sources(texts: Iterable[Text]) -> list[_Source]:
    distinct: dict[str, dict[str, str]] = defaultdict(dict)
    totals: Counter[str] = Counter()
    for text in texts:
        totals[text.source] += 1
        distinct[text.source].setdefault(" ".join(text.content.casefold().split()), text.content)
    return [
        _Source(name, totals[name], [_lines(content) for content in _spread(list(own.values()), _SAMPLE)])
        for name, own in distinct.items()
        if len(own) >= _FEWEST_TEXTS
    ]


def _spread(items: list[_Item], most: int) -> list[_Item]:
    count = min(most, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def _lines(content: str) -> list[_Line]:
    return [_line(line) for line in content.split("\n") if line.strip()]


def _line(line: str) -> _Line:
    matches = list(_WORD.finditer(line))
    words = tuple("0" if match[0][0].isdigit() else match[0].casefold() for match in matches)
    return _Line(line, words, tuple(match.span() for match in matches))


def _candidates(source: _Source, share: float) -> dict[tuple[Place, _Words], int]:
    """Whole lines first, then edges, then what stands inside; the longest of each first."""
    fewest = source.fewest(share)
    whole = Counter(
        words
        for lines in source.texts
        for words in {line.words for line in lines if line.words and len(line.text) <= _MOST}
        if len(lines) > 1  # a text of one line is no part of itself
    )
    found: dict[tuple[Place, _Words], int] = {("line", w): n for w, n in whole.items() if n > fewest}
    repeated = {w for _, w in found}
    for place in _PHRASES:
        found |= {(place, words): count for words, count in _longest(source, place, fewest, repeated)}
    return found


def _longest(
    source: _Source, place: Place, fewest: float, repeated: set[_Words]
) -> Iterator[tuple[_Words, int]]:
    """Phrases in more than so many texts that do not nearly always go on in the same way."""
    phrases = _PHRASES[place]
    length = _FEWEST_WORDS[place]
    shorter: dict[_Words, int] = {}
    kept: dict[_Words, int] = {}
    while length <= _LONGEST:
        counts: Counter[_Words] = Counter()
        for lines in source.texts:
            own = (line.words for line in lines if line.words not in repeated)
            counts.update({p for words in own for p in phrases(words, length) if _grows(p, shorter, place)})
        frequent = {words: count for words, count in counts.items() if count > fewest}
        for words, count in frequent.items():
            for part in (words[:-1], words[1:]):
                if part in kept and count >= _EXTENDS * kept[part]:
                    del kept[part]
        if not frequent:
            break
        kept |= frequent
        shorter, length = frequent, length + 1
    yield from sorted(kept.items(), key=lambda item: (-len(item[0]), -item[1]))


def _grows(words: _Words, shorter: Mapping[_Words, int], place: Place) -> bool:
    """A phrase can be frequent only if what it goes on from is."""
    if not shorter:
        return True
    first, last = words[:-1] in shorter, words[1:] in shorter
    return {"beginning": first, "end": last}.get(place, first and last)


_PHRASES: Mapping[Place, Callable[[_Words, int], Iterable[_Words]]] = {
    "beginning": lambda words, length: [words[:length]] if len(words) > length else [],
    "end": lambda words, length: [words[-length:]] if len(words) > length else [],
    "inside": lambda words, length: [
        words[place : place + length] for place in range(len(words) - length + 1)
    ],
}


def _holders(texts: Sequence[tuple[str, list[_Line]]], wanted: set[_Words]) -> dict[_Words, Counter[str]]:
    """How many texts of each source hold each phrase, wherever in a line."""
    seen: dict[_Words, Counter[str]] = {words: Counter() for words in wanted}
    lengths = sorted({len(words) for words in wanted})
    for name, lines in texts:
        held = {
            phrase
            for line in lines
            for length in lengths
            for phrase in _PHRASES["inside"](line.words, length)
            if phrase in seen
        }
        for phrase in held:
            seen[phrase][name] += 1
    return seen


def _holds(longer: _Words, words: _Words) -> bool:
    return f" {' '.join(words)} " in f" {' '.join(longer)} "


def _example(source: _Source, place: Place, words: _Words) -> str:
    for line in (line for lines in source.texts for line in lines):
        if place == "line" and line.words == words:
            return line.text.strip()
        at = next((n for n in range(len(line.words)) if line.words[n : n + len(words)] == words), None)
        if place != "line" and at is not None:
            return line.text[line.spans[at][0] : line.spans[at + len(words) - 1][1]]
    return " ".join(words)


def repeated_in(texts: Sequence[Text], config: Clean) -> list[Repeated]:
    """What the config has cleaning take out of these cleaned texts: nothing unless `boilerplate` is on."""
    if not config.boilerplate:
        return []
    return [one for one in find_boilerplate(texts, share=config.boilerplate_share) if one.removable]


class BoilerplateRemover:
    """Takes what a source repeats out of its texts; what stands inside lines stays.

    A text whose source is not known, as when one text is sent to a service, loses what any source repeats.
    """

    def __init__(self, repeated: Iterable[Repeated]) -> None:
        self._by_source: dict[str, dict[Place, set[_Words]]] = {}
        self._all: dict[Place, set[_Words]] = {"line": set(), "beginning": set(), "end": set()}
        for one in repeated:
            if one.removable:
                own = self._by_source.setdefault(
                    one.source, {"line": set(), "beginning": set(), "end": set()}
                )
                for places in (own, self._all):
                    places[one.place].add(tuple(one.words.split()))

    def content(self, content: str, source: str) -> str:
        """The content without what its source repeats; as it was if nothing else is in it."""
        places = self._by_source.get(source, {} if source else self._all)
        if not any(places.values()):
            return content
        lines = [self._without(_line(line), places) for line in content.split("\n")]
        left = normalise_spaces("\n".join(line for line in lines if line is not None))
        return left if _WORD.search(left) else content

    def texts(self, texts: Sequence[Text]) -> list[Text]:
        """The texts, each without what its source repeats."""
        return [replace(text, content=self.content(text.content, text.source)) for text in texts]

    @staticmethod
    def _without(line: _Line, places: Mapping[Place, set[_Words]]) -> str | None:
        """What is left of a line; None if all of it goes."""
        words, start, end = line.words, 0, len(line.text)
        if words in places["line"]:
            return None
        for length in range(min(_LONGEST, len(words) - 1), 0, -1):
            if words[:length] in places["beginning"]:
                start = line.spans[length][0]
                words, spans = words[length:], line.spans[length:]
                line = _Line(line.text, words, spans)
                break
        for length in range(min(_LONGEST, len(words) - 1), 0, -1):
            if words[-length:] in places["end"]:
                end = line.spans[-length - 1][1]
                break
        return line.text[start:end]
