"""What columns are usually called: a guess where nobody has said which column holds what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ROLES: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "headline", "заголовок"),
    "body": ("text", "body", "content", "description", "review", "текст", "описание", "отзыв"),
    "source": ("source", "источник"),
    "time": ("time", "date", "published", "published_at", "publication_date", "дата"),
}
"""Columns that are taken for a role when none is named, the first that is there."""
OTHER_ROLES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "index_id"),
    "labels": ("labels", "label", "category", "категория", "рубрика"),
}
"""The same of files of which nothing else is known."""


def usual_columns(names: Sequence[str], roles: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Role → the column that is called as such columns usually are, whatever the case."""
    by_lower = {name.strip().lower(): name for name in names}
    matches = {role: [by_lower[name] for name in usual if name in by_lower] for role, usual in roles.items()}
    return {role: columns[0] for role, columns in matches.items() if columns}
