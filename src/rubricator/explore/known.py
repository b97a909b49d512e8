"""All that is known of texts when they are explored: what earlier stages kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.dataset.boilerplate import Repeated
from rubricator.dataset.synthetic import SyntheticText
from rubricator.records import Origin, Text
from rubricator.stats.arrays import Bools, Floats, Indices, Vectors
from rubricator.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One row a text, in the order of the dataset; whatever is not known is None, empty or NaN.

    Attributes:
        name: Of the run.
        groups: The group of near-duplicates by text id, never joined by source.
        facts: What the read stage counted.
        taxonomy: The categories; None where there are none.
        categories: What was decided, shape [texts, categories]: by people, else by what teachers agree on.
        origin: `golden`, `review`, `agreement`, or empty where a text has no label, shape [texts].
        agreement: Confidence that all of what the teachers agree on is right, shape [texts]; NaN: none.
        opinions: What each teacher thinks, in the order of the config.
        vectors: L2-normalised, shape [texts, width], by the encoder that the config calls `encoder`.
        directions: Where each category lies by its description, shape [categories, width].
        tokens: Length of every text in tokens, shape [texts], of which models read
            `max_tokens` and the encoder could read `positions`.
        synthetic: Texts made for training; none of the rows.
        steps: In how many texts of `steps_sample` each cleaning step changes something by itself.
        boilerplate: What sources repeat; cleaning took it out where `boilerplate_taken`.
        notes: What a reader must know of all this, as sentences: why there are no vectors, say.
    """

    name: str
    texts: Sequence[Text]
    groups: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    taxonomy: Taxonomy | None = None
    categories: Bools
    origin: NDArray[np.str_]
    agreement: Floats
    opinions: Sequence[TeacherProbabilities] = ()
    encoder: str = ""
    vectors: Vectors | None = None
    directions: Floats | None = None
    tokens: Indices | None = None
    max_tokens: int = 0
    synthetic: Sequence[SyntheticText] = ()
    synthetic_vectors: Vectors | None = None
    steps: Mapping[str, int] = field(default_factory=dict)
    steps_sample: int = 0
    boilerplate: Sequence[Repeated] = ()
    boilerplate_taken: bool = False
    positions: int = 0
    notes: tuple[str, ...] = ()

    @property
    def contents(self) -> list[str]:
        """What teachers and models see of the texts."""
        return [text.content for text in self.texts]

    @property
    def human(self) -> Bools:
        """Texts that a person labelled."""
        return np.asarray(np.isin(self.origin, [Origin.GOLDEN, Origin.REVIEW]))

    @property
    def labelled(self) -> Bools:
        """Texts with a label, whoever gave it."""
        return np.asarray(self.origin != "")

    @property
    def titles(self) -> dict[str, str]:
        """Names of the categories by key."""
        return {one.key: one.title for one in self.taxonomy.categories} if self.taxonomy else {}

    @classmethod
    def bare(cls, name: str, texts: Sequence[Text], groups: Mapping[str, str], **more: Any) -> Known:
        """Of texts without categories and labels."""
        count = len(texts)
        return cls(
            name=name,
            texts=texts,
            groups=groups,
            **{
                "categories": np.zeros((count, 0), dtype=bool),
                "origin": np.full(count, "", dtype="<U9"),
                "agreement": np.full(count, np.nan),
                **more,
            },
        )
