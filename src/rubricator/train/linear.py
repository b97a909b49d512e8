"""TF-IDF of words and character n-grams under logistic regression: no encoder needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.sparse import csr_array, hstack

from rubricator.decision import Floats
from rubricator.errors import TrainingError
from rubricator.train.examples import Examples
from rubricator.train.logistic import Folds, fit_lines

# One value: from 30 to 1000 it hardly matters once calibrated, and each more would cost minutes.
GRID = (100.0,)

_MAX_FEATURES = 50_000


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

    analyzer: Literal["word", "char_wb"]
    shortest: int
    longest: int
    terms: tuple[str, ...] = ()
    idf: Floats = field(default_factory=lambda: np.empty(0))

    def features(self, contents: Sequence[str]) -> csr_array:
        """TF-IDF rows of length 1, shape [texts, terms]."""
        vectorizer = self._vectorizer(vocabulary=dict(zip(self.terms, range(len(self.terms)), strict=True)))
        vectorizer.idf_ = self.idf
        return csr_array(vectorizer.transform(contents))

    def learn(self, contents: Sequence[str]) -> Ngrams:
        """The same block with the terms of `contents`.

        Raises:
            TrainingError: The texts hold no words.
        """
        vectorizer = self._vectorizer(max_features=_MAX_FEATURES)
        try:
            vectorizer.fit(contents)
        except ValueError as error:  # scikit-learn's only way to say "empty vocabulary"
            raise TrainingError(
                f"The {len(contents)} training texts hold no words.", fix="Check `data.columns` and `clean`."
            ) from error
        terms = tuple(str(term) for term in vectorizer.get_feature_names_out())
        return replace(self, terms=terms, idf=vectorizer.idf_)

    def _vectorizer(self, **settings: Any) -> Any:
        from sklearn.feature_extraction.text import (
            TfidfVectorizer,  # a second to import, and most commands never need it
        )

        ngrams = (self.shortest, self.longest)
        return TfidfVectorizer(analyzer=self.analyzer, ngram_range=ngrams, sublinear_tf=True, **settings)


_BLOCKS = (Ngrams("word", 1, 2), Ngrams("char_wb", 2, 5))


@dataclass(frozen=True, slots=True)
class LinearModel:
    """One line per category over the columns of all TF-IDF blocks, side by side.

    Attributes:
        ngrams: The TF-IDF blocks, side by side: words, then characters.
        coef: Shape [categories, terms of all blocks].
        intercept: Shape [categories].
        c: Inverse regularisation strength chosen for each category, shape [categories].
        held_out: Logits of the training texts, each by lines that did not see its fold, [n, categories].
        notes: What is unusual about a category, by its index: a clause without subject.
    """

    name: ClassVar[str] = "linear"
    ngrams: tuple[Ngrams, ...]
    coef: Floats
    intercept: Floats
    c: Floats
    held_out: Floats
    notes: Mapping[int, str]

    def logits(self, examples: Examples) -> Floats:
        """Uncalibrated log-odds, shape [texts, categories]."""
        features = _side_by_side(block.features(examples.contents) for block in self.ngrams)
        return np.asarray(features @ self.coef.T + self.intercept)


def fit_linear(examples: Examples, *, folds: Folds, grid: Sequence[float] = GRID) -> LinearModel:
    """Train one logistic regression per category on word and character TF-IDF.

    The vocabulary is read once from all texts with weight; all folds share it.

    Args:
        examples: Rows of weight 0 are left out.
        folds: Fold of each row, shape [n], grouped; they choose C for each category
            where `grid` leaves a choice.
        grid: Values of C, ascending.

    Raises:
        TrainingError: No row has weight, or the texts hold no words.
    """
    seen = examples.subset(examples.weights > 0)
    if not len(seen):
        raise TrainingError(
            "There is not a single labelled text to train on (all weights are 0).",
            fix="Add golden labels, or let agreed labels count: `train.agreed_weight: 1`.",
        )
    ngrams = tuple(block.learn(seen.contents) for block in _BLOCKS)
    features = _side_by_side(block.features(examples.contents) for block in ngrams)
    lines = fit_lines(features, examples.targets, examples.weights, folds=folds, grid=grid)
    return LinearModel(ngrams, lines.coef, lines.intercept, lines.c, lines.held_out, lines.notes)


def _side_by_side(blocks: Iterable[csr_array]) -> csr_array:
    return csr_array(hstack(list(blocks)))
