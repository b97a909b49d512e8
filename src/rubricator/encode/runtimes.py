"""What computes an encoder: OpenVINO, ONNX Runtime or torch, behind one Protocol."""

from __future__ import annotations

import importlib.util
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rubricator.encode.card import GRAPH_FILE, OPENVINO_FILE, EncoderCard, Precision
from rubricator.errors import EncoderError, MissingExtraError
from rubricator.stats.arrays import Vectors

if TYPE_CHECKING:
    from rubricator.encode.source import EncoderSource

Name = Literal["openvino", "onnx", "torch"]
Ids = NDArray[np.int64]
Batch = tuple[Ids, Ids]
"""Ids and mask, shape [texts, tokens]."""
_AHEAD = 4
"""Batches handed over per processor: answers come in order, and a long one must not leave others idle."""
TITLES: Mapping[str, str] = {"openvino": "OpenVINO", "onnx": "ONNX Runtime", "torch": "torch"}
"""What the runtimes are called in sentences and tables."""
_log = logging.getLogger(__name__)


class Runtime(Protocol):
    """Computes vectors from token ids."""

    @property
    def name(self) -> str:
        """`openvino`, `onnx` or `torch`."""

    @property
    def precision(self) -> Precision:
        """What it computes in; vectors are always float32."""

    def run(self, batches: Iterable[Batch]) -> Iterator[Vectors]:
        """Vectors [texts, width] of each batch, in the order of the batches."""


@dataclass(frozen=True, slots=True)
class RuntimeChoice:
    """What will compute, and why, as a sentence."""

    name: Name
    precision: Precision
    reason: str


def choose_runtime(
    wanted: Literal["auto", "openvino", "onnx", "torch"] = "auto",
    precision: Literal["auto", "bf16", "fp32"] = "auto",
) -> RuntimeChoice:
    """Choose the quickest runtime that is here, or check the one that was asked for.

    Raises:
        EncoderError: The processor or the runtime cannot do what was asked.
        MissingExtraError: torch was asked for and is not installed.
    """
    if wanted == "torch":
        return _choose_torch(precision)
    has_openvino = importlib.util.find_spec("openvino") is not None
    if wanted == "openvino" and not has_openvino:
        raise EncoderError(
            "OpenVINO is not installed.", fix="pip install openvino, or set `encode.runtime: onnx`."
        )
    if wanted == "onnx" or not has_openvino:
        return _choose_onnx(wanted, precision)
    return _choose_openvino(wanted, precision)


def choose_for(
    card: EncoderCard,
    wanted: Literal["auto", "openvino", "onnx", "torch"] = "auto",
    precision: Literal["auto", "bf16", "fp32"] = "auto",
) -> RuntimeChoice:
    """Choose what computes an exported encoder: what its card wishes, as far as the machine has it.

    Where the machine lacks it, the log says so and the next best takes its place. What the caller asks for
    outranks the card; in 8 bits the graph is made for one runtime, which nothing can replace.

    Raises:
        EncoderError: What was asked for, or the one runtime of the graph, is not to be had.
    """
    if card.precision == "int8":
        return _choose_int8(card, wanted, precision)
    if card.precision is None or (wanted != "auto" and precision != "auto"):
        return choose_runtime(wanted, precision)
    runtime: Literal["auto", "openvino", "onnx", "torch"]
    runtime = card.runtime if wanted == "auto" and card.runtime else wanted
    if runtime == "openvino" and wanted == "auto" and not _is_installed("openvino"):
        _log.warning("The encoder '%s' wishes for OpenVINO, which is not installed", card.name)
        runtime = "onnx"
    chosen: Literal["bf16", "fp32"] = card.precision if precision == "auto" else precision
    if chosen == "bf16" and precision == "auto" and (runtime != "openvino" or not has_bf16()):
        _log.warning(
            "The encoder '%s' wishes for bf16; %s, so it is computed in fp32",
            card.name,
            "this processor does not compute in it" if runtime == "openvino" else "ONNX Runtime has none",
        )
        chosen = "fp32"
    return RuntimeChoice(
        choose_runtime(runtime, chosen).name,
        chosen,
        f"{TITLES.get(runtime, runtime)} in {chosen}, as it was exported.",
    )


