"""TF-IDF of words and character n-grams under logistic regression: no encoder needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError
from rubricator.models.linear import Analyzer, LinearModel, Ngrams, side_by_side
from rubricator.stats.arrays import Bools
from rubricator.train.kinds.linear.ngrams import char_counts, word_counts
from rubricator.train.logistic import Folds, fit_logistic, require_labelled
from rubricator.train.training_context import FitResult, TrainingContext

# One value: from 30 to 1000 it hardly matters once calibrated, and each more would cost as much again.
GRID = (100.0,)

_TOLERANCE = 1e-4  # a tenth of it takes half as long again and scores no better
_MAX_FEATURES = 50_000
_BLOCKS: tuple[tuple[Analyzer, int, int], ...] = (("word", 1, 2), ("char_wb", 2, 5))


def fit_linear(
    examples: Examples, *, folds: Folds, context: TrainingContext, grid: Sequence[float] = GRID
) -> FitResult:
    """Train one logistic regression per category on word and character TF-IDF.

    The vocabulary is read once from all texts with weight; all folds share it. They choose C where `grid`,
    ascending, leaves a choice.

    Raises:
        TrainingError: No row has weight, or the texts hold no words.
    """
    labelled = examples.weights > 0
    require_labelled(labelled)
    ngrams, features = context.last_ngrams.of(
        (tuple(examples.contents), labelled.tobytes()), lambda: ngram_features(examples.contents, labelled)
    )
    lines = fit_logistic(
        features,
        examples.targets,
        examples.weights,
        folds=folds,
        grid=grid,
        imbalance=context.settings.imbalance,
        space=context.space,
        tolerance=_TOLERANCE,
        judging=examples.judging,
    )
    return FitResult(
        model=LinearModel(ngrams, lines.coef, lines.intercept),
        oof_logits=lines.oof_logits,
        notes=lines.notes,
        facts={"terms": sum(len(block.terms) for block in ngrams)},
    )


def ngram_features(contents: Sequence[str], used: Bools) -> tuple[tuple[Ngrams, ...], csr_array]:
    """TF-IDF of words and of characters with the terms of the texts `used`, and the features of all texts.

    Raises:
        TrainingError: The texts `used` hold no words.
    """
    blocks = [_learn(block, contents, used) for block in _BLOCKS]
    return tuple(block for block, _ in blocks), side_by_side([features for _, features in blocks])


def _learn(block: tuple[Analyzer, int, int], contents: Sequence[str], used: Bools) -> tuple[Ngrams, Any]:
    from sklearn.feature_extraction.text import TfidfTransformer  # a second to import

    analyzer, shortest, longest = block
    count = word_counts if analyzer == "word" else char_counts
    terms, counts = count(contents, used, shortest=shortest, longest=longest, most=_MAX_FEATURES)
    if not terms:
        raise TrainingError(
            f"The {int(used.sum())} training texts hold no words.", fix="Check `data.columns` and `clean`."
        )
    weighing = TfidfTransformer(sublinear_tf=True).fit(counts[np.flatnonzero(used)])
    return Ngrams(analyzer, shortest, longest, tuple(terms), weighing.idf_), weighing.transform(counts)
