"""What validation says of a model."""

from __future__ import annotations

import numpy as np

from rubricator.dataset.examples import Examples
from rubricator.label_space import LabelSpace
from rubricator.train.search.validation import ValidationSet

TEXTS = 240


def test_only_texts_that_count_say_what_share_is_answered_at_a_precision() -> None:
    rng = np.random.default_rng(2)
    targets = np.eye(3)[np.arange(TEXTS) % 3]
    sure = np.arange(TEXTS) < TEXTS // 2
    logits = np.where(sure[:, None], 4 * targets, rng.normal(size=targets.shape))
    weights = np.ones(TEXTS)
    weights[~sure] = np.arange(TEXTS // 2) % 2  # the half of what is doubtful does not count
    validation_set = ValidationSet(
        rows=np.arange(TEXTS),
        examples=Examples(
            contents=[""] * TEXTS,
            vectors=None,
            targets=targets,
            weights=weights,
            groups=[str(i) for i in range(TEXTS)],
        ),
        folds=np.arange(TEXTS) % 4,
        held_out=True,
        about="",
        space=LabelSpace.of_size(3, single=True),
        thresholds=None,
        seed=1,
    )
    result = validation_set.evaluate(logits)
    everyone = np.ones(TEXTS, dtype=bool)
    by_precision = {point.precision: point for point in validation_set.coverage(result, everyone)}
    # Labels of teachers do not say what is right.
    assert validation_set.coverage(result, ~everyone) == ()
    assert min(by_precision) == 0.5
    point = by_precision[0.95]
    assert 120 / 180 <= point.coverage < 0.75
    assert point.confidence is not None
    assert result.probabilities.max(axis=1)[sure].min() >= point.confidence
