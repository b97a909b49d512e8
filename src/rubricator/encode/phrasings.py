"""A category in words that an encoder can compare with a text: as a whole, and in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex

from rubricator.taxonomy import Category, folded

_SEPARATORS = regex.compile(
    r"[\n;()\[\]|•、，；：。]"
    r"|(?<!\d),|,(?!\d)"  # 3,5 stays together …
    r"|:(?!\d|//)"  # … as do 10:30 and an address
    r"|(?<=[^\W\d_]{3}\p{P}?|\d)\.(?=\s+[^\p{Ll}\s]|\s*$)"  # not the stop of "и т. д." and "г. Москва"
    r"|[!?…](?=\s|$)"
    r"|\s[/–—-]\s"
)
_AROUND = " \t.–—-*/"
_WORDS = regex.compile(r"\w\w|\p{Han}")


def whole(category: Category) -> list[str]:
    """The title, the description, and both together; the title alone where nothing is described."""
    if not category.description.strip():
        return [category.title]
    return [category.title, category.description, f"{category.title}: {category.description}"]


def pieces(category: Category) -> list[str]:
    """The title, whatever the description lists, and the keywords, each once."""
    unlike: dict[str, str] = {}
    for piece in (category.title, *_listed(category.description), *_bare(category.keywords)):
        unlike.setdefault(folded(piece), piece)
    return list(unlike.values())


def _listed(description: str) -> Iterator[str]:
    for part in _SEPARATORS.split(description):
        piece = part.strip(_AROUND)
        if _WORDS.search(piece):  # a letter or a sign by itself says nothing
            yield piece


def _bare(keywords: Sequence[str]) -> Iterator[str]:
    for keyword in keywords:
        yield keyword.replace("*", "")
