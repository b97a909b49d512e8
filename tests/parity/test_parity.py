"""What was trained, what was exported and what is served say the same."""

import json
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import COMMAND, rubricator

from rubricator import Rubricator
from rubricator.config import read_config
from rubricator.recipes import files
from rubricator.recipes.label import read_labelled
from rubricator.recipes.road import material_of
from rubricator.recipes.vectors import encode_texts
from rubricator.train.model import fit
from rubricator.recipes.trained import read_trained
from rubricator.predict import Predictor
from rubricator.taxonomy import Taxonomy

TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def predictor(news_run: Path) -> Predictor:
    return Rubricator.load(news_run / "runs/news/artifact")


def test_the_artifact_predicts_what_the_training_object_predicts(news_run: Path, predictor: Predictor) -> None:
    config = read_config(news_run / "examples/news/rubricator.yaml")
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    run = news_run / "runs/news"
    prepared, division = files.read_prepared(run), files.read_division(run)
    labelled = read_labelled(run, prepared, taxonomy)
    road, _ = read_trained(run)
    material = material_of(prepared, division, labelled, encode_texts(prepared.texts, config))
    trained = retrained(material, labelled.targets, road, config)
    rule = road.rules[road.choice.name]
    expected = rule.probabilities(trained.logits(material.examples))
    found = predictor.probabilities(prepared.texts)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    clear = np.abs(expected - rule.threshold) > TOLERANCE
    assert (rule.decide(found) == rule.decide(expected))[clear].all()