def _choose_int8(card: EncoderCard, wanted: str, precision: str) -> RuntimeChoice:
    runtime: Name = card.runtime or "onnx"
    if wanted not in ("auto", runtime) or precision != "auto":
        asked = " in ".join(part for part in (wanted, precision) if part != "auto")
        raise EncoderError(
            f"The encoder '{card.name}' is in 8 bits for {TITLES[runtime]}; {asked} cannot compute it.",
            fix="Leave the runtime and the precision to the artifact, or export it anew for another.",
        )
    package = {"openvino": "openvino", "onnx": "onnxruntime"}[runtime]
    if not _is_installed(package):
        raise EncoderError(
            f"The encoder '{card.name}' is in 8 bits for {TITLES[runtime]}, which is not installed.",
            fix=f"pip install {package}",
        )
    return RuntimeChoice(runtime, "int8", f"{TITLES[runtime]} in int8, as it was exported.")


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _choose_openvino(wanted: str, precision: str) -> RuntimeChoice:
    name = f"OpenVINO ({'as asked' if wanted == 'openvino' else 'the quickest on processors'})"
    if precision == "fp32":
        return RuntimeChoice("openvino", "fp32", f"{name} in fp32, as asked.")
    if has_bf16():
        return RuntimeChoice("openvino", "bf16", f"{name} in bf16, which this processor computes in.")
    if precision == "bf16":
        raise EncoderError(
            "This processor does not compute in bf16.", fix="Set `encode.precision: auto` or `fp32`."
        )
    return RuntimeChoice("openvino", "fp32", f"{name} in fp32: this processor has no bf16.")


def _choose_onnx(wanted: str, precision: str) -> RuntimeChoice:
    if precision == "bf16":
        raise EncoderError(
            "ONNX Runtime computes this encoder in fp32 only.",
            fix="Set `encode.precision: auto`, or `encode.runtime: openvino`.",
        )
    why = "as asked" if wanted == "onnx" else "OpenVINO is not installed"
    return RuntimeChoice("onnx", "fp32", f"ONNX Runtime ({why}) in fp32, its only precision here.")


def _choose_torch(precision: str) -> RuntimeChoice:
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError("torch", extra="train", purpose="`encode.runtime: torch`")
    if precision == "bf16":
        return RuntimeChoice("torch", "bf16", "torch, as asked, in bf16, as asked.")
    return RuntimeChoice("torch", "fp32", "torch, as asked, in fp32: its reference.")


