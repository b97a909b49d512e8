"""Categories, and the versioned list of them; `versions`, `changes` and `skos` are imported where needed."""

from rubricator.taxonomy.model import (
    NOTHING,
    Category,
    Task,
    Taxonomy,
    compilable,
    folded,
    key_of,
    pattern_readings,
    sound_word,
)

__all__ = [
    "NOTHING",
    "Category",
    "Task",
    "Taxonomy",
    "compilable",
    "folded",
    "key_of",
    "pattern_readings",
    "sound_word",
]
