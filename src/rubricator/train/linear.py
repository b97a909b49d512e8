"""TF-IDF of words and character n-grams under logistic regression: no encoder needed."""

from __future__ import annotations

from collections.abc import Sequence

from rubricator.errors import TrainingError
from rubricator.models.linear import Analyzer, LinearModel, Ngrams, side_by_side
from rubricator.train.bench import Bench, Fitted
from rubricator.train.examples import Examples
from rubricator.train.logistic import Folds, fit_lines

# One value: from 30 to 1000 it hardly matters once calibrated, and each more would cost minutes.
GRID = (100.0,)

_MAX_FEATURES = 50_000
_BLOCKS: tuple[tuple[Analyzer, int, int], ...] = (("word", 1, 2), ("char_wb", 2, 5))


def fit_linear(examples: Examples, *, folds: Folds, bench: Bench, grid: Sequence[float] = GRID) -> Fitted:
    """Train one logistic regression per category on word and character TF-IDF.

    The vocabulary is read once from all texts with weight; all folds share it.

    Args:
        examples: Rows of weight 0 are left out.
        folds: Fold of each row, shape [n], grouped; they choose C for each category
            where `grid` leaves a choice.
        bench: Settings.
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
    ngrams = learn_ngrams(seen.contents)
    features = side_by_side([block.vectorizer().transform(examples.contents) for block in ngrams])
    lines = fit_lines(
        features,
        examples.targets,
        examples.weights,
        folds=folds,
        grid=grid,
        imbalance=bench.settings.imbalance,
        single=bench.single,
    )
    return Fitted(
        model=LinearModel(ngrams, lines.coef, lines.intercept),
        held_out=lines.held_out,
        notes=lines.notes,
        facts={"terms": sum(len(block.terms) for block in ngrams)},
    )


def learn_ngrams(contents: Sequence[str]) -> tuple[Ngrams, ...]:
    """TF-IDF of words and of characters with the terms of `contents`.

    Raises:
        TrainingError: The texts hold no words.
    """
    return tuple(_learn(block, contents) for block in _BLOCKS)


def _learn(block: tuple[Analyzer, int, int], contents: Sequence[str]) -> Ngrams:
    """A TF-IDF block with the terms of `contents`."""
    from sklearn.feature_extraction.text import (
        TfidfVectorizer,  # a second to import, and most commands never need it
    )

    analyzer, shortest, longest = block
    vectorizer = TfidfVectorizer(
        analyzer=analyzer, ngram_range=(shortest, longest), sublinear_tf=True, max_features=_MAX_FEATURES
    )
    try:
        vectorizer.fit(contents)
    except ValueError as error:  # scikit-learn's only way to say "empty vocabulary"
        raise TrainingError(
            f"The {len(contents)} training texts hold no words.", fix="Check `data.columns` and `clean`."
        ) from error
    terms = tuple(str(term) for term in vectorizer.get_feature_names_out())
    return Ngrams(analyzer, shortest, longest, terms, vectorizer.idf_)
