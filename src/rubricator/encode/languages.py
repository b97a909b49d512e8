"""Whether an encoder knows the language that texts are written in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from rubricator.errors import MissingExtraError
from rubricator.stats.label_shift import adjusted_probabilities

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_SAMPLE = 300
_CHARACTERS = 1000  # of a text are enough to tell its language
_FEWEST_BYTES = 20  # of letters in UTF-8: a shorter text could be any of several languages
# A text is another's only if all known languages together are improbable. On 701 sentences of SIB-200 each,
# cut off after 30 characters, 0.3 % of the Russian and the English and 97 % of the Kazakh fall below it.
_IMPROBABLE = 0.1
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
    return sum(may_be_in(text, languages) for text in tellable) / len(tellable)


def may_be_in(content: str, languages: Collection[str]) -> bool:
    """Whether a text may be in one of these languages: unless it surely is in none; short ones may be in any.

    Raises:
        MissingExtraError: py3langid is not installed.
    """
    text = content[:_CHARACTERS]
    if _bytes_of_letters(text) < _FEWEST_BYTES:
        return True
    wanted = {_NO_LANGUAGE, *languages, *(name for known in languages for name in _VARIETIES.get(known, ()))}
    probability: float = sum(share for name, share in _identifier().rank(text) if name in wanted)
    return probability >= _IMPROBABLE


def language_of(content: str) -> str:
    """The language that a text is probably in: a code of ISO 639-1, empty for one of a few letters.

    Raises:
        MissingExtraError: py3langid is not installed.
    """
    text = content[:_CHARACTERS]
    return "" if _bytes_of_letters(text) < _FEWEST_BYTES else str(_identifier().rank(text)[0][0])


def language_shares(contents: Sequence[str]) -> dict[str, float]:
    """Shares of the languages that texts are probably in, by a sample of at most 300; the largest first.

    Texts of a few letters are left out; nothing is known where all are.

    Raises:
        MissingExtraError: py3langid is not installed.
    """
    counts = Counter(filter(None, map(language_of, _sampled(contents))))
    return {language: count / counts.total() for language, count in counts.most_common()}


def languages_of(contents: Sequence[str], *, most: int) -> list[str]:
    """The language of at most so many texts, spread evenly over all: a code of ISO 639-1.

    What is doubtful of a text, as of short ones, is told by how common languages are in all (Saerens,
    Latinne and Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", 2002).
    Empty where it is doubtful still: of a few letters, of several languages, or of none.

    Raises:
        MissingExtraError: py3langid is not installed.
    """
    identifier = _identifier()
    sample = _sampled(contents, most)
    rows = [row for row, text in enumerate(sample) if _bytes_of_letters(text) >= _FEWEST_BYTES]
    names = sorted(map(str, identifier.labels))
    found = [""] * len(sample)
    if rows:
        ranks = [dict(identifier.rank(sample[row])) for row in rows]
        stated = np.array([[rank.get(name, 0.0) for name in names] for rank in ranks], dtype=np.float64)
        even = np.full(len(names), 1 / len(names))
        adjusted = adjusted_probabilities(stated, even, single=True)
        for row, best, share in zip(rows, adjusted.argmax(axis=1), adjusted.max(axis=1), strict=True):
            if share >= _SURE and names[best] != _NO_LANGUAGE:
                found[row] = names[best]
    return found


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
        raise MissingExtraError("py3langid", extra="use", purpose="Telling the language of texts") from error
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
