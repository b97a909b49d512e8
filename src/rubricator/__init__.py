"""From a pile of texts and a list of categories to a classifier in production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rubricator.predict import Predictor
    from rubricator.project.estimator import Rubricator
    from rubricator.project.project import Project
    from rubricator.records import Text
    from rubricator.taxonomy import Category, Taxonomy

__version__ = "0.1.0"
__all__ = ["Category", "Predictor", "Project", "Rubricator", "Taxonomy", "Text", "__version__"]

_WHERE = {
    "Category": "rubricator.taxonomy",
    "Predictor": "rubricator.predict",
    "Project": "rubricator.project.project",
    "Rubricator": "rubricator.project.estimator",
    "Taxonomy": "rubricator.taxonomy",
    "Text": "rubricator.records",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: `import rubricator.errors` must not pull in an inference runtime.
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'rubricator' has no attribute '{name}'")
