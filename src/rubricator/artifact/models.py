"""The two kinds of model as they are served: plain arrays and the arithmetic from texts to logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

Floats = NDArray[np.float64]
Analyzer = Literal["word", "char_wb"]


@dataclass(frozen=True, slots=True)
class HeadsModel:
    """One logistic regression per category over the vectors of an encoder.

    Attributes:
        coef: Weights, shape [categories, width].
        intercept: Shape [categories].
    """

    coef: Floats
    intercept: Floats

    def logits(self, vectors: NDArray[Any]) -> Floats:
        """Logits, shape [texts, categories], of vectors of shape [texts, width].

        A text's logit for a category depends on nothing but that text and that category, to the
        last bit: other texts in the batch and categories added later do not change it.
        """
        # A matrix product would be faster, but BLAS rounds differently for other matrix shapes.
        exact = np.ascontiguousarray(vectors, dtype=np.float64)
        columns = [(exact * weights).sum(axis=1) for weights in self.coef]
        return np.stack(columns, axis=1) + self.intercept


@dataclass(frozen=True, slots=True)
class Ngrams:
    """One TF-IDF block: its terms in column order, and how texts are cut into them.

    Texts are lowercased and a term's count enters as 1 + ln(count); all else is scikit-learn's default.

    Attributes:
        analyzer: As scikit-learn names it: words, or characters within words.
        shortest: Smallest n of the n-grams.
        longest: Largest n.
        terms: The n-grams known, in column order.
        idf: Inverse document frequency of each term, shape [terms].
    """

    analyzer: Analyzer
    shortest: int
    longest: int
    terms: tuple[str, ...]
    idf: Floats

    def vectorizer(self) -> TfidfVectorizer:
        """The scikit-learn vectorizer that these settings, terms and weights describe."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(
            analyzer=self.analyzer,
            ngram_range=(self.shortest, self.longest),
            sublinear_tf=True,
            vocabulary={term: column for column, term in enumerate(self.terms)},
        )
        vectorizer.idf_ = self.idf
        return vectorizer


@dataclass(frozen=True, slots=True)
class LinearModel:
    """One logistic regression per category over TF-IDF of words and of characters.

    Attributes:
        ngrams: The TF-IDF blocks, side by side.
        coef: Weights, shape [categories, terms of all blocks].
        intercept: Shape [categories].
    """

    ngrams: tuple[Ngrams, ...]
    coef: Floats
    intercept: Floats
    _vectorizers: tuple[Any, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_vectorizers", tuple(block.vectorizer() for block in self.ngrams))

    def logits(self, contents: Sequence[str]) -> Floats:
        """Logits, shape [texts, categories], of cleaned texts."""
        from scipy.sparse import csr_matrix, hstack

        if not len(contents):
            return np.zeros((0, len(self.intercept)))
        features = csr_matrix(hstack([v.transform(contents) for v in self._vectorizers]))
        return np.asarray(features @ self.coef.T, dtype=np.float64) + self.intercept
