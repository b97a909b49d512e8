"""Which categories take over the labels of those that are gone: a table of old and new keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from rubricator.errors import TaxonomyError, nearest, plural
from rubricator.taxonomy.model import NOTHING, Taxonomy

How = Literal["one", "each"]
COLUMNS = ("old", "new", "how")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Target:
    """Where the labels of one old key go.

    Attributes:
        keys: One key; none where the label is dropped; several.
        how: Of several, whether a text belongs in `each` of them, or in some `one`, and nobody knows which.
    """

    keys: tuple[str, ...]
    how: How = "one"

    @property
    def open(self) -> bool:
        """Whether a label does not tell which of the new keys it means."""
        return len(self.keys) > 1 and self.how == "one"


@dataclass(frozen=True, slots=True)
class KeyMap:
    """Targets by old key; a key that is in no row and still in the list stays as it is."""

    targets: Mapping[str, Target]

    @classmethod
    def of(cls, moved: Mapping[str, tuple[str, ...]]) -> Self:
        """The map of a change, by old key the new ones; of several nobody knows which."""
        return cls({old: Target(new) for old, new in moved.items()})

    def keys(self, old: str) -> tuple[str, ...]:
        """The keys that an old one becomes; itself if it is not moved."""
        return self.targets[old].keys if old in self.targets else (old,)

    def carried(self, keys: Iterable[str], taxonomy: Taxonomy) -> tuple[str, ...] | None:
        """Labels of a text in the list of today, in its order; None where they do not tell which they are."""
        old = list(keys)
        if any(key in self.targets and self.targets[key].open for key in old):
            return None
        new = {new for key in old for new in self.keys(key)}
        if taxonomy.single and not new and old and taxonomy.none:
            new = {taxonomy.none}
        if taxonomy.single and old and len(new) != 1:
            return None
        return tuple(key for key in taxonomy.keys if key in new)

    def judged(self, judged: Mapping[str, bool], taxonomy: Taxonomy) -> dict[str, bool]:
        """Yes and no by category, in the list of today; what the old answer leaves open is left out.

        A no holds for everything that a category was split into; a yes only tells of one that took it over
        whole. Of several that become one, one yes is enough.
        """
        said: dict[str, list[bool | None]] = {}
        for old, yes in judged.items():
            target = self.targets.get(old)
            for new in self.keys(old):
                said.setdefault(new, []).append(None if yes and target and target.open else yes)
        carried = {}
        for key in taxonomy.keys:
            answers = said.get(key, [None])
            if True in answers:
                carried[key] = True
            elif None not in answers:
                carried[key] = False
        return carried

    def require(self, keys: Iterable[str], taxonomy: Taxonomy, *, where: str) -> None:
        """Refuse to leave out a key that is no longer in the list.

        Raises:
            TaxonomyError: Keys have no row; all are listed.
        """
        missing = sorted({key for key in keys if key not in taxonomy.keys and key not in self.targets})
        if missing:
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            raise TaxonomyError(
                f"The map says nothing of {', '.join(missing[:_SHOWN])}{more}, which {where} has and the "
                "list of today has not.",
                fix="Give each a row: old key, tab, new key (several joined by commas; "
                f"`{NOTHING}` to drop it).",
            )


def key_map(rows: Iterable[tuple[str, Mapping[str, Any]]], taxonomy: Taxonomy, *, where: str) -> KeyMap:
    """Read rows with the columns `old`, `new` and, if there, `how`; each comes with its place for messages.

    Raises:
        TaxonomyError: A row points to nothing, an old key comes twice, or `how` is neither `one` nor `each`;
            all faults are listed.
    """
    targets: dict[str, Target] = {}
    faults: list[str] = []
    for place, row in rows:
        old, new, how = (str(row.get(name) or "").strip() for name in COLUMNS)
        if not old:
            faults.append(f"{place}: no old key")
            continue
        keys = tuple(key.strip() for key in new.split(",") if key.strip() and key.strip() != NOTHING)
        if old in targets:
            faults.append(f"{place}: '{old}' comes twice")
        faults += _faults(place, old, new, keys, how, taxonomy)
        targets[old] = Target(keys, "each" if how == "each" else "one")
    if not targets and not faults:
        faults = ["no row in it"]
    _refuse(faults, taxonomy, where)
    return KeyMap(targets)


def _faults(
    place: str, old: str, new: str, keys: Sequence[str], how: str, taxonomy: Taxonomy
) -> Iterator[str]:
    if not new:
        yield f"{place}: '{old}' points to nothing; write `{NOTHING}` to drop its labels"
    for key in keys:
        if key not in taxonomy.keys:
            hint = nearest(key, taxonomy.keys)
            yield f"{place}: '{old}' points to '{key}', which is not in the list{hint}"
    if how and how not in get_args(How):
        yield f"{place}: how is '{how}', neither `one` nor `each`"
    if how == "each" and len(keys) > 1 and taxonomy.single:
        yield f"{place}: '{old}' cannot become each of {len(keys)} keys where a text has exactly one"


def rows_of(moved: Mapping[str, Collection[str]]) -> list[dict[str, str]]:
    """Rows of a map, as `key_map` reads them."""
    return [
        {"old": old, "new": ",".join(new) or NOTHING, "how": "one" if len(new) > 1 else ""}
        for old, new in moved.items()
    ]


def _refuse(faults: Sequence[str], taxonomy: Taxonomy, where: str) -> None:
    if faults:
        more = f"\n  … and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        lines = "".join(f"\n  {fault}" for fault in faults[:_SHOWN])
        categories = f"\nThe categories are: {', '.join(taxonomy.keys)}."
        raise TaxonomyError(
            f"{where} has {plural(len(faults), 'fault')}:{lines}{more}{categories}",
            fix="Correct these rows: old key, tab, new key (several joined by commas).",
        )
