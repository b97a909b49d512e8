"""Changes by rule, and what must be shown before a synthetic text trains."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rubricator.config.section import Section

CheapChange = Literal["typos", "dropout", "transliteration", "register"]
"""Every change by rule."""


class Cheap(Section):
    """Changed copies of real texts, which need no language model.

    For each category for which a language model wrote, as many as it wrote; else `copies` of every real text
    of a category with fewer than `augment.below` of them. Without `changes` there are none.
    """

    changes: tuple[CheapChange, ...] = ("typos", "dropout", "transliteration", "register")
    copies: int = Field(default=3, ge=1, le=50)


class Pays(Section):
    """What must be shown before synthetic texts train: on real held-out texts alone.

    A category keeps a kind of text if its F1 rises in `confidence` of the samples of texts and of `seeds`
    divisions into folds; those of a language model must do better than changes by rule, too. `show: false`
    keeps all unmeasured. A synthetic text counts `weight` of its least parent.
    """

    confidence: float = Field(default=0.9, ge=0.5, lt=1)
    seeds: int = Field(default=5, ge=2, le=50)
    weight: float = Field(default=1.0, gt=0, le=1)
    show: bool = True
