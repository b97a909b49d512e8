"""Which encoders a teacher looks through."""

import logging
from types import SimpleNamespace

import pytest

from rubricator.config import Config
from rubricator.encode import usable
from rubricator.label.teachers import encoders

TEXTS = ["Паром ушёл", "Мост развели", "Порт закрыт"]


def config(*names):
    data = {"files": ["a.csv"], "columns": {"body": "text"}}
    return Config.model_validate({"data": data, "encode": {"encoder": list(names)}})


@pytest.fixture
def share(monkeypatch):
    """Encoders without files, each named by its settings; the second one knows so much of the texts."""
    shares = {}

    def cache(config, *, encoder, progress):
        del progress
        name = config.encodings[encoder].encoder
        return SimpleNamespace(
            encoder=SimpleNamespace(languages=name), fingerprint=f"{encoder} {name}", encode=len
        )

    monkeypatch.setattr(usable, "vector_cache", cache)
    monkeypatch.setattr(usable, "known_share", lambda _, languages: shares.get(languages, 1.0))
    return shares


def names(*written):
    return [one.name for one in encoders.teacher_encoders(TEXTS, config(*written))]


def test_all_encoders_of_the_config_take_part(share):
    assert names("first", "second") == ["first", "second"]


def test_one_that_does_not_know_the_language_is_left_out_and_named(share, caplog):
    share["second"] = 0.02
    with caplog.at_level(logging.WARNING):
        assert names("first", "second", "third") == ["first", "third"]
    assert "The encoder 'second' takes no part: it knows the language of 2% of the texts" in caplog.text


def test_the_first_takes_part_whatever_it_knows(share):
    share["first"] = 0.0
    assert names("first") == ["first"]


def test_names_differ_though_one_encoder_is_listed_twice(share):
    listed = ({"encoder": "first", "max_tokens": 64}, {"encoder": "first", "max_tokens": 128})
    assert names(*listed) == ["first", "first (second)"]
