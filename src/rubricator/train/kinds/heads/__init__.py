"""Heads over the vectors of frozen encoders."""

from rubricator.train.kinds.heads.fit import fit_heads
from rubricator.train.kinds.heads.lines import fit_centred, fit_lines

__all__ = ["fit_centred", "fit_heads", "fit_lines"]
