"""Training goes without an encoder that is not usable or has no time left, and says so."""

from types import SimpleNamespace

import numpy as np
import pytest

from rubricator.config import Config, Data
from rubricator.encode.usable import UsableEncoders
from rubricator.errors import EncoderError
from rubricator.progress import silent
from rubricator.taxonomy import Category, Taxonomy
from rubricator.train.search import encoding
from rubricator.train.search.encoding import encode_for_training
from rubricator.train.time_limit import TimeLimit

TAXONOMY = Taxonomy(
    task="single-label",
    categories=[
        Category(key="sea", name="Море", description="шторм, маяки"),
        Category(key="rail", name="Рельсы", description="вокзалы"),
    ],
)


def config_of(*encoders: str, models: list[str] | str = "auto") -> Config:
    data = Data.model_validate({"files": ["a.csv"], "columns": {"body": "text"}})
    return Config(data=data, encode={"encoder": list(encoders)}, train={"models": models})


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch):
    """Names of encoders that are not usable; those that are advance by one of two texts, then two."""
    names: dict[str, str] = {}

    def usable(contents, config, *, progress):
        del contents, progress
        if "base" in names:
            raise EncoderError(names["base"])
        caches = {name: cache(name) for name in config.encodings if name not in names}
        return UsableEncoders(caches, tuple(names.values()))

    def cache(name):
        def encode(pieces, progress=silent):
            del progress
            return np.array([[len(piece), len(name), 1] for piece in pieces], dtype=np.float32)

        return SimpleNamespace(encode=encode)

    def encode_texts(texts, config, *, encoder, progress):
        del texts, config
        with progress("Encoding", total=2) as step:
            step(1)
            step(1)
        return np.full((2, 3), len(encoder), dtype=np.float32)

    monkeypatch.setattr(encoding, "encode_texts", encode_texts)
    monkeypatch.setattr(encoding, "usable_encoders", usable)
    return names


def go(config: Config, minutes: float | None = None):
    return encode_for_training([], TAXONOMY, config, TimeLimit(minutes), progress=silent)


def test_vectors_and_directions_of_all_encoders_come_by_name(left_out) -> None:
    vectors = go(config_of("a", "b", "c"))
    assert vectors.first[0, 0] == len("base")
    assert {name: found[0, 0] for name, found in vectors.more.items()} == {"second": 6, "third": 5}
    assert list(vectors.described) == ["base", "second", "third"]
    # "Море", "шторм" and "маяки" against "Рельсы" and "вокзалы", seen from the middle
    np.testing.assert_allclose(vectors.described["second"][:, 0], [14 / 3 / 2 - 3.25, 3.25 - 14 / 3 / 2])
    assert vectors.notes == ()


def test_an_encoder_that_is_not_usable_is_done_without(left_out) -> None:
    left_out["second"] = "The encoder 'b' takes no part: it knows the language of 3% of the texts."
    vectors = go(config_of("a", "b", "c"))
    assert list(vectors.more) == ["third"], "names stay with their place in the config"
    assert list(vectors.described) == ["base", "third"]
    assert vectors.notes == (left_out["second"],)


def test_the_first_encoder_must_be_there(left_out) -> None:
    left_out["base"] = "There is none."
    with pytest.raises(EncoderError, match="There is none"):
        go(config_of("a", "b"))


@pytest.mark.parametrize(("models", "first"), [("auto", False), (["heads"], True)])
def test_time_that_is_up_leaves_what_is_whole(left_out, models, first) -> None:
    vectors = go(config_of("a", "b", models=models), minutes=0)
    assert (vectors.first is not None) == first, "kinds that were named need the first"
    assert not vectors.more
    assert list(vectors.described) == (["base"] if first else [])
    words = "without the encoder 'b': Encoding: the minutes were up" if first else "Only kinds without"
    assert words in " ".join(vectors.notes)
    assert "a longer `train.minutes` goes on from there" in " ".join(vectors.notes)


def test_linear_models_need_no_vectors(left_out) -> None:
    left_out["base"] = "Nobody should ask."
    vectors = go(config_of("a", "b", models=["linear"]))
    assert (vectors.first, dict(vectors.more), vectors.notes) == (None, {}, ())
