"""A trimmed vocabulary reads the texts it was trimmed for as before, and never loses a character."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rubricator.encode import Encoder
from rubricator.encode.card import EncoderCard, read_card
from rubricator.encode.compression.vocabulary import pieces_of, trim_vocabulary
from rubricator.encode.runtimes import OnnxRuntime
from rubricator.errors import EncoderError

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
PIECES = [
    "▁",
    *"абвгдежз",
    *"abcdefgh",
    *"あいう",
    "▁аб",
    "вг",
    "деж",
    "▁ab",
    "cd",
    "efgh",
    "あい",
    "12",
    "1",
    "2",
    "<mask>",
]
TEXTS = ["аб вг деж 12", "вгвг ab"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An encoder that sums two tables: one of pieces, one of ids by their remainder."""
    place = tmp_path / "whole"
    place.mkdir()
    write(place, "Unigram")
    return place


def write(place: Path, kind: str) -> None:
    names = [*SPECIAL, *PIECES]
    unigram = [[name, 0.0 if name in SPECIAL else -2.0 - 0.01 * number] for number, name in enumerate(names)]
    unigram[-1][1] = 0.0
    model = {"type": "Unigram", "unk_id": 3, "vocab": unigram, "byte_fallback": False}
    if kind == "BPE":
        vocabulary = {name: number for number, name in enumerate(names)}
        model = {"type": "BPE", "vocab": vocabulary, "merges": [], "unk_token": "<unk>"}
    added = [
        {
            "id": names.index(name),
            "content": name,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for name in [*SPECIAL, "<mask>"]
    ]
    tokens = {name: {"id": name, "ids": [names.index(name)], "tokens": [name]} for name in ("<s>", "</s>")}
    single = [
        {"SpecialToken": {"id": "<s>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "</s>", "type_id": 0}},
    ]
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": single,
            "special_tokens": tokens,
        },
        "decoder": None,
        "model": model,
    }
    (place / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    generator = np.random.default_rng(5)
    initializers = [
        numpy_helper.from_array(generator.normal(size=(len(names) + 3, 6)).astype(np.float32), "table"),
        numpy_helper.from_array(generator.normal(size=(4, 6)).astype(np.float32), "remainders"),
        numpy_helper.from_array(np.array([4], dtype=np.int64), "four"),
        numpy_helper.from_array(np.array([-1], dtype=np.int64), "last"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "tokens"),
    ]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["pieces"]),
        helper.make_node("Mod", ["input_ids", "four"], ["remainder"]),
        helper.make_node("Gather", ["remainders", "remainder"], ["others"]),
        helper.make_node("Add", ["pieces", "others"], ["both"]),
        helper.make_node("Cast", ["attention_mask"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["weights", "last"], ["column"]),
        helper.make_node("Mul", ["both", "column"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "tokens"], ["vectors"], keepdims=0),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["a", "b"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["a", 6])]
    graph = helper.make_graph(nodes, "sums", inputs, outputs, initializers)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9),
        place / "encoder.onnx",
    )
    EncoderCard(
        name="sums", digest="d", width=6, positions=64, max_tokens=64, prefix="", pooling="none", pad=1
    ).write(place)


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
    write(folder, "BPE")
    with pytest.raises(EncoderError, match="BPE"):
        trimmed(folder, TEXTS)


def test_a_graph_without_a_table_is_refused(folder: Path) -> None:
    model = onnx.load(folder / "encoder.onnx")
    for node in model.graph.node:
        node.input[:] = ["attention_mask" if name == "input_ids" else name for name in node.input]
    onnx.save(model, folder / "encoder.onnx")
    with pytest.raises(EncoderError, match="no table"):
        trimmed(folder, TEXTS)
