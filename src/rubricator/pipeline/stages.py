"""The way of a text, stage after stage."""

from __future__ import annotations

from rubricator.pipeline import augment, evaluate, export, label, pays, read, split, train
from rubricator.pipeline.stage import Stage

STAGES: tuple[Stage, ...] = tuple(
    one.STAGE for one in (read, split, label, augment, pays, train, evaluate, export)
)
"""All stages in order. Splitting comes before labelling, so that teachers never learn from test."""
