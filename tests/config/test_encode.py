"""One encoder or several in the section `encode`."""

from pathlib import Path

import pytest

from rubricator.config import Config, Encode
from rubricator.config.read import build_config
from rubricator.errors import ConfigError


def config_of(encode: dict, folder: Path = Path()) -> Config:
    data = {"files": ["a.csv"], "columns": {"body": "text"}}
    return build_config({"data": data, "encode": encode}, folder=folder, where="rubricator.yaml")


def test_a_single_encoder_is_the_base() -> None:
    config = config_of({"encoder": "bundled", "prefix": "query: ", "max_tokens": 64})
    assert config.encodings == {"base": Encode(prefix="query: ", max_tokens=64)}
    assert config.encoding == config.encodings["base"]
    assert config.encode.model_dump_json() == config.encoding.model_dump_json()


def test_what_a_listed_encoder_leaves_out_is_as_in_the_section() -> None:
    listed = ["bundled", {"encoder": "some/model", "prefix": "", "threads": 0}, "other/model"]
    config = config_of({"encoder": listed, "prefix": "query: ", "max_tokens": 64, "threads": 3})
    assert list(config.encodings) == ["base", "second", "third"]
    assert config.encodings["base"] == Encode(prefix="query: ", max_tokens=64, threads=3)
    assert config.encodings["second"] == Encode(encoder="some/model", prefix="", max_tokens=64)
    assert config.encodings["third"].prefix == "query: "
    assert config.encoding == config.encodings["base"]


def test_a_config_with_several_encoders_says_the_same_after_it_was_written() -> None:
    config = config_of({"encoder": ["bundled", {"encoder": "bundled", "max_tokens": 32}], "max_tokens": 100})
    again = config_of(config.encode.model_dump(mode="json"))
    assert again.encodings == config.encodings


def test_places_of_every_encoder_start_at_the_folder_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    config = config_of({"encoder": ["bundled", {"encoder": "mine", "cache": "kept"}]}, tmp_path)
    assert config.encodings["second"].encoder == str(tmp_path / "mine")
    assert config.encodings["second"].cache == str(tmp_path / "kept")
    assert config.encode.written(["second", "base"]) == "mine and bundled", "as it was written"
    assert config.encode.written(["finetune"]) == "bundled", "that is what was trained further"


@pytest.mark.parametrize(
    ("encode", "said"),
    [
        ({"encoder": []}, "encode.encoder: name one to 4 encoders; the list has 0"),
        ({"encoder": ["a", "b", "c", "d", "e"]}, "the list has 5"),
        ({"encoder": 7}, "encode.encoder: name an encoder, or list several"),
        ({"encoder": {"encoder": "a"}}, "encode.encoder: name an encoder, or list several"),
        ({"encoder": ["a", 7]}, "encode.encoder.1: a name or a mapping"),
        ({"encoder": ["a", ""]}, "encode.encoder.1.encoder"),
        ({"encoder": ["a", {"prefix": "x"}]}, "encode.encoder.1.encoder: is required"),
        (
            {"encoder": ["a", {"encoder": "b", "max_token": 9}]},
            r"encode.encoder.1.max_token: unknown key \(did you mean 'max_tokens'\?\)",
        ),
        ({"encoder": ["a", {"encoder": "b", "max_tokens": 2}]}, "encode.encoder.1.max_tokens"),
        ({"encoder": ["a", "a"]}, "lists 'a' twice with the same prefix and max_tokens"),
        ({"encoder": ["a", {"encoder": "a", "max_tokens": 256, "batch": 8}]}, "lists 'a' twice"),
    ],
)
def test_lists_that_make_no_sense_are_refused_in_words(encode: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        config_of(encode)
    assert "1 fault" in caught.value.problem
