from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import ConfigError
from rubricator.masking import masked, masked_settings, secrets_of, without


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ann:hunter2@host/v1", "https://***@host/v1"),
        ("https://ann@host/v1", "https://***@host/v1"),
        ("postgresql+psycopg://ann:p@ss/wo:rd@db/answers", "postgresql+psycopg://***@db/answers"),
        ("asked http://a:b@h/v1, then stopped", "asked http://***@h/v1, then stopped"),
        ("${URL:-http://ann:hunter2@host}", "${URL:-http://***@host}"),
        ("https://host/v1?model=m&api_key=hunter2&x=1", "https://host/v1?model=m&api_key=***&x=1"),
        ("postgresql://db/x?password=hunter2", "postgresql://db/x?password=***"),
        ("https://host:8000/v1 and ann@example.org", "https://host:8000/v1 and ann@example.org"),
        ("max_tokens=5 key=sport", "max_tokens=5 key=sport"),
    ],
)
def test_addresses_lose_users_passwords_and_secret_parameters(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(shown) == shown
    assert ConfigError(text, fix=text).problem == shown
    assert str(ConfigError(text, fix=text)).count(shown) == 2


@given(user=st.text(st.characters(exclude_categories=["Z", "C"])), host=st.from_regex(r"\A[a-z]{1,9}\Z"))
def test_no_password_is_shown_whatever_its_signs(user: str, host: str) -> None:
    assert masked(f"see http://{user}@{host}/v1 .") == f"see http://***@{host}/v1 ."


@given(password=st.text(min_size=1).filter(lambda text: "@" not in text))
def test_an_address_alone_may_hold_blanks_too(password: str) -> None:
    assert masked_settings(f"http://ann:{password}@host") == "http://***@host"


def test_settings_lose_what_is_secret_by_its_key() -> None:
    settings = {
        "label": {
            "store": "postgresql://ann:hunter2@db/x",
            "teachers": [
                {
                    "engine": {
                        "key": "hunter2",
                        "model": "m",
                        "extra": {
                            "reasoning": {"effort": "hunter2"},
                            "stop": ["hunter2"],
                            "temperature": 0.2,
                            "top_k": 4,
                            "api_key": 12345678,
                            "stream": False,
                        },
                    },
                    "aliases": {"key": "sport"},
                    "max_text_tokens": 512,
                }
            ],
        },
        "password": ["hunter2", None],
    }
    shown = masked_settings(settings)
    assert "hunter2" not in str(shown)
    assert "12345678" not in str(shown)
    (teacher,) = shown["label"]["teachers"]
    assert teacher["max_text_tokens"] == 512
    assert teacher["aliases"] == {"key": "sport"}
    assert teacher["engine"]["model"] == "m"
    extra = teacher["engine"]["extra"]
    assert (extra["temperature"], extra["top_k"], extra["stream"]) == (0.2, 4, False)
    assert shown["password"] == ["***", None]


def test_long_secrets_are_masked_in_replies_and_ordinary_words_stay() -> None:
    engine = {
        "url": "http://ann:pass%20word%21@host/v1",
        "extra": {"api_key": "in-the-body-1", "effort": "low-as-can-be", "token": "none"},
    }
    secrets = list(secrets_of(engine, ("engine",)))
    assert sorted(secrets) == ["in-the-body-1", "pass word!", "pass%20word%21"]
    reply = {"choices": [{"text": "pass word! none low-as-can-be", "logprobs": None}], "n": 1}
    assert without(secrets, reply) == {
        "choices": [{"text": "*** none low-as-can-be", "logprobs": None}],
        "n": 1,
    }
