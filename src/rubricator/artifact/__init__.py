"""The folder that serves a model: how it is written, checked and read. No pickle, no code inside."""

from rubricator.artifact.card import CardFacts, render_card
from rubricator.artifact.manifest import Manifest
from rubricator.artifact.read import Artifact, audit_artifact, read_artifact
from rubricator.artifact.registry import ModelRegistry, Promotion, Version
from rubricator.artifact.write import SavedEncoder, write_artifact

__all__ = [
    "Artifact",
    "CardFacts",
    "Manifest",
    "ModelRegistry",
    "Promotion",
    "SavedEncoder",
    "Version",
    "audit_artifact",
    "read_artifact",
    "render_card",
    "write_artifact",
]
