"""A reference and logs of invented predictions: a plugin that `conftest.py` names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rubricator.label_space import LabelSpace
from rubricator.monitor.observe import packed
from rubricator.monitor.reference import Reference
from rubricator.monitor.sample import sample_of
from rubricator.store.predictions import LoggedPrediction

SPACE = LabelSpace(("sport", "economy", "culture"), single=False)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def predictions(
    count, *, seed=0, at=MONDAY, length=timedelta(days=7), shift=0.0, model="tiny@1", unknown=0.1, source=None
):
    """Predictions of calibrated probabilities; `shift` moves the log-odds of the first category."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=2.5, size=(count, 3)) - 1
    logits[:, 0] += shift
    p = 1 / (1 + np.exp(-logits))
    vectors = random.normal(size=(count, 32))
    vectors[:, 0] += shift
    sources = random.choice(["лист", "вестник"], size=count)
    return [
        LoggedPrediction(
            at=at + length * number / count,
            text_id=f"t{seed}-{number}",
            model=model,
            taxonomy_version="1",
            role="champion",
            categories=tuple(key for key, value in zip(SPACE.keys, p[number], strict=True) if value >= 0.5),
            probabilities=dict(zip(SPACE.keys, p[number].tolist(), strict=True)),
            seconds=0.01,
            characters=int(random.lognormal(6)),
            language=str(random.choice(["ru", "en"], p=[0.9, 0.1])),
            unknown=float(random.beta(2, 2 / unknown)),
            source=source or str(sources[number]),
            vector=packed(vectors[number]),
        )
        for number in range(count)
    ]


def truth_of(rows, seed=0):
    """What the texts are really of, if the probabilities are calibrated."""
    random = np.random.default_rng(seed + 1000)
    p = np.array([[row.probabilities[key] for key in SPACE.keys] for row in rows])
    return random.random(p.shape) < p


@pytest.fixture(scope="session")
def invented():
    rows = predictions(800, seed=99)
    return Reference(
        model="tiny@1",
        taxonomy_version="1",
        space=SPACE,
        titles={"sport": "Спорт", "economy": "Экономика", "culture": "Культура"},
        sample=sample_of(rows, SPACE),
        vocabulary=np.arange(10, dtype=np.uint32),
        labelled=np.arange(800) < 300,
        truth=truth_of(rows, 99),
        about="800 invented texts",
        digest="abc",
    )
