"""Exported graphs as ONNX has them: read, taken apart and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rubricator.errors import EncoderError, MissingExtraError


def read_graph(path: Path, *, purpose: str) -> Any:
    """The model in an ONNX file.

    Raises:
        MissingExtraError: onnx is not installed.
        EncoderError: The file is none.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise MissingExtraError("onnx", extra="export", purpose=purpose) from error
    try:
        return onnx.load(path)
    except (OSError, DecodeError) as error:
        raise EncoderError(f"{path} is no ONNX graph: {error}.", fix="Export the encoder again.") from error


def widen(model: Any) -> None:
    """Put weights that are stored as halves, and cast when the file is loaded, back in single precision."""
    from onnx import TensorProto, numpy_helper

    halves = {one.name: one for one in model.graph.initializer if one.data_type == TensorProto.FLOAT16}
    others = []
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in halves:
            whole = numpy_helper.to_array(halves[node.input[0]]).astype(np.float32)
            halves[node.input[0]].CopyFrom(numpy_helper.from_array(whole, node.output[0]))
        else:
            others.append(node)
    del model.graph.node[:]
    model.graph.node.extend(others)
