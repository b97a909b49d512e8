"""Whether an encoder knows the language that texts are written in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rubricator.errors import MissingExtraError

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_SAMPLE = 300
_CHARACTERS = 1000  # of a text are enough to tell its language
_FEWEST_BYTES = 20  # of letters in UTF-8: a shorter text could be any of several languages
# A text is another's only if all known languages together are improbable. On 701 sentences of SIB-200 each,
# cut off after 30 characters, 0.3 % of the Russian and the English and 97 % of the Kazakh fall below it.
_IMPROBABLE = 0.1
_USUAL = 0.02
_SURE = 0.95  # when one language is said of a text
# Written like a language of which they are varieties.
_VARIETIES = {"ar": ("ary", "arz"), "en": ("pcm",), "no": ("nn",), "zh": ("wuu", "yue")}
_NO_LANGUAGE = "zxx"
_LETTERS = re.compile(r"[^\W\d_]+")


def known_share(contents: Sequence[str], languages: Collection[str] | None) -> float:
    """The share of texts that are written in one of the languages, by a sample of at most 300 of them.

    A text counts as unknown only if it surely is in none of them: not one that mixes languages, nor one of
    a few letters, which is left out. Languages are told by py3langid (naive Bayes on byte n-grams; Lui and
    Baldwin, "langid.py: an off-the-shelf language identification tool", ACL 2012).

    Args:
        contents: Cleaned texts; those that are equal count each time.
        languages: In ISO 639-1, as `Encoder.languages` gives them; None stands for any.

    Returns:
        From 0 to 1; 1 where there is no text whose language can be told.

    Raises:
        MissingExtraError: py3langid is not installed.
    """
    if languages is None:
        return 1.0
    tellable = [text for text in _sampled(contents) if _bytes_of_letters(text) >= _FEWEST_BYTES]
    if not tellable:
        return 1.0
    identifier = _identifier()
    wanted = {_NO_LANGUAGE, *languages, *(name for known in languages for name in _VARIETIES.get(known, ()))}
    known = 0
    for text in tellable:
        probability = sum(share for name, share in identifier.rank(text) if name in wanted)
        known += probability >= _IMPROBABLE
    return known / len(tellable)


def languages_of(contents: Sequence[str], *, most: int) -> list[str]:
    """The language of at most so many texts, spread evenly over all: a code of ISO 639-1.

    What is doubtful, as short texts are, is told among the languages that hold a fiftieth of the probability
    of all texts together. Empty where that cannot be told either: of a few letters, of several
    languages, or of none.

    Raises:
        MissingExtraError: py3langid is not installed.
    """
    identifier = _identifier()
    ranks = [
        dict(identifier.rank(text)) if _bytes_of_letters(text) >= _FEWEST_BYTES else {}
        for text in _sampled(contents, most)
    ]
    held: Counter[str] = Counter()
    for rank in ranks:
        held.update(rank)
    usual = {name for name, mass in held.items() if mass >= _USUAL * held.total()}
    return [_surest(rank, rank) or _surest(rank, usual) for rank in ranks]


def _surest(rank: Mapping[str, float], among: Collection[str]) -> str:
    """The likeliest of these languages, if it is sure to be it rather than another of them."""
    shares = {name: share for name, share in rank.items() if name in among}
    best = max(shares, key=shares.__getitem__, default=_NO_LANGUAGE)
    total = sum(shares.values())
    sure = best != _NO_LANGUAGE and total >= _IMPROBABLE and shares[best] >= _SURE * total
    return best if sure else ""


def _sampled(contents: Sequence[str], most: int = _SAMPLE) -> list[str]:
    # Spread evenly: files are often sorted by source.
    count = min(most, len(contents))
    return [contents[number * len(contents) // count][:_CHARACTERS] for number in range(count)]


def _bytes_of_letters(text: str) -> int:
    return sum(len(word.encode("utf-8", "replace")) for word in _LETTERS.findall(text))


@lru_cache(maxsize=1)  # reading its tables takes most of a second
def _identifier() -> LanguageIdentifier:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise MissingExtraError(
            "py3langid", extra="use", purpose="Telling whether an encoder knows the language of the texts"
        ) from error
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
