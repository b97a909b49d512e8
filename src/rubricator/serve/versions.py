"""Which version serves, seen and changed over HTTP, by admins only."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, HTTPException

from rubricator.artifact import ModelRegistry, Promotion
from rubricator.errors import ArtifactError
from rubricator.serve.deployments import Deployments
from rubricator.serve.problems import problems
from rubricator.serve.version_schemas import Back, Change, Changed, VersionInfo, Versions


def add_versions(app: FastAPI, deployments: Deployments, registry: ModelRegistry) -> None:
    """Add the paths that admins use."""

    @app.get("/v1/models", tags=["versions"], responses=problems(401, 403, 429))
    async def versions() -> Versions:
        """The versions in the registry, and which one is the champion."""
        champion, found = await asyncio.to_thread(lambda: (registry.champion(), registry.versions()))
        return Versions(
            versions=[
                VersionInfo(version=one.name, champion=one.name == champion, problem=one.problem)
                for one in found
            ]
        )

    @app.post("/v1/models/promote", tags=["versions"], responses=problems(400, 401, 403, 404, 409, 422, 429))
    async def promote(change: Change) -> Changed:
        """Load a version, try it, and let it serve; no request fails meanwhile."""
        try:
            version = await asyncio.to_thread(registry.find, change.version)
        except ArtifactError as error:
            raise HTTPException(404, error.problem) from error
        return _changed(await deployments.promote(version, change.note))

    @app.post("/v1/models/rollback", tags=["versions"], responses=problems(400, 401, 403, 409, 422, 429))
    async def rollback(back: Back) -> Changed:
        """Let the champion before serve again."""
        return _changed(await deployments.rollback(back.note))


def _changed(promotion: Promotion) -> Changed:
    return Changed(champion=promotion.version, before=promotion.before)
