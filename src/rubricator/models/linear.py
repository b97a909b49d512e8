"""TF-IDF of words and characters under one logistic regression per category."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.sparse import csr_array, hstack

from rubricator.dataset.inputs import Inputs
from rubricator.models.base import Model
from rubricator.models.ngrams import CharCounter
from rubricator.models.serialization import About, Files, Layout
from rubricator.stats.arrays import Floats

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

Analyzer = Literal["word", "char_wb"]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    analyzer: Analyzer
    shortest: int = Field(ge=1, le=20)
    longest: int = Field(ge=1, le=20)
    terms: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if len(set(self.terms)) != len(self.terms):
            raise ValueError("terms repeat")
        if self.shortest > self.longest:
            raise ValueError(f"n-grams go from {self.shortest} to {self.longest}")
        return self


class _About(About):
    kind: Literal["linear"]
    blocks: list[_Block] = Field(min_length=1, max_length=10)


def _layout(blocks: int) -> Layout[_About]:
    idf = {f"idf.{number}": (f"terms of block {number}",) for number in range(blocks)}
    return Layout(_About, {"intercept": ("categories",), "coef": ("categories", "terms"), **idf})


@dataclass(frozen=True, slots=True)
class Ngrams:
    """One TF-IDF block: its terms in column order, and how texts are cut into them.

    Texts are lowercased and a term's count enters as 1 + ln(count); all else is scikit-learn's default.
    """

    analyzer: Analyzer  # as scikit-learn names it: words, or characters within words
    shortest: int  # smallest n of the n-grams; `longest` is the largest
    longest: int
    terms: tuple[str, ...]  # in column order
    idf: Floats  # inverse document frequency of each term, [terms]

    def features(self, vectorizer: TfidfVectorizer) -> Callable[[Sequence[str]], Any]:
        """What turns texts into TF-IDF, shape [texts, terms]: to the bit as scikit-learn's `vectorizer`."""
        if self.analyzer == "word":
            transform: Callable[[Sequence[str]], Any] = vectorizer.transform
            return transform
        counter = CharCounter(vectorizer.vocabulary, shortest=self.shortest, longest=self.longest)
        return partial(_weighed, vectorizer, counter)

    def vectorizer(self) -> TfidfVectorizer:
        """The scikit-learn vectorizer that these settings, terms and weights describe."""
        from sklearn.feature_extraction.text import TfidfVectorizer  # a second to import

        vectorizer = TfidfVectorizer(
            analyzer=self.analyzer,
            ngram_range=(self.shortest, self.longest),
            sublinear_tf=True,
            vocabulary={term: column for column, term in enumerate(self.terms)},
        )
        vectorizer.idf_ = self.idf
        return vectorizer


def _weighed(vectorizer: TfidfVectorizer, counter: CharCounter, contents: Sequence[str]) -> Any:
    """What the vectorizer makes of texts, counted by the quicker counter."""
    return vectorizer._tfidf.transform(counter.counts(contents), copy=False)  # noqa: SLF001 - how it weighs


def side_by_side(blocks: Sequence[Any]) -> csr_array:
    """The columns of all blocks, one block after the other."""
    return csr_array(hstack(list(blocks)))


@dataclass(frozen=True, slots=True)
class LinearModel(Model):
    """One logistic regression per category over TF-IDF of words and of characters."""

    kind: ClassVar[str] = "linear"
    ngrams: tuple[Ngrams, ...]  # the TF-IDF blocks, side by side
    coef: Floats  # weights, [categories, terms of all blocks]
    intercept: Floats  # [categories]
    vectorizers: tuple[Any, ...] = field(init=False, repr=False, compare=False)  # one for each block
    _features: tuple[Any, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectorizers", tuple(block.vectorizer() for block in self.ngrams))
        features = [block.features(one) for block, one in zip(self.ngrams, self.vectorizers, strict=True)]
        object.__setattr__(self, "_features", tuple(features))

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return len(self.intercept)

    def logits(self, inputs: Inputs) -> Floats:
        """Logits, shape [texts, categories]."""
        if not len(inputs):
            return np.zeros((0, self.categories))
        return np.asarray(self.features(inputs.contents) @ self.coef.T, dtype=np.float64) + self.intercept

    def features(self, contents: Sequence[str]) -> csr_array:
        """What the weights multiply, shape [texts, terms of all blocks]."""
        return side_by_side([features(contents) for features in self._features])

    def files(self) -> Files:
        """`model.json` with the terms, and the weights."""
        blocks = [
            _Block(analyzer=b.analyzer, shortest=b.shortest, longest=b.longest, terms=list(b.terms))
            for b in self.ngrams
        ]
        idf = {f"idf.{number}": block.idf for number, block in enumerate(self.ngrams)}
        arrays = {"coef": self.coef, "intercept": self.intercept} | idf
        return _layout(len(blocks)).write(_About(kind="linear", blocks=blocks), arrays)

    @classmethod
    def of_files(cls, files: Files) -> Self:
        """The inverse of `files`."""
        blocks = _layout(0).read_about(files).blocks
        sizes = {f"terms of block {number}": len(block.terms) for number, block in enumerate(blocks)}
        arrays = _layout(len(blocks)).read_arrays(files, terms=sum(sizes.values()), **sizes)
        ngrams = tuple(
            Ngrams(b.analyzer, b.shortest, b.longest, tuple(b.terms), arrays[f"idf.{number}"])
            for number, b in enumerate(blocks)
        )
        return cls(ngrams, arrays["coef"], arrays["intercept"])
