"""Which model of a two-speed artifact answered: in every answer, and counted."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from small_artifacts import HashEncoder
from small_two_speed import CONTENTS, THRESHOLD, two_speed

from rubricator.artifact import read_artifact
from rubricator.client import Client
from rubricator.dataset.inputs import BASE
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.two_speed import REST, STUDENT
from rubricator.predict import Predictor
from rubricator.serve import create_app


@pytest.fixture(scope="module")
def quick(make_artifact, tmp_path_factory):
    rule = DecisionRule.identity(LabelSpace.of_size(3, single=False))
    folder = make_artifact(
        tmp_path_factory.mktemp("two") / "artifact",
        "twospeed",
        model=two_speed(single=False),
        rule=replace(rule, threshold=THRESHOLD),
    )
    return Predictor(read_artifact(folder), {BASE: HashEncoder().encode})


def test_answers_and_figures_name_the_model_that_answered(quick, run_app):
    routes = [one.route for one in quick.predict(CONTENTS)]
    assert set(routes) == {STUDENT, REST}
    with run_app(create_app(quick)) as address, httpx.Client(base_url=address) as client:
        answer = client.post("/v1/classify", json={"texts": CONTENTS}).json()
        assert [one["route"] for one in answer["predictions"]] == routes
        with Client(address) as typed:
            assert [one.route for one in typed.classify(CONTENTS)] == routes
        figures = client.get("/metrics").text
    for name in (STUDENT, REST):
        assert f'rubricator_routes_total{{route="{name}"}} {2.0 * routes.count(name)}' in figures


def test_artifacts_with_one_way_say_nothing_of_it(predictor, run_app):
    with run_app(create_app(predictor)) as address, httpx.Client(base_url=address) as client:
        (one,) = client.post("/v1/classify", json={"text": "Роман"}).json()["predictions"]
        assert "route" not in one
        assert "rubricator_routes_total{" not in client.get("/metrics").text
