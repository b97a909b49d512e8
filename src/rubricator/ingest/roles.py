"""What columns of texts are usually called, where nobody says which holds what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ROLES: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "headline", "заголовок"),
    "body": ("text", "body", "content", "description", "review", "текст", "описание", "отзыв"),
    "source": ("source", "источник"),
    "time": ("time", "date", "published", "published_at", "publication_date", "дата"),
}
"""Columns that are taken for a role when none is named, the first that is there."""


def columns_by_role(names: Sequence[str], usual: Mapping[str, Sequence[str]] = ROLES) -> dict[str, str]:
    """The column of each role that has one; case does not matter."""
    by_lower = {name.lower(): name for name in names}
    matches = {role: [by_lower[one] for one in some if one in by_lower] for role, some in usual.items()}
    return {role: columns[0] for role, columns in matches.items() if columns}
