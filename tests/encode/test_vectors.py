"""Vectors by each encoder of a config."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from rubricator import encode
from rubricator.config import Config, Data
from rubricator.encode import encoder, open_encoder, open_named
from rubricator.encode.vectors import encode_by_each, encode_texts
from rubricator.errors import EncoderError
from rubricator.records import Text

TEXTS = [Text(id="1", body="", content="рысь ушла в лес"), Text(id="2", body="", content="лодка у причала")]


@pytest.fixture
def two(tiny) -> Config:
    """A config that cuts texts off at two lengths."""
    listed = [{"encoder": str(tiny.model)}, {"encoder": str(tiny.model), "max_tokens": 8, "prefix": "до "}]
    data = Data.model_validate({"files": ["a.csv"], "columns": {"body": "text"}})
    return Config(data=data, encode={**tiny.options(encoder=listed), "max_tokens": 30})


def test_every_encoder_has_vectors_of_its_own_kept_in_the_cache(two, monkeypatch) -> None:
    vectors = encode_by_each(TEXTS, two, two.encodings)
    assert list(vectors) == ["base", "second"]
    for name, settings in two.encodings.items():
        alone = open_encoder(settings).encode([text.content for text in TEXTS])
        np.testing.assert_allclose(vectors[name], alone, atol=1e-6)
    assert not np.allclose(vectors["base"], vectors["second"])
    monkeypatch.setattr(encode.Encoder, "encode", None)
    np.testing.assert_array_equal(encode_texts(TEXTS, two, encoder="second"), vectors["second"])


def test_progress_says_which_of_several_is_at_work(two, tiny) -> None:
    shown: list[str] = []

    @contextmanager
    def progress(description: str, *, total: int | None) -> Iterator:
        shown.append(description)
        yield lambda *_: None

    encode_by_each(TEXTS, two, two.encodings, progress=progress)
    assert shown == ["Encoding texts, encoder 1 of 2", "Encoding texts, encoder 2 of 2"]
    shown.clear()
    encode_texts(TEXTS, two.model_copy(update={"encode": two.encode.first}), progress=progress)
    assert shown == ["Encoding texts"]


def test_four_encoders_stay_open_at_once(two, tiny) -> None:
    listed = [{"encoder": str(tiny.model), "max_tokens": tokens} for tokens in (10, 11, 12, 13)]
    config = two.model_copy(update={"encode": type(two.encode)(**tiny.options(encoder=listed))})
    encoder._started.cache_clear()
    first, again = (open_named(config.encodings, {}, config) for _ in range(2))
    assert all(first[name] is again[name] for name in ("base", "second", "third", "fourth"))


def test_encoders_come_by_the_names_that_a_model_has_for_them(two, tiny, tmp_path) -> None:
    left = tmp_path / "finetune"
    left.mkdir()
    open_encoder(two.encodings["second"]).save(left)
    opened = open_named(["second", "finetune"], {"finetune": left}, two)
    assert list(opened) == ["second", "finetune"]
    assert all(one.describe()["max_tokens"] == 8 for one in opened.values())
    with pytest.raises(EncoderError, match=r"looks through the encoder 'third'.* has only base, second"):
        open_named(["third"], {}, two)
