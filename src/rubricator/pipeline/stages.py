"""The way of a text, stage after stage."""

from __future__ import annotations

from rubricator.pipeline import augment, evaluate, export, label, read, split, train

STAGES = (read.STAGE, split.STAGE, label.STAGE, augment.STAGE, train.STAGE, evaluate.STAGE, export.STAGE)
"""All stages in order. Splitting comes before labelling, so that teachers never learn from test."""
