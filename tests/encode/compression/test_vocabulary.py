"""A trimmed vocabulary reads the texts it was trimmed for as before, and never loses a character."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from drawn_encoder import write_drawn

from rubricator.encode import Encoder
from rubricator.encode.card import read_card
from rubricator.encode.compression.vocabulary import pieces_of, trim_vocabulary
from rubricator.encode.runtimes import OnnxRuntime
from rubricator.errors import EncoderError

TEXTS = ["аб вг деж 12", "вгвг ab"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An encoder that sums two tables: one of pieces, one of ids by their remainder."""
    place = tmp_path / "whole"
    place.mkdir()
    return write_drawn(place)


def opened(place: Path) -> Encoder:
    return Encoder(read_card(place), OnnxRuntime(place / "encoder.onnx", threads=1), place)


def trimmed(folder: Path, texts: list[str]) -> Path:
    target = folder.with_name("trimmed")
    target.mkdir()
    trim_vocabulary(folder, read_card(folder), texts, target)
    return target


def test_texts_get_the_same_vectors_from_fewer_pieces(folder: Path) -> None:
    target = trimmed(folder, TEXTS)
    assert pieces_of(target) < pieces_of(folder)
    np.testing.assert_array_equal(opened(target).encode(TEXTS), opened(folder).encode(TEXTS))
    assert read_card(target).digest != read_card(folder).digest


def test_new_words_of_the_scripts_are_read_as_before_and_others_by_their_characters(folder: Path) -> None:
    whole, small = opened(folder), opened(trimmed(folder, TEXTS))
    new = ["деж аб", "зж 21"]
    np.testing.assert_array_equal(small.encode(new), whole.encode(new))
    # "あい" was one piece; its characters are still known.
    assert small.token_counts(["あい"])[0] == whole.token_counts(["あい"])[0] + 1
    assert {"あ", "い"} <= set(small._tokenizer.encode("あい").tokens)


def test_what_was_unknown_stays_unknown(folder: Path) -> None:
    whole, small = opened(folder), opened(trimmed(folder, TEXTS))
    np.testing.assert_array_equal(small.encode(["аб ☃ вг"]), whole.encode(["аб ☃ вг"]))


def test_a_vocabulary_of_merges_is_refused(folder: Path) -> None:
    write_drawn(folder, "BPE")
    with pytest.raises(EncoderError, match="BPE"):
        trimmed(folder, TEXTS)


def test_a_graph_without_a_table_is_refused(folder: Path) -> None:
    model = onnx.load(folder / "encoder.onnx")
    for node in model.graph.node:
        node.input[:] = ["attention_mask" if name == "input_ids" else name for name in node.input]
    onnx.save(model, folder / "encoder.onnx")
    with pytest.raises(EncoderError, match="no table"):
        trimmed(folder, TEXTS)
