"""An encoder drawn by hand: two tables, summed and sent through two layers. Made at once, without torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rubricator.encode.card import EncoderCard

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


def write_drawn(place: Path, kind: str = "Unigram", *, width: int = 32) -> Path:
    """Write the folder of an exported encoder; its second table is looked up by the remainders of ids."""
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
        numpy_helper.from_array(generator.normal(size=(len(names) + 3, width)).astype(np.float32), "table"),
        numpy_helper.from_array(generator.normal(size=(4, width)).astype(np.float32), "remainders"),
        numpy_helper.from_array(generator.normal(size=(width, width)).astype(np.float32) / 4, "first"),
        numpy_helper.from_array(generator.normal(size=(width, width)).astype(np.float32) / 4, "second"),
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
        helper.make_node("ReduceSum", ["weighted", "tokens"], ["summed"], keepdims=0),
        helper.make_node("MatMul", ["summed", "first"], ["hidden"]),
        helper.make_node("Tanh", ["hidden"], ["bent"]),
        helper.make_node("MatMul", ["bent", "second"], ["vectors"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["a", "b"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["a", width])]
    graph = helper.make_graph(nodes, "sums", inputs, outputs, initializers)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9),
        place / "encoder.onnx",
    )
    EncoderCard(
        name="sums", digest="d", width=width, positions=64, max_tokens=64, prefix="", pooling="none", pad=1
    ).write(place)
    return place
