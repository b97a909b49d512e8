"""Artifacts whose hashes fit and whose content is absurd: refused before they predict anything."""

from __future__ import annotations

import json

import numpy as np
import pytest
from strange_encoders import CARD, write_strange

from rubricator.artifact import read_artifact
from rubricator.dataset.inputs import BASE
from rubricator.errors import ArtifactError, DataError, EncoderError
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.predict import Predictor
from rubricator.stats.coverage import COVERAGE
from rubricator.taxonomy import Task


class Strange:
    """Saves the folder of an encoder that gives every text `row`."""

    def __init__(self, row, **card):
        self.row, self.card = row, card

    def describe(self):
        return {"name": "strange", "width": CARD.width}

    def save(self, folder):
        write_strange(folder, self.row)
        content = json.loads((folder / "encoder.json").read_text("utf-8"))
        (folder / "encoder.json").write_text(json.dumps(content | self.card), encoding="utf-8")


def test_a_sound_one_predicts(tmp_path, make_artifact):
    folder = make_artifact(tmp_path / "a", "heads", encoders={BASE: Strange([1.0] * 8)})
    (prediction,) = Predictor.load(folder, runtime="onnx").predict(["Проба"])
    assert np.isfinite(list(prediction.probabilities.values())).all()


@pytest.mark.parametrize("row", [[float("nan")] * 8, [0.0] * 8, [float("inf")] * 8, [1.0]])
def test_an_encoder_that_gives_no_vectors(tmp_path, make_artifact, row):
    folder = make_artifact(tmp_path / "a", "heads", encoders={BASE: Strange(row)})
    with pytest.raises(EncoderError, match=r"zero or not finite|instead of 8 each"):
        Predictor.load(folder, runtime="onnx")


@pytest.mark.parametrize("card", [{"max_tokens": -1}, {"positions": 0}, {"pad": 10**13}, {"width": 9}])
def test_an_encoder_of_absurd_sizes(tmp_path, make_artifact, card):
    folder = make_artifact(tmp_path / "a", "heads", encoders={BASE: Strange([1.0] * 8, **card)})
    with pytest.raises((EncoderError, ArtifactError)):
        Predictor.load(folder, runtime="onnx")


@pytest.mark.parametrize("task", list(Task))
def test_a_rule_whose_products_are_no_numbers(tmp_path, make_artifact, task):
    """Infinity less infinity: every number of the artifact is finite, the probabilities are not."""
    space = LabelSpace.of_size(3, single=task is Task.SINGLE_LABEL)
    rule = DecisionRule(space, np.full(3, 1e308), np.full(3, -1e308), np.full(3, 0.5))
    model = HeadsModel(np.full((3, 8), 1e200), np.full(3, 1e300))
    folder = make_artifact(
        tmp_path / "a", "heads", task, model=model, encoders={BASE: Strange([1.0] * 8)}, rule=rule
    )
    if task is Task.MULTI_LABEL:
        (prediction,) = Predictor.load(folder, runtime="onnx").predict(["Проба"])
        assert np.isfinite(list(prediction.probabilities.values())).all()
    else:
        with pytest.raises(ArtifactError, match=r"cannot classify: .*no finite probabilities"):
            Predictor.load(folder, runtime="onnx")


def test_a_text_without_finite_probabilities_is_refused_by_name(heads_artifact, hash_encoder):
    def encode(contents):
        vectors = hash_encoder.encode(contents)
        vectors[[content == "плохой" for content in contents]] = np.nan
        return vectors

    predictor = Predictor(read_artifact(heads_artifact), {BASE: encode})
    assert len(predictor.predict(["хороший", "другой"])) == 2
    with pytest.raises(DataError, match="text '1' gets no finite probabilities"):
        predictor.predict(["хороший", "плохой"])


@pytest.mark.parametrize("points", [7, [7], [{"precision": "high"}], {"a": []}])
def test_coverage_that_is_none(tmp_path, make_artifact, points):
    predictor = Predictor.load(make_artifact(tmp_path / "a", metrics={COVERAGE: points}))
    with pytest.raises(ArtifactError, match="no points of coverage"):
        predictor.certainty(0.9)
