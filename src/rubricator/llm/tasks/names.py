"""Finds categories by their names in what a model says, inflected or cut short, never by guessing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import regex

from rubricator.errors import ConfigError, nearest
from rubricator.taxonomy import Taxonomy

_FOLD = str.maketrans("ёЁ’‘", "еЕ''")
_QUOTES = "«»„“”\"'`"
_ENDINGS = (
    "ами|ями|ыми|ими|ого|его|ому|ему|ах|ях|ов|ев|ей|ий|ый|ой|ая|яя|ое|ее|ые|ие|ия|ии|ию|ых|их|ую|юю|ым|им|"
    "ом|ем|ам|ям|ою|ею|а|я|о|е|ы|и|у|ю|ь|й"
)
_STEM = regex.compile(rf"(?<=\w{{3}})(?:{_ENDINGS})$")
_AND = regex.compile(r"\s+(?:и|или|and|or)\s+|\s*[/,&+]\s*")
_SHORT = 3  # shorter than this plus one, a word is found in prose by chance
_TRUNCATED = 4  # fewer letters than this are the beginning of too much

# A statement ends where its reasons begin; what they mention is not the answer.
_REASON = regex.compile(
    r"\b(?:as|because|since|due to|which|who|where|specifically|particularly|especially|based on|if|"
    r"rather than|instead of|так как|поскольку|потому|котор\w+|из-за|ведь|в частности|если|судя по|а не)\b"
    r"|, not\b"
)
_BREAK = regex.compile(r"(?<=[.!?…])\s+|\n+")
_TURN = regex.compile(r";|\b(?:but|however|rather(?! than)|но|однако|а(?! не)|скорее)\b")
_NOT = regex.compile(
    r"\b(?:not|no|neither|nor|never|cannot|unable|unclear|hard to|difficult to|не|ни|нет|нельзя|невозможно|"
    r"трудно|сложно)\b|n't\b"
)
_NONE = regex.compile(r"\bnone of\b|\bни (?:к одной|одна|в одну|под одну)\b")
# "not … any … category", one after another.
_NOT_ANY = tuple(map(regex.compile, (r"\bnot?\b|n't\b", r"\b(?:any|specific)\b", r"\bcategor")))
_RETRACTION = regex.compile(
    r"\W*(?:хотя\W+|oh\W+)?(?:(?:нет|no)\s*[,.!:—-]|(?:wait|actually|стоп|точнее|вернее|подождите|погодите)\b)"
)
_PERHAPS = regex.compile(
    r"\b(?:could|might|may|perhaps|maybe|possibly|могл?[аио]? бы|может|могут|возможно)\b"
)
_OR = regex.compile(r"\b(?:or|either|или|либо)\b")
_NOT_ONLY = (("not only", ""), ("but also", "and"), ("не только", ""), ("но и", "и"))


def fold(text: str) -> str:
    """Lower case, `е` for `ё`, plain apostrophes, single spaces."""
    return " ".join(text.translate(_FOLD).casefold().split())


def retracted(prose: str) -> bool:
    """Whether a sentence takes back what was said before it ("No, wait")."""
    return any(map(_RETRACTION.match, _BREAK.split(prose.translate(_FOLD).casefold())))


class Names:
    """What the categories are called.

    A category is known by its key, its name, the parts of a name of several ("Наука" of "Наука и
    технологии") and its aliases. What could mean two categories means neither, but a whole name
    goes before a part of another. Aliases are other words or numbers for a category → its key.

    Attributes:
        plain: Categories that prose can name without quotes.

    Raises:
        ConfigError: An alias stands for an unknown category.
    """

    plain: frozenset[str]

    def __init__(self, taxonomy: Taxonomy, aliases: Mapping[str, str] | None = None) -> None:
        aliases = aliases or {}
        strange = sorted(set(aliases.values()) - set(taxonomy.keys))
        if strange:
            raise ConfigError(
                f"aliases: '{strange[0]}' is no category{nearest(strange[0], taxonomy.keys)}.",
                fix="Give each alias the key of a category.",
            )
        whole = [(fold(name), c.key) for c in taxonomy.categories for name in (c.key, c.title)]
        whole += [(fold(name), key) for name, key in aliases.items()]
        taken = {name for name, _ in whole}
        parts = [
            (part, key)
            for name, key in whole
            for part in _AND.split(name)
            if part not in taken and len(part) > _SHORT
        ]
        self._all = whole + parts
        self._keys = _unambiguous(whole) | _unambiguous(parts)
        self._forms = [(regex.compile(_expression(name)), key) for name, key in self._keys.items()]
        self._prose = self._compiled(taxonomy.none)

    def exact(self, answer: str) -> str | None:
        """The category that a whole answer names: in any case, quoted, inflected or cut short."""
        name = fold(answer).strip(_QUOTES + " .,:;!*_()[]#")
        if name in self._keys:
            return self._keys[name]
        inflected = {key for form, key in self._forms if form.fullmatch(name)}
        if len(inflected) == 1:
            return inflected.pop()
        cut = {key for whole, key in self._all if whole.startswith(name)}
        return cut.pop() if len(cut) == 1 and len(name) >= _TRUNCATED else None

    def stated(self, prose: str) -> list[tuple[str, ...]]:
        """The categories that each statement names, for statements that name any.

        Questions, negated clauses and reasons ("…, as it mentions sports") state nothing. Prose states
        nothing at all where it says that no category fits, leaves a choice of several, weighs what could be,
        "but" something else is, or takes back what it stated ("No, wait").
        """
        text = prose.translate(_FOLD).casefold()
        for phrase, meaning in _NOT_ONLY:
            text = text.replace(phrase, meaning)
        sentences = [_TURN.split(s) for s in _BREAK.split(text) if not s.strip().endswith("?")]
        statements = [(s, len(pieces) - place) for pieces in sentences for place, s in enumerate(pieces, 1)]
        categories: list[tuple[str, ...]] = []
        for statement, turns in statements:
            named, rest = self._mentions(statement)
            negated = _NOT.search(rest)
            open_choice = len(named) > 1 and _OR.search(rest)
            taken_back = named and turns and _PERHAPS.search(rest)
            if (
                (categories and _RETRACTION.match(statement))
                or _fits_none(rest)
                or (not negated and (open_choice or taken_back))
            ):
                return []
            if named and not negated:
                categories.append(named)
        return categories

    def _mentions(self, statement: str) -> tuple[tuple[str, ...], str]:
        """Categories named before the reasons begin, and the words around them."""
        pattern, keys = self._prose
        first = pattern.search(statement)
        reason = _REASON.search(statement, first.end()) if first else None
        answer = statement[: reason.start()] if reason else statement
        named = [keys[(hit.lastindex or 1) - 1] for hit in pattern.finditer(answer)]
        return tuple(dict.fromkeys(named)), pattern.sub(" ", answer)

    def _compiled(self, none: str | None) -> tuple[regex.Pattern[str], list[str]]:
        """All names as one expression, longer ones first, and the category of each of its groups."""
        groups: list[str] = []
        keys: list[str] = []
        plain: set[str] = set()
        for name in sorted(self._keys, key=len, reverse=True):
            key = self._keys[name]
            # "it", "b" or "other" mean a category in prose only where they are quoted.
            quoted = len(name) <= _SHORT or (key == none and " " not in name)
            form = _expression(name)
            groups.append(rf"((?<=[{_QUOTES}]){form}(?=[{_QUOTES}]))" if quoted else f"({form})")
            keys.append(key)
            if not quoted:
                plain.add(key)
        self.plain = frozenset(plain)
        return regex.compile("|".join(groups) or r"(?!)"), keys


def _fits_none(prose: str) -> bool:
    return bool(_NONE.search(prose)) or any(map(_not_any, prose.split(".")))


def _not_any(sentence: str) -> bool:
    """Whether the words stand there in their order; the first of each will do."""
    place = 0
    for word in _NOT_ANY:
        hit = word.search(sentence, place)
        if hit is None:
            return False
        place = hit.end()
    return True


def _unambiguous(pairs: list[tuple[str, str]]) -> dict[str, str]:
    meant = defaultdict(set)
    for name, key in pairs:
        meant[name].add(key)
    return {name: next(iter(keys)) for name, keys in meant.items() if name and len(keys) == 1}


def _expression(name: str) -> str:
    words = [_word(word) for word in regex.findall(r"\w+", name)]
    return r"(?<!\w)" + r"[\W_]+".join(words) + r"(?!\w)" if words else regex.escape(name)


def _word(word: str) -> str:
    if len(word) <= _SHORT or word.isdigit():
        return regex.escape(word)
    if word.isascii():
        return regex.escape(word.removesuffix("s")) + "s?"
    return regex.escape(_STEM.sub("", word)) + f"(?:{_ENDINGS})?"
