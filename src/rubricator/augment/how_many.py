"""How many synthetic texts each category wants, and why some get none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rubricator.config import Augment
from rubricator.config.augment import FORCED_ABOVE

_RANKS = tuple(range(10, 1, -1))
"""By how much the rarest category grows, the next, and so on: ten times, nine times, down to twice."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many synthetic texts a category wants, beside its `real` ones; the `reason` says why that many."""

    key: str
    real: int
    texts: int
    reason: str


def wanted_texts(
    real: Mapping[str, int], settings: Augment, *, disputed: Mapping[str, float] | None = None
) -> list[Wanted]:
    """Work out how many synthetic texts every category wants, the rarest category first.

    `real` are the different real training texts by category, without the one that means "none of the
    others"; `disputed` is the share of its labelled texts about which people disagree, by category.
    """
    disputed = disputed or {}
    ordered = sorted(real, key=lambda key: real[key])
    most = max(real.values(), default=0)
    return [
        _wanted(key, real[key], _aim(place, real[key], most, settings), disputed.get(key, 0.0), settings)
        for place, key in enumerate(ordered)
    ]


DISPUTED = 0.25
"""From this share of disputed texts on a category gets none: new ones would make one opinion louder."""


def _aim(place: int, real: int, most: int, settings: Augment) -> int:
    """How many texts the category should have, real and synthetic ones together."""
    if settings.how_many == "count":
        return settings.count
    if settings.how_many == "ratio":
        return math.ceil(settings.ratio * most)
    return real * _RANKS[place] if place < len(_RANKS) else real


def _wanted(key: str, real: int, aim: int, disputed: float, settings: Augment) -> Wanted:
    if reason := _against(key, real, disputed, settings):
        return Wanted(key, real, 0, reason)
    most = math.floor(settings.max_ratio * real)
    texts = max(0, min(aim - real, most))
    if not texts:
        return Wanted(key, real, 0, f"it has {real} real training texts, and the aim is {aim}")
    bound = f", at most {settings.max_ratio:g} to a real one" if most < aim - real else ""
    forced = f", forced above {FORCED_ABOVE}" if real > FORCED_ABOVE else ""
    return Wanted(key, real, texts, f"{real} real training texts, the aim is {aim}{bound}{forced}")


def _against(key: str, real: int, disputed: float, settings: Augment) -> str:
    """Why a category gets none, or an empty string."""
    named = key in settings.categories
    if settings.categories and not named:
        return "`augment.categories` does not name it"
    if not real:
        return "it has no real training text to start from: label or review one"
    if disputed >= DISPUTED and not settings.force:
        return (
            f"people disagree about {disputed:.0%} of the texts that they labelled with it: synthetic "
            "texts would make one opinion louder. Settle its description first, or set `augment.force: true`"
        )
    if real > FORCED_ABOVE and not settings.force:
        return (
            f"it has {real} real training texts: above {FORCED_ABOVE} those of a language model rarely pay "
            "(Cegin et al., NAACL 2025). `augment.force: true` makes them still"
        )
    if real >= settings.below and not named and not settings.force:
        return (
            f"it has {real} real training texts, and from {settings.below} on synthetic ones rarely pay: "
            "name it in `augment.categories` to make them still"
        )
    return ""
