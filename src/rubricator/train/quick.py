"""A model that is trained in seconds, for questions about data: TF-IDF under support vector machines."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Bools
from rubricator.train.kinds.linear.fit import ngram_features

ABOUT = "TF-IDF of words and characters with linear support vector machines"


class QuickModel:
    """Trains again and again on some of the same texts, whose features are computed once.

    One support vector machine per category (Joachims, "Text categorization with support vector machines",
    1998; LIBLINEAR by Fan et al., 2008); single-label, the largest margin wins. It takes a fraction of the
    time of the kind `linear` for want of probabilities.

    Args:
        contents: Cleaned texts.
        truth: Categories of each, shape [texts, categories].
        terms: The texts whose terms are learnt, shape [texts].

    Raises:
        TrainingError: These texts hold no words.
    """

    def __init__(
        self, contents: Sequence[str], truth: Bools, terms: Bools, space: LabelSpace, *, seed: int
    ) -> None:
        self._features: csr_array = ngram_features(contents, terms)[1].tocsr()
        self._truth, self._space, self._seed = truth, space, seed

    def decide(self, train: Bools, test: Bools) -> Bools:
        """Decisions on the texts of one mask by a model of those of another, shape [tested, categories]."""
        from sklearn.svm import LinearSVC  # a second to import

        rows, asked = np.flatnonzero(train), np.flatnonzero(test)
        known, unknown = self._features[rows], self._features[asked]
        margins = np.full((len(asked), len(self._space)), -np.inf)
        for column in range(len(self._space)):
            targets = self._truth[rows, column]
            if targets.all() or not targets.any():
                margins[:, column] = np.inf if targets.any() else -np.inf
                continue
            machine = LinearSVC(random_state=self._seed, tol=1e-3)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a margin that could be a little wider
                machine.fit(known, targets)
            margins[:, column] = machine.decision_function(unknown)
        if not self._space.single:
            return np.asarray(margins > 0)
        decided = np.zeros(margins.shape, dtype=bool)
        decided[np.arange(len(asked)), margins.argmax(axis=1)] = True
        return decided
