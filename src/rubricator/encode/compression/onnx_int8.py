"""Eight bits for ONNX Runtime: weights when it is exported, activations batch by batch."""

from __future__ import annotations

from pathlib import Path

from rubricator.encode.compression.onnx_graph import read_graph, widen
from rubricator.encode.quiet import quiet


def quantize_for_onnx(graph: Path, target: Path) -> None:
    """Write `graph` with its matrix products in 8 bits (dynamic quantisation) to `target`.

    Weights are unsigned, with a scale per column: signed ones overflow on processors without VNNI.

    Raises:
        MissingExtraError: onnx is not installed.
        EncoderError: The graph cannot be read.
    """
    model = read_graph(graph, purpose="An encoder in 8 bits")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    widen(model)
    with quiet(""):  # its advice goes to the root of all logs
        quantize_dynamic(
            model,
            target,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QUInt8,
            extra_options={"MatMulConstBOnly": True},
        )
