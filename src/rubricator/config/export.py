"""The section `export` of `rubricator.yaml`: what the encoder of an artifact is computed with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rubricator.config.section import Section

ExportRuntime = Literal["auto", "openvino", "onnx"]
ExportPrecision = Literal["auto", "bf16", "int8", "fp32"]
Serves = Literal["both", "bulk", "single"]


class Export(Section):
    """How the encoder of the artifact is computed; without the section each machine takes its quickest.

    With it, every `runtime` and `precision` that is allowed is tried on validation. Of those that lose no
    more than `max_accuracy_drop` of the metric and decide no more than a share of `max_flips` of texts
    otherwise than single precision does, the quickest is taken: by its rate in bulk, by the time of a text
    alone, or by both alike, as `serves` says. `trim_vocabulary` leaves out pieces that texts in the scripts
    of the dataset never need.
    """

    runtime: ExportRuntime = "auto"
    precision: ExportPrecision = "auto"
    max_accuracy_drop: Annotated[float, Field(ge=0, lt=1)] = 0.005
    max_flips: Annotated[float, Field(ge=0, le=1)] = 0.01
    serves: Serves = "both"
    trim_vocabulary: bool = False
