"""Eight bits for OpenVINO, with an accuracy that is kept: NNCF puts back the layers that cost too much."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from rubricator.encode.card import GRAPH_FILE, OPENVINO_FILE, Precision
from rubricator.encode.encoder import Encoder
from rubricator.encode.quiet import quiet
from rubricator.encode.runtimes import Batch, Ids
from rubricator.errors import EncoderError, MissingExtraError
from rubricator.progress import Advance
from rubricator.stats.arrays import Vectors

Judge = Callable[[Vectors], float]
"""How good unit vectors of the validation texts are, [texts, width]; more is better."""

_PURPOSE = "An encoder in 8 bits for OpenVINO"
_MOST_LAYERS = 24  # put back one by one, each time with a whole validation
_CALIBRATION_TOKENS = 64


def quantize_for_openvino(
    encoder: Encoder,
    folder: Path,
    *,
    calibration: Sequence[str],
    validation: Sequence[str],
    judge: Judge,
    max_drop: float,
    advance: Advance,
) -> None:
    """Write the graph of an encoder in 8 bits into `folder`, as `encoder.xml` and `encoder.bin`.

    Ranges of activations come from the `calibration` texts. Where `judge` says of the `validation` texts that
    more than `max_drop` is lost, layers go back to full precision, those first whose vectors suffer most, at
    most 24 of them (`nncf.quantize_with_accuracy_control`). `advance` counts texts that were computed; how
    many these will be nobody knows.

    Raises:
        MissingExtraError: nncf is not installed.
        EncoderError: The graph cannot be put in 8 bits.
    """
    nncf = _nncf()
    import openvino

    model = openvino.Core().read_model(encoder.folder / GRAPH_FILE)
    items = [{"input_ids": ids, "attention_mask": mask} for ids, mask in _one_by_one(encoder, calibration)]

    def calibrate(item: dict[str, Ids]) -> dict[str, Ids]:
        advance(1)
        return item

    def validate(compiled: Any, rows: Iterable[int]) -> tuple[float, list[list[Vectors]]]:
        chosen = list(rows)
        computed = Encoder(encoder.card, _Compiled(compiled), encoder.folder)
        vectors = computed.encode([validation[row] for row in chosen])
        advance(len(chosen))
        # Layers are ranked on some of the texts, by the vectors alone.
        score = judge(vectors) if len(chosen) == len(validation) else 0.0
        return score, [[vector] for vector in vectors]

    with _silence():
        try:
            quantized = nncf.quantize_with_accuracy_control(
                model,
                nncf.Dataset(items, calibrate),
                nncf.Dataset(list(range(len(validation)))),
                validate,
                max_drop=max_drop,
                drop_type=nncf.DropType.ABSOLUTE,
                model_type=nncf.ModelType.TRANSFORMER,
                subset_size=len(items),
                advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
                    max_num_iterations=_MOST_LAYERS, ranking_subset_size=min(32, len(validation))
                ),
            )
        except (RuntimeError, ValueError, nncf.ValidationError, nncf.InternalError) as error:
            raise EncoderError(
                f"The encoder '{encoder.card.name}' cannot be put in 8 bits for OpenVINO: {error}",
                fix="Choose another precision, or the runtime `onnx`.",
            ) from error
    try:
        openvino.save_model(quantized, folder / OPENVINO_FILE, compress_to_fp16=True)
    except RuntimeError as error:  # also where the disk is full
        raise EncoderError(
            f"{folder / OPENVINO_FILE} cannot be written: {str(error).strip().splitlines()[-1]}",
            fix="Free space on the disk.",
        ) from error


def _nncf() -> Any:
    try:
        import nncf
    except ImportError as error:
        raise MissingExtraError("nncf", extra="export", purpose=_PURPOSE) from error
    return nncf


def _one_by_one(encoder: Encoder, contents: Sequence[str]) -> Iterator[Batch]:
    """Each text alone, and of a long one the beginning: what follows takes time and widens no range."""
    for text in contents:
        for ids, mask in encoder.batches([text]):
            yield ids[:, :_CALIBRATION_TOKENS], mask[:, :_CALIBRATION_TOKENS]


@contextmanager
def _silence() -> Iterator[None]:
    """No bars, no log, and no word about it to the makers of NNCF.

    `nncf.set_log_level` would also change the level of handlers that are not its own.
    """
    from nncf.telemetry import decorator
    from nncf.telemetry.wrapper import NNCFTelemetryStub

    reporting = decorator.telemetry
    decorator.telemetry = NNCFTelemetryStub()
    try:
        with quiet("nncf"), redirect_stdout(io.StringIO()):
            yield
    finally:
        decorator.telemetry = reporting


class _Compiled:
    """A graph on its way to 8 bits, as a runtime."""

    name = "openvino"
    precision: Precision = "int8"

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()

    def run(self, batches: Iterable[Batch]) -> Iterator[Vectors]:
        for ids, mask in batches:
            self._request.infer({"input_ids": ids, "attention_mask": mask})
            yield np.array(self._request.get_output_tensor(0).data, dtype=np.float32)
