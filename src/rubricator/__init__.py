"""From a pile of texts and a list of categories to a classifier in production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rubricator.predict import Predictor as Rubricator

__version__ = "0.1.0"
__all__ = ["Rubricator", "__version__"]


def __getattr__(name: str) -> Any:
    # Loaded on first use: `import rubricator.errors` must not pull in an inference runtime.
    if name == "Rubricator":
        from rubricator.predict import Predictor

        return Predictor
    raise AttributeError(f"module 'rubricator' has no attribute '{name}'")
