"""Versions of a model in the registry, and how one takes the place of another."""

from __future__ import annotations

from pydantic import Field

from rubricator.serve.schemas import Body


class VersionInfo(Body):
    """A version in the registry."""

    version: str
    champion: bool
    problem: str = Field(description="Why it cannot serve; empty where it can.")


class Versions(Body):
    """What the registry holds."""

    versions: list[VersionInfo]


class Change(Body):
    """Which version to promote, and why."""

    version: str = Field(min_length=1, max_length=200, description="name@id, or the first digits of the id.")
    note: str = Field(default="", max_length=1000)


class Back(Body):
    """Why to roll back."""

    note: str = Field(default="", max_length=1000)


class Changed(Body):
    """Who serves now."""

    champion: str
    before: str | None
