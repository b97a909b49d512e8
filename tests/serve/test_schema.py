"""Schemathesis tries whatever the published schema allows and forbids, against a running server."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from rubricator.serve import create_app

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def api(predictor, run_app):
    with run_app(create_app(predictor)) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


@pytest.mark.slow
def test_every_path_is_in_the_schema(api):
    found = {(operation.ok().method.upper(), operation.ok().path) for operation in api.get_all_operations()}
    assert found == {
        ("POST", "/v1/classify"),
        ("GET", "/v1/model"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_classify_keeps_to_the_schema(api, mode):
    operation = api["/v1/classify"]["POST"]

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        case.call_and_validate(checks=CHECKS)

    check()


@pytest.mark.parametrize("path", ["/v1/model", "/healthz", "/readyz", "/metrics"])
def test_information_keeps_to_the_schema(api, path):
    operation = api[path]["GET"]

    @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), _=st.none())
    def check(case, _):
        case.call_and_validate(checks=CHECKS)

    check()
