"""Artifacts of format 2, as they were written before the files of training moved, load and say the same.

`format_2/` holds a cascade over an ensemble of two linear models, one artifact per task, and what the code
that wrote them predicted.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from rubricator.artifact import read_artifact
from rubricator.predict import Predictor

FOLDER = Path(__file__).parent / "format_2"


@pytest.mark.parametrize("task", ["single", "multi"])
def test_an_artifact_of_format_2_loads_and_predicts_the_same(task):
    expected = json.loads((FOLDER / f"{task}.json").read_text(encoding="utf-8"))
    texts = [row["text"] for row in expected]
    predictor = Predictor(read_artifact(FOLDER / task))
    probabilities = np.array([row["probabilities"] for row in expected])
    np.testing.assert_allclose(predictor.probabilities(texts), probabilities, rtol=0, atol=1e-12)
    categories = [list(prediction.categories) for prediction in predictor.predict(texts)]
    assert categories == [row["categories"] for row in expected]


@pytest.mark.parametrize("task", ["single", "multi"])
def test_a_model_of_format_2_is_written_again_byte_by_byte(task):
    files = read_artifact(FOLDER / task).model.files()
    for name, data in files.items():
        assert (FOLDER / task / "model" / name).read_bytes() == data, name
