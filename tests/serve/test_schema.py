"""Schemathesis tries whatever the published schema allows and forbids, against a running server."""

from __future__ import annotations

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core import NotSet
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from rubricator.artifact import ModelRegistry
from rubricator.serve import create_app
from rubricator.serve.security.keys import ApiKey, key_digest

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    positive_data_acceptance,
]


KEY = "boss-key"
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def api(predictor, linear_artifact, run_app, tmp_path_factory):
    """The whole service: with keys, and a registry for admins."""
    registry = ModelRegistry(tmp_path_factory.mktemp("fuzzed") / "models")
    registry.promote(registry.add(linear_artifact).identifier)
    keys = [ApiKey(name="boss", sha256=key_digest(KEY), admin=True)]
    with run_app(create_app(predictor, registry=registry, keys=keys)) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


@pytest.fixture(scope="module")
def request_schema(api):
    components = api.raw_schema["components"]
    return jsonschema_rs.Draft202012Validator(
        {"$ref": "#/components/schemas/ClassifyRequest", "components": components}
    )


def test_every_path_is_in_the_schema(api):
    found = {(operation.ok().method.upper(), operation.ok().path) for operation in api.get_all_operations()}
    assert found == {
        ("POST", "/v1/classify"),
        ("GET", "/v1/model"),
        ("GET", "/v1/categories"),
        ("GET", "/v1/models"),
        ("POST", "/v1/models/promote"),
        ("POST", "/v1/models/rollback"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
    }


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("number", range(4))
def test_classify_keeps_to_the_schema(api, request_schema, mode, number):
    operation = api["/v1/classify"]["POST"]

    @seed(number)
    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        # Schemathesis knows few of Unicode's letters and marks; it takes some texts of others for blank.
        fits = not isinstance(case.body, bytes | NotSet) and request_schema.is_valid(case.body)
        kept = [check for check in CHECKS if check is not negative_data_rejection or not fits]
        case.call_and_validate(checks=kept, headers=BEARER)

    check()


@pytest.mark.parametrize("path", ["/v1/models/promote", "/v1/models/rollback"])
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_what_admins_change_keeps_to_the_schema(api, path, mode):
    operation = api[path]["POST"]

    @seed(1)
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        case.call_and_validate(checks=CHECKS, headers=BEARER)

    check()


def test_without_a_key_nothing_but_401_comes_back(api):
    operation = api["/v1/classify"]["POST"]

    @seed(2)
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def check(case):
        case.headers.pop("Authorization", None)
        assert case.call().status_code == 401

    check()


@pytest.mark.parametrize(
    "path", ["/v1/model", "/v1/categories", "/v1/models", "/healthz", "/readyz", "/metrics"]
)
def test_information_keeps_to_the_schema(api, path):
    operation = api[path]["GET"]

    @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), _=st.none())
    def check(case, _):
        case.call_and_validate(checks=CHECKS, headers=BEARER)

    check()


@pytest.mark.parametrize(
    "body",
    [
        {"text": "¹"},
        {"text": {"title": None, "body": "a"}},
        {"text": {"title": "a", "body": None}},
        {"text": {"id": 7.0, "body": "a"}},
        {"text": {"body": "a", "features": {"n": 10**400, "m": None}}},
        {"texts": ["a"] * 256},
        {"text": "\u200b"},
        {"text": "\u3164 \u00a0"},
        {"text": {"title": None, "body": None}},
        {"text": {"title": "\ue000"}},
        {"text": {"body": "a", "id": 7.5}},
        {"text": {"body": "a", "id": 10**31}},
        {"text": {"body": "a", "features": {str(number): 1 for number in range(1001)}}},
        {"texts": ["a"] * 257},
        {"text": "a", "thresholds": 0.5, "top_k": 1.0},
        {"text": "a", "thresholds": {"sport": 1}},
        {"text": "a", "thresholds": None, "top_k": None},
        {"text": "a", "thresholds": {"weather": 1}},
        {"text": "a", "thresholds": 2},
        {"text": "a", "top_k": 0},
        {"text": "a", "top_k": 1.5},
        {"text": "a" * 2001},
        {"text": {"title": "a" * 2001}},
    ],
)
def test_the_schema_allows_what_the_service_takes(api, request_schema, body):
    response = api["/v1/classify"]["POST"].Case(body=body, media_type="application/json").call(headers=BEARER)
    assert (response.status_code == 200) == request_schema.is_valid(body), response.text
