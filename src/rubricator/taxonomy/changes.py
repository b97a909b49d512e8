"""Changes of a list: each makes a new one and says what becomes of old labels; nothing is written here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from rubricator.errors import TaxonomyError, nearest
from rubricator.taxonomy.model import Category, Taxonomy, folded
from rubricator.validation_errors import explain


@dataclass(frozen=True, slots=True)
class Change:
    """A list after a change, and what the change means for labels given before.

    Attributes:
        about: What changes, a sentence.
        renamed: New key → old key of the same category.
        moved: Old key → keys that take its labels over; none where they are dropped, several where nobody
            knows which of them a text belongs in.
        same_meaning: Keys whose wording changes and whose meaning does not.
        meanings: What the categories mean, where a former version comes back.
    """

    after: Taxonomy
    about: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    moved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    same_meaning: tuple[str, ...] = ()
    meanings: Mapping[str, str] | None = None


def add(taxonomy: Taxonomy, category: Category, *, retired: Collection[str] = ()) -> Change:
    """A category more, at the end, or before the `none` category where that comes last.

    Raises:
        TaxonomyError: The key or title is taken, or was that of a category that is gone.
    """
    refuse_taken(category, taxonomy, retired)
    others = list(taxonomy.categories)
    place = len(others) - (others[-1].key == taxonomy.none)
    after = checked(taxonomy, [*others[:place], category, *others[place:]])
    return Change(after, f"added {_named(category)}")


def remove(taxonomy: Taxonomy, key: str) -> Change:
    """A category less; what had it alone has none.

    Raises:
        TaxonomyError: There is no such category, it is the `none` one, one of the last two, or has others
            below it.
    """
    category = _of(taxonomy, key)
    if key == taxonomy.none:
        raise TaxonomyError(
            f"'{key}' is the category that means “none of the others”.",
            fix="Name another under `none:` in the taxonomy first, or remove that line.",
        )
    if len(taxonomy.categories) <= 2:
        raise TaxonomyError(
            f"Without '{key}' only {len(taxonomy.categories) - 1} category would be left, and at least 2 are "
            "needed.",
            fix="Add another first: `rubricator category add KEY --description …`.",
        )
    if below := [one.key for one in taxonomy.categories if one.parent == key]:
        raise TaxonomyError(
            f"'{key}' is the parent of {', '.join(below)}.",
            fix="Remove these first, or change their `parent:`.",
        )
    after = checked(taxonomy, [one for one in taxonomy.categories if one.key != key])
    return Change(after, f"removed {_named(category)}", moved={key: ()})


def rename(taxonomy: Taxonomy, key: str, new: str, *, retired: Collection[str] = ()) -> Change:
    """Another key for the same category.

    Raises:
        TaxonomyError: There is no such category, or the new key is taken or was that of one that is gone.
    """
    category = _of(taxonomy, key)
    if new == key:
        raise TaxonomyError(f"'{key}' is called so already.", fix="Give another key.")
    update = {"key": new} if category.name else {"key": new, "name": key}
    renamed = _with(category, update)
    refuse_taken(renamed, taxonomy, retired, but=key)
    below = [
        renamed if one.key == key else _with(one, {"parent": new}) if one.parent == key else one
        for one in taxonomy.categories
    ]
    none = new if taxonomy.none == key else taxonomy.none
    after = checked(taxonomy, below, none=none)
    about = f"renamed '{key}' to '{new}'"
    return Change(after, about, renamed={new: key}, moved={key: (new,)}, same_meaning=(new,))


def describe(
    taxonomy: Taxonomy, key: str, update: Mapping[str, str | tuple[str, ...]], *, same_meaning: bool = False
) -> Change:
    """Another title, description or other words for a category.

    `update` holds fields of `Category`; with `same_meaning` every label given so far holds as before, as
    after a slip of the pen.

    Raises:
        TaxonomyError: There is no such category, or nothing would change.
    """
    old = _of(taxonomy, key)
    new = _with(old, update)
    if new == old:
        raise TaxonomyError(f"'{key}' says exactly this already.", fix="Give what is to change.")
    after = checked(taxonomy, [new if one.key == key else one for one in taxonomy.categories])
    about = f"described '{key}' anew ({', '.join(update)}{'; same meaning' if same_meaning else ''})"
    return Change(after, about, same_meaning=(key,) if same_meaning else ())


def merge(
    taxonomy: Taxonomy,
    keys: Sequence[str],
    into: str,
    *,
    update: Mapping[str, str] | None = None,
    retired: Collection[str] = (),
) -> Change:
    """Several categories as one: one of them takes the others in, or a new one in the place of the first.

    Words of rules are joined; so are descriptions where `update` gives none.

    Raises:
        TaxonomyError: A category is merged into itself, there is none of that name, or too few are left.
    """
    parts = [_of(taxonomy, key) for key in dict.fromkeys(keys)]
    gone = [part for part in parts if part.key != into]
    if not gone or len(keys) != len(set(keys)):
        raise TaxonomyError(
            f"{', '.join(keys)} cannot be merged into '{into}': a category would be merged into itself.",
            fix="Name the categories that are to go, each once, and `--into` the one that takes them in.",
        )
    if taxonomy.none in [part.key for part in gone]:
        raise TaxonomyError(
            f"'{taxonomy.none}' means “none of the others” and cannot become part of '{into}'.",
            fix="Merge the others into it, or name another under `none:` first.",
        )
    target = taxonomy[into] if into in taxonomy.keys else None
    if target is None and len(gone) < 2:
        raise TaxonomyError(
            f"There is no category '{into}'{nearest(into, taxonomy.keys)}, and one alone cannot be merged.",
            fix=f"To call '{gone[0].key}' otherwise: `rubricator category rename {gone[0].key} {into}`.",
        )
    joined = _joined(into, [*([target] if target else []), *gone], update or {})
    if target is None:
        refuse_taken(joined, taxonomy, retired)
    place = into if target else gone[0].key
    leaving = {part.key for part in gone}
    others = [
        joined if one.key == place else _with(one, {"parent": into}) if one.parent in leaving else one
        for one in taxonomy.categories
        if one.key == place or one.key not in leaving
    ]
    after = checked(taxonomy, others)
    about = f"merged {', '.join(part.key for part in gone)} into '{into}'"
    return Change(after, about, moved={part.key: (into,) for part in gone})


def split(
    taxonomy: Taxonomy, key: str, parts: Sequence[Category], *, retired: Collection[str] = ()
) -> Change:
    """One category as several; nobody knows yet which of them its texts belong in.

    Each part has a description or keywords to know it by; one may keep the key.

    Raises:
        TaxonomyError: There is no such category, it is the `none` one, fewer than two parts are given, one
            has nothing to know it by, or a key is taken.
    """
    old = _of(taxonomy, key)
    if key == taxonomy.none:
        raise TaxonomyError(f"'{key}' means “none of the others” and cannot be split.", fix="Add categories.")
    if len(parts) < 2:
        raise TaxonomyError(
            f"'{key}' is to be split into {len(parts)} part(s), and two or more are needed.",
            fix=f"rubricator category split {key} --into 'one: what belongs there' --into 'two: …'",
        )
    if bare := [part.key for part in parts if not (part.description.strip() or part.keywords)]:
        raise TaxonomyError(
            f"Nothing says what belongs in {', '.join(bare)}.",
            fix="Give every part a seed, its description: --into 'KEY: what belongs there'.",
        )
    rest = taxonomy.model_copy(update={"categories": tuple(c for c in taxonomy.categories if c.key != key)})
    for part in parts:
        refuse_taken(part, rest, [one for one in retired if one != key])
    inherited = [_with(part, {"parent": old.parent}) if old.parent else part for part in parts]
    place = taxonomy.keys.index(key)
    if below := [one.key for one in taxonomy.categories if one.parent == key and key not in _keys(parts)]:
        raise TaxonomyError(
            f"'{key}' is the parent of {', '.join(below)}.", fix="Change their `parent:` first."
        )
    after = checked(taxonomy, [*rest.categories[:place], *inherited, *rest.categories[place:]])
    about = f"split '{key}' into {', '.join(_keys(parts))}"
    return Change(after, about, moved={key: _keys(parts)})


def _keys(categories: Sequence[Category]) -> tuple[str, ...]:
    return tuple(category.key for category in categories)


def _joined(key: str, parts: Sequence[Category], update: Mapping[str, str]) -> Category:
    first = parts[0]
    words = {
        name: tuple(dict.fromkeys(word for part in parts for word in getattr(part, name)))
        for name in ("keywords", "patterns")
    }
    # What silences one of them might be what another is about.
    loud = {folded(word) for word in words["keywords"]}
    exclude = tuple(word for word in first.exclude if folded(word) not in loud)
    description = "; ".join(part.description.strip() for part in parts if part.description.strip())
    base: dict[str, object] = {
        **words,
        "exclude": exclude,
        "description": description,
        "parent": first.parent,
    }
    name = first.name if first.key == key else ""
    return made({"key": key, "name": name, **base, **update})


def made(fields: Mapping[str, object]) -> Category:
    """A category of fields that a person gave.

    Raises:
        TaxonomyError: One of them is wrong.
    """
    try:
        return Category.model_validate(dict(fields))
    except ValidationError as error:
        raise TaxonomyError(
            f"This cannot be a category:\n{explain(error, Category)}", fix="Correct it."
        ) from error


def _with(category: Category, update: Mapping[str, object]) -> Category:
    return made({**category.model_dump(), **update})


def checked(taxonomy: Taxonomy, categories: Sequence[Category], **update: object) -> Taxonomy:
    """The list with other categories, checked as one that a person wrote.

    Raises:
        TaxonomyError: It would be wrong.
    """
    content = {**taxonomy.model_dump(), **update, "categories": [one.model_dump() for one in categories]}
    try:
        after = Taxonomy.model_validate(content)
    except ValidationError as error:
        raise TaxonomyError(
            f"The list would be wrong then:\n{explain(error, Taxonomy)}", fix="Change something else."
        ) from error
    after.check(where="The list after this change")
    return after


def _of(taxonomy: Taxonomy, key: str) -> Category:
    if key not in taxonomy.keys:
        raise TaxonomyError(
            f"There is no category '{key}'{nearest(key, taxonomy.keys)}.",
            fix=f"The categories are {', '.join(taxonomy.keys)}.",
        )
    return taxonomy[key]


def refuse_taken(
    category: Category, taxonomy: Taxonomy, retired: Collection[str], *, but: str | None = None
) -> None:
    """Refuse a key or title that means another category, now or once; `but` is the key of its own.

    Raises:
        TaxonomyError: It is taken, or differs only by case, ё or spaces, or was that of one that is gone.
    """
    for one in taxonomy.categories:
        if one.key == but:
            continue
        for name in dict.fromkeys((category.key, category.title)):
            if folded(name) in (folded(one.key), folded(one.title)):
                same = "" if name in (one.key, one.title) else ", which differs only by case, ё or spaces"
                raise TaxonomyError(
                    f"'{name}' is taken by the category {_named(one)}{same}.",
                    fix="Choose another key or title, or change that category: "
                    f"`rubricator category describe {one.key} …`.",
                )
    gone = {folded(key): key for key in retired}
    if folded(category.key) in gone and folded(category.key) != folded(but or ""):
        raise TaxonomyError(
            f"'{gone[folded(category.key)]}' was the key of a category that is gone, and labels with it may "
            "still be about.",
            fix="Choose another key, or bring the old category back: `rubricator category rollback VERSION`.",
        )


def _named(category: Category) -> str:
    return f"'{category.key}'" + (f" ({category.name})" if category.name else "")
