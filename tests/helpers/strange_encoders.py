"""Encoder folders whose files fit together and whose graph computes what no encoder should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rubricator.encode.card import EncoderCard

CARD = EncoderCard(
    name="strange", digest="0" * 32, width=8, positions=32, max_tokens=32, prefix="", pooling="mean", pad=1
)


def write_strange(folder: Path, row: list[float], *, rows: str = "n") -> Path:
    """Write an encoder that gives every text the vector `row` times its number of tokens."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, pre_tokenizers

    ids, mask = (
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "tokens"])
        for name in ("input_ids", "attention_mask")
    )
    nodes = [
        # Both inputs must be used: a runtime may drop one that is not.
        helper.make_node("Mul", ["input_ids", "zero"], ["nothing"]),
        helper.make_node("Add", ["attention_mask", "nothing"], ["marks"]),
        helper.make_node("Cast", ["marks"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["numbers", "axis"], ["sums"], keepdims=1),
        helper.make_node("MatMul", ["sums", "row"], ["vectors"]),
    ]
    constants = {
        "zero": np.array(0, dtype=np.int64),
        "axis": np.array([1], dtype=np.int64),
        "row": np.array([row], dtype=np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "strange",
        [ids, mask],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [rows, len(row)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "encoder.onnx")
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "<pad>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    CARD.write(folder)
    return folder
