"""The profile of a dataset: plain facts, which the page, the terminal and the JSON file show alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rubricator.dataset.boilerplate import Repeated
from rubricator.encode.languages import languages_of
from rubricator.errors import MissingExtraError
from rubricator.explore.categories import Categories, categories
from rubricator.explore.closeness import Pair, close_categories
from rubricator.explore.duplicates import Duplicates, duplicates
from rubricator.explore.known import Known
from rubricator.explore.marking_words import MarkingWord, Phrases, find_phrases, marking_words
from rubricator.explore.rare import Rare, rare_categories
from rubricator.explore.spelling import Spelling, spelling
from rubricator.explore.texts import (
    Cleaning,
    Lengths,
    Missing,
    Source,
    TimeLine,
    cleaning,
    lengths,
    missing_fields,
    sources,
    time_line,
)
from rubricator.explore.themes import Theme, Themes
from rubricator.progress import Progress, silent

_LANGUAGES_OF = 3000
_FEWEST_OF_LANGUAGE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Languages:
    """In which languages texts are written.

    Attributes:
        counts: Texts by code of ISO 639-1, most first; single texts of a language are among the unclear.
        unclear: Texts too short to tell, of several languages, or of none.
        looked_at: Number of texts that were looked at, spread evenly.
    """

    counts: dict[str, int]
    unclear: int
    looked_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What texts are like.

    Attributes:
        distinct: Number of texts, of duplicates only the first.
        marks: The words and phrases that mark each category, by its key.
        encoder: By which texts were compared; empty where they were not.
    """

    name: str
    created: str
    texts: int
    rows: int
    rejected: dict[str, int]
    distinct: int
    source_count: int
    period: tuple[str, ...]
    lengths: Lengths
    languages: Languages | None
    sources: list[Source]
    time_line: TimeLine | None
    missing: list[Missing]
    cleaning: Cleaning
    spelling: Spelling
    boilerplate: list[Repeated]
    boilerplate_taken: bool
    duplicates: Duplicates
    categories: Categories | None
    marks: dict[str, list[MarkingWord]]
    themes: list[Theme]
    close: list[Pair]
    rare: list[Rare]
    encoder: str
    synthetic: int
    notes: list[str] = field(default_factory=list)


def profile_of(
    known: Known,
    *,
    phrases: Phrases | None = None,
    themes: Themes | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Profile:
    """Work out everything that the page shows of the texts and their labels; `phrases` are of these texts."""
    texts, facts = known.texts, known.facts
    notes = list(known.notes)
    phrases = phrases or find_phrases(known.contents, seed=seed, progress=progress)
    marks = _marks(known, phrases)
    with progress("Looking at texts", total=6) as done:
        measured = lengths(known)
        done(1)
        languages = _languages(known.contents, notes)
        done(1)
        written = spelling(known.contents)
        done(1)
        copies = duplicates(known)
        done(1)
        labels, close = categories(known), close_categories(known, seed=seed)
        done(1)
        rare = rare_categories(known)
        done(1)
    return Profile(
        name=known.name,
        created=datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
        texts=len(texts),
        rows=facts.get("rows", len(texts)),
        rejected=dict(facts.get("rejected", {})),
        distinct=len(set(known.groups.values())),
        source_count=len({text.source for text in texts} - {""}),
        period=tuple(facts.get("period", ())),
        lengths=measured,
        languages=languages,
        sources=sources(known),
        time_line=time_line(texts),
        missing=missing_fields(texts),
        cleaning=cleaning(known),
        spelling=written,
        boilerplate=list(known.boilerplate),
        boilerplate_taken=known.boilerplate_taken,
        duplicates=copies,
        categories=labels,
        marks=marks,
        themes=themes.found if themes else [],
        close=close,
        rare=rare,
        encoder=known.encoder if known.vectors is not None else "",
        synthetic=len(known.synthetic),
        notes=notes,
    )


def _marks(known: Known, phrases: Phrases) -> dict[str, list[MarkingWord]]:
    """The words that mark each category, by its key."""
    if known.taxonomy is None or not known.labelled.any():
        return {}
    found = marking_words(phrases, known.categories, among=known.labelled)
    return dict(zip(known.taxonomy.keys, found, strict=True))


def _languages(contents: Sequence[str], notes: list[str]) -> Languages | None:
    try:
        found = languages_of(contents, most=_LANGUAGES_OF)
    except MissingExtraError as error:
        notes.append(f"Languages are not told: {error.problem} {error.fix}")
        return None
    counts = Counter(name for name in found if name)
    several = {name: count for name, count in counts.most_common() if count >= _FEWEST_OF_LANGUAGE}
    return Languages(counts=several, unclear=len(found) - sum(several.values()), looked_at=len(found))