def has_bf16() -> bool:
    """Whether the processor computes in bf16; elsewhere it would be emulated, more slowly than fp32."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def open_runtime(
    choice: RuntimeChoice, folder: Path, *, source: EncoderSource | None = None, threads: int = 0
) -> Runtime:
    """Start the chosen runtime on an exported encoder; torch needs its `source` as published instead.

    Raises:
        EncoderError: It cannot read the encoder.
    """
    if choice.name == "openvino":
        graph = OPENVINO_FILE if choice.precision == "int8" else GRAPH_FILE
        return OpenVinoRuntime(folder / graph, precision=choice.precision, threads=threads)
    if choice.name == "onnx":
        return OnnxRuntime(folder / GRAPH_FILE, precision=choice.precision, threads=threads)
    if source is None:
        raise EncoderError(
            "torch cannot run an exported encoder.", fix="Use the runtime `openvino`, `onnx` or `auto`."
        )
    return TorchRuntime(source, precision=choice.precision, threads=threads)


def _unreadable(graph: Path, runtime: str, error: Exception) -> EncoderError:
    return EncoderError(
        f"{runtime} cannot read {graph}: {_cause(error)}",
        fix="Restore the file, or export the encoder again, and check that there is memory enough.",
    )


def _cause(error: Exception) -> str:
    # OpenVINO puts where it happened first and what happened last.
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()


def _failed(runtime: str, cause: str) -> EncoderError:
    return EncoderError(
        f"{runtime} cannot compute the encoder: {cause}",
        fix="Restore its files or export it again, and check that there is memory enough.",
    )


# What leaves token ids as they are on their way to the table of embeddings.
_BEFORE_TABLES = {"Convert", "Unsqueeze", "Squeeze", "Reshape", "Select", "Add"}


def _table_rows(graph: Any) -> int | None:
    """Rows of the shortest table that token ids are looked up in; None where the graph shows none."""
    waiting, visited, rows = list(graph.input("input_ids").node.outputs()), set(), []
    while waiting:
        for port in waiting.pop().get_target_inputs():
            node = port.get_node()
            kind, name = node.get_type_name(), node.get_friendly_name()
            if kind.startswith("Gather") and port.get_index() == 1:
                dimension = node.input_value(0).get_partial_shape()[0]
                rows += [dimension.get_length()] if dimension.is_static else []
            elif kind in _BEFORE_TABLES and name not in visited:
                visited.add(name)
                waiting += node.outputs()
    return min(rows, default=None)


class OpenVinoRuntime:
    """OpenVINO with several batches under way at once, each on a processor of its own; a single one has all.

    Both ways give the same bits. The graph for single ones is made when the first comes: it takes memory.
    """

    name = "openvino"

    def __init__(self, graph: Path, *, precision: Precision, threads: int = 0) -> None:
        import openvino

        self.precision: Precision = precision
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino.Core()
            model = core.read_model(str(graph))
            # OpenVINO reads past the end of a table without a word.
            self._pieces = _table_rows(model)
            several = core.compile_model(model, "CPU", options | {"PERFORMANCE_HINT": "THROUGHPUT"})
            at_once = int(several.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        except RuntimeError as error:
            raise _unreadable(graph, "OpenVINO", error) from error
        self._requests = [several.create_infer_request() for _ in range(at_once * _AHEAD)]
        self._alone: Any = None if at_once > 1 else self._requests[0]
        quickest = options | {"PERFORMANCE_HINT": "LATENCY"}
        self._open_alone = partial(core.compile_model, model, "CPU", quickest)

    def run(self, batches: Iterable[Batch]) -> Iterator[Vectors]:
        """See `Runtime.run`."""
        waiting = iter(batches)
        first = list(islice(waiting, 2))
        free, busy = deque(self._requests), deque[Any]()
        try:
            if len(first) == 1:
                self._alone = self._alone or self._open_alone().create_infer_request()
                free = deque([self._alone])
            for ids, mask in chain(first, waiting):
                if not free:
                    yield self._collect(free, busy)
                if self._pieces is not None and ids.max(initial=0) >= self._pieces:
                    raise _failed("OpenVINO", f"token {ids.max()} is none of its {self._pieces} pieces")
                request = free.popleft()
                request.start_async({"input_ids": ids, "attention_mask": mask})
                busy.append(request)
            while busy:
                yield self._collect(free, busy)
        except RuntimeError as error:
            raise _failed("OpenVINO", _cause(error)) from error
        finally:
            # Requests are used again by the next run: none may be left under way.
            for request in busy:
                request.wait()

    @staticmethod
    def _collect(free: deque[Any], busy: deque[Any]) -> Vectors:
        request = busy.popleft()
        request.wait()
        free.append(request)
        return np.array(request.get_output_tensor(0).data, dtype=np.float32)


class OnnxRuntime:
    """ONNX Runtime, one batch at a time."""

    name = "onnx"

    def __init__(self, graph: Path, *, precision: Precision = "fp32", threads: int = 0) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as states

        self.precision: Precision = precision
        # They share no base class but Exception.
        kinds = "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "RuntimeException"
        self._failures = (ValueError, *(getattr(states, kind) for kind in kinds))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(graph), options, providers=["CPUExecutionProvider"]
            )
        except self._failures as error:
            raise _unreadable(graph, "ONNX Runtime", error) from error

    def run(self, batches: Iterable[Batch]) -> Iterator[Vectors]:
        """See `Runtime.run`."""
        for ids, mask in batches:
            try:
                (vectors,) = self._session.run(["vectors"], {"input_ids": ids, "attention_mask": mask})
            except self._failures as error:
                raise _failed("ONNX Runtime", _cause(error)) from error
            yield np.asarray(vectors, dtype=np.float32)


class TorchRuntime:
    """torch on the weights as published: the reference that the exported graph is held against."""

    name = "torch"

    def __init__(self, source: EncoderSource, *, precision: Precision = "fp32", threads: int = 0) -> None:
        try:
            import torch

            from rubricator.encode.pooled import load_pooled
        except ImportError as error:
            raise MissingExtraError(
                error.name or "torch", extra="train", purpose="`encode.runtime: torch`"
            ) from error
        self.precision: Precision = precision
        if threads:
            # Torch knows only one setting for the whole process.
            torch.set_num_threads(threads)
        self._model = load_pooled(source.folder, source.pooling)

    def run(self, batches: Iterable[Batch]) -> Iterator[Vectors]:
        """See `Runtime.run`."""
        import torch

        for ids, mask in batches:
            with (
                torch.inference_mode(),
                torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.precision == "bf16"),
            ):
                vectors = self._model(torch.from_numpy(ids), torch.from_numpy(mask))
            yield np.asarray(vectors.float().numpy(), dtype=np.float32)
