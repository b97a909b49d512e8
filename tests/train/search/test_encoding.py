"""Training goes without an encoder that cannot be had, and says so."""

import numpy as np
import pytest

from rubricator.config import Config, Data
from rubricator.errors import EncoderError, MissingExtraError
from rubricator.progress import silent
from rubricator.train.search import encoding
from rubricator.train.search.encoding import encode_for_training
from rubricator.train.time_limit import TimeLimit


def config_of(*encoders: str, models: list[str] | str = "auto") -> Config:
    data = Data.model_validate({"files": ["a.csv"], "columns": {"body": "text"}})
    return Config(data=data, encode={"encoder": list(encoders)}, train={"models": models})


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch):
    """`work[name]` is what the encoder of that name raises; others advance by one of two texts, then two."""
    faults: dict[str, Exception] = {}

    def encode_texts(texts, config, *, encoder="base", progress):
        with progress("Encoding", total=2) as step:
            if encoder in faults:
                raise faults[encoder]
            step(1)
            step(1)
        return np.full((2, 3), len(encoder), dtype=np.float32)

    monkeypatch.setattr(encoding, "encode_texts", encode_texts)
    return faults


def go(config: Config, minutes: float | None = None):
    return encode_for_training([], config, TimeLimit(minutes), progress=silent)


def test_vectors_of_all_encoders_come_by_name(work) -> None:
    vectors = go(config_of("a", "b", "c"))
    assert vectors.first[0, 0] == len("base")
    assert {name: found[0, 0] for name, found in vectors.more.items()} == {"second": 6, "third": 5}
    assert vectors.notes == ()


@pytest.mark.parametrize(
    "fault",
    [
        MissingExtraError("nanouse", extra="train", purpose="The encoder 'b'"),
        EncoderError("The encoder 'b' cannot be exported: too new", fix="Choose another."),
    ],
)
def test_a_further_encoder_that_cannot_be_had_is_done_without(work, fault) -> None:
    work["second"] = fault
    vectors = go(config_of("a", "b", "c"))
    assert list(vectors.more) == ["third"], "names stay with their place in the config"
    (note,) = vectors.notes
    assert note.startswith("Training goes without the encoder 'b': The encoder 'b' ")
    assert note.endswith(f". {fault.fix}")
    assert ".." not in note


def test_the_first_encoder_must_be_there(work) -> None:
    work["base"] = EncoderError("There is none.")
    with pytest.raises(EncoderError, match="There is none"):
        go(config_of("a", "b"))


@pytest.mark.parametrize(("models", "first"), [("auto", False), (["heads"], True)])
def test_time_that_is_up_leaves_what_is_whole(work, models, first) -> None:
    vectors = go(config_of("a", "b", models=models), minutes=0)
    assert (vectors.first is not None) == first, "kinds that were named need the first"
    assert not vectors.more
    words = "without the encoder 'b': Encoding: the minutes were up" if first else "Only kinds without"
    assert words in " ".join(vectors.notes)
    assert "a longer `train.minutes` goes on from there" in " ".join(vectors.notes)


def test_linear_models_need_no_vectors(work) -> None:
    work["base"] = EncoderError("Nobody should ask.")
    vectors = go(config_of("a", "b", models=["linear"]))
    assert (vectors.first, dict(vectors.more), vectors.notes) == (None, {}, ())
