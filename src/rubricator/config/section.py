"""What every part of the config has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of every part of the config: frozen, and no key that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
