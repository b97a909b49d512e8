from __future__ import annotations

import re

import httpx
import pytest

from rubricator.errors import ConfigError
from rubricator.serve import ServeSettings, add_key, create_app
from rubricator.serve.security.keys import key_digest, read_keys


@pytest.fixture
def keys(tmp_path):
    """A file with three keys, and the keys themselves."""
    path = tmp_path / "keys.yaml"
    secrets = {
        "desk": add_key(path, name="desk"),
        "slow": add_key(path, name="slow", rate="2/minute"),
        "boss": add_key(path, name="boss", admin=True),
    }
    return path, secrets


@pytest.fixture
def client(keys, predictor, run_app):
    app = create_app(predictor, keys=read_keys(keys[0]), settings=ServeSettings(max_body_bytes=1000))
    with run_app(app) as address, httpx.Client(base_url=address) as client:
        yield client


def ask(client, key=None, **headers):
    sent = headers | ({} if key is None else {"Authorization": f"Bearer {key}"})
    return client.post("/v1/classify", json={"text": "Роман"}, headers=sent)


def test_the_file_holds_hashes_only(keys):
    path, secrets = keys
    content = path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0
    for name, secret in secrets.items():
        assert len(secret) >= 43
        assert secret not in content
        assert key_digest(secret) in content
        assert name in content
    assert [(key.name, key.rate, key.admin) for key in read_keys(path)] == [
        ("desk", None, False),
        ("slow", "2/minute", False),
        ("boss", None, True),
    ]


def test_only_who_has_a_key_is_answered(client, keys):
    _, secrets = keys
    assert ask(client, secrets["desk"]).status_code == 200
    assert ask(client, **{"X-API-Key": secrets["desk"]}).status_code == 200
    for key in (None, secrets["desk"][:-1], key_digest(secrets["desk"]), "desk", secrets["desk"] + " x"):
        refused = ask(client, key)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer"), key
    assert ask(client, Authorization=f"Basic {secrets['desk']}").status_code == 401
    assert client.get("/v1/model").status_code == 401
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
    assert client.get("/v1/models", headers={"X-API-Key": secrets["desk"]}).status_code == 403
    # Without a registry there is nothing that an admin could promote.
    assert client.get("/v1/models", headers={"X-API-Key": secrets["boss"]}).status_code == 404


def test_what_is_refused_is_refused_before_its_body_is_read(client):
    big = client.post("/v1/classify", content=b"x" * 5000)
    assert big.status_code == 401


def test_each_key_has_a_rate_of_its_own(client, keys):
    _, secrets = keys
    assert [ask(client, secrets["slow"]).status_code for _ in range(3)] == [200, 200, 429]
    refused = ask(client, secrets["slow"])
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "2 per 1 minute" in refused.json()["detail"]
    assert [ask(client, secrets["desk"]).status_code for _ in range(4)] == [200] * 4
    assert 'dropped_requests_total{reason="rate"} 2.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds none"),
        ("- name: a\n", "sha256"),
        ("- {name: a, sha256: 12}\n", "sha256"),
        ("a: b\n", "list"),
        ("[", "line"),
        ("- {name: a, sha256: %s, rate: often}\n" % ("a" * 64), "no rate like 600/minute"),
        ("- {name: a, sha256: %s, rates: 5/minute}\n" % ("a" * 64), "rates"),
        (
            f"- {{name: a, sha256: {'a' * 64}}}\n" * 2,
            "several keys are called a",
        ),
    ],
)
def test_a_file_that_holds_no_keys_is_told_of(tmp_path, content, said):
    path = tmp_path / "keys.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        read_keys(path)


def test_there_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        read_keys(tmp_path / "none.yaml")


def test_a_name_is_given_once_and_a_rate_must_be_one(keys):
    path, _ = keys
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="called 'desk' already"):
        add_key(path, name="desk")
    with pytest.raises(ConfigError, match="no rate like"):
        add_key(path, name="other", rate="много")
    assert path.read_bytes() == before


def test_every_answer_has_safe_headers_and_an_id(client, keys):
    for response in (
        ask(client, keys[1]["desk"], **{"X-Request-Id": "req-7.a"}),
        ask(client, **{"X-Request-Id": "req-7.a"}),
        client.get("/nothing", headers={"X-Request-Id": "req-7.a"}),
    ):
        assert response.headers["X-Request-Id"] == "req-7.a"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in response.headers
    for strange in ("a b", "x" * 200, "<script>", ""):
        named = client.get("/healthz", headers={"X-Request-Id": strange}).headers["X-Request-Id"]
        assert re.fullmatch("[0-9a-f]{32}", named)
