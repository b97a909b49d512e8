"""Two versions of a list in words, and what their differences mean for labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from rubricator.taxonomy.model import Category, Taxonomy

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Difference:
    """What sets two versions of a list apart, by category key.

    Attributes:
        added: Keys that only the later has.
        removed: Keys that only the earlier has.
        meaning: Keys whose title, description or part as the `none` category differs.
        rules: Keys of which keywords, patterns or exclusions differ; no person's label depends on them.
        parents: Keys that have another broader category.
        head: Whether the name, the task or the order differs.
        sentences: All of it for people, one change a line.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    meaning: tuple[str, ...]
    rules: tuple[str, ...]
    parents: tuple[str, ...]
    head: bool
    sentences: tuple[str, ...] = field(default=(), compare=False)

    @property
    def major(self) -> bool:
        """Whether labels given under the earlier lose their meaning; else rows or rules were added."""
        return bool(self.removed or self.meaning)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.meaning or self.rules or self.parents or self.head)


def compare(before: Taxonomy, after: Taxonomy, *, renamed: Mapping[str, str] = _NONE) -> Difference:
    """What changed from one version to the other.

    A renamed key counts as removed and added, for labels with it must be carried over; the sentences call it
    renamed where `renamed`, new key → former one, does.
    """
    added = tuple(key for key in after.keys if key not in before.keys)
    removed = tuple(key for key in before.keys if key not in after.keys)
    both = [(before[key], after[key]) for key in after.keys if key in before.keys]
    kept = [key for key in before.keys if key in after.keys]
    moved = kept != [key for key in after.keys if key in before.keys]
    return Difference(
        added,
        removed,
        tuple(new.key for old, new in both if meaning(old, before) != meaning(new, after)),
        tuple(new.key for old, new in both if _rules(old) != _rules(new)),
        tuple(new.key for old, new in both if old.parent != new.parent),
        moved or before.name != after.name or before.task != after.task,
        tuple(_sentences(before, after, added, removed, both, renamed=renamed, moved=moved)),
    )


def meaning(category: Category, taxonomy: Taxonomy) -> tuple[str, str, bool]:
    """What a person goes by who says whether a text belongs in a category; white space is none of it."""
    words = " ".join(category.description.split())
    return " ".join(category.title.split()), words, category.key == taxonomy.none


def _rules(category: Category) -> tuple[tuple[str, ...], ...]:
    return category.keywords, category.patterns, category.exclude


def _sentences(
    before: Taxonomy,
    after: Taxonomy,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    both: list[tuple[Category, Category]],
    *,
    renamed: Mapping[str, str],
    moved: bool,
) -> Iterator[str]:
    for what, old, new in (
        ("name", before.name, after.name),
        ("task", before.task.value, after.task.value),
        ("none", before.none or "", after.none or ""),
    ):
        if old != new:
            yield f"{what}: {_quoted(old)} → {_quoted(new)}"
    yield from (f"+ {_named(after[key])}" for key in added if key not in renamed)
    yield from (f"- {_named(before[key])}" for key in removed if key not in renamed.values())
    for new_key, former in renamed.items():
        yield f"{former} → {new_key}: another key for the same category"
        yield from _of_category(before[former], after[new_key])
    for one, other in both:
        yield from _of_category(one, other)
    if moved:
        yield f"order: {', '.join(after.keys)}"


def _of_category(old: Category, new: Category) -> Iterator[str]:
    texts: Mapping[str, tuple[str, str]] = {
        "title": (old.title, new.title),
        "description": (old.description, new.description),
        "parent": (old.parent or "", new.parent or ""),
    }
    for what, (one, other) in texts.items():
        if " ".join(one.split()) != " ".join(other.split()):
            yield f"{new.key}: {what} {_quoted(one)} → {_quoted(other)}"
    for what in ("keywords", "patterns", "exclude"):
        fewer, more = getattr(old, what), getattr(new, what)
        gone, come = [w for w in fewer if w not in more], [w for w in more if w not in fewer]
        if gone or come:
            yield f"{new.key}: {what} " + ", ".join([*(f"−{w}" for w in gone), *(f"+{w}" for w in come)])
        elif fewer != more:
            yield f"{new.key}: {what} in another order"


def _named(category: Category) -> str:
    title = f" ({category.title})" if category.title != category.key else ""
    return f"{category.key}{title}" + (f": {category.description}" if category.description else "")


def _quoted(text: str) -> str:
    return f"“{' '.join(text.split())}”" if text.strip() else "nothing"
