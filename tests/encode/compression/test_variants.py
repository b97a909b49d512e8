"""Which ways of computing an encoder are tried, and what is said of the others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rubricator.encode.compression import variants
from rubricator.encode.compression.openvino_int8 import quantize_for_openvino
from rubricator.encode.compression.variants import Variant, variants_of
from rubricator.errors import MissingExtraError


@pytest.fixture(autouse=True)
def processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "has_bf16", lambda: True)


def names(runtime: str, precision: str) -> set[str]:
    return {str(variant) for variant in variants_of(runtime, precision)[0]}  # type: ignore[arg-type]


def test_auto_tries_all_that_fit() -> None:
    every = {"OpenVINO fp32", "OpenVINO bf16", "OpenVINO int8", "ONNX Runtime fp32", "ONNX Runtime int8"}
    assert names("auto", "auto") == every
    assert names("onnx", "auto") == {"ONNX Runtime fp32", "ONNX Runtime int8"}
    assert names("auto", "int8") == {"OpenVINO int8", "ONNX Runtime int8"}
    assert names("onnx", "bf16") == set()


def test_without_bf16_it_is_left_out_unless_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "has_bf16", lambda: False)
    tried, left_out = variants_of("auto", "auto")
    assert Variant("openvino", "bf16") not in tried
    assert "does not compute in bf16" in left_out["OpenVINO bf16"]
    # The artifact may be for another machine; the reader falls back.
    assert variants_of("auto", "bf16") == ([Variant("openvino", "bf16")], {})


def test_without_the_extra_8_bits_are_left_out_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    there = variants.importlib.util.find_spec
    monkeypatch.setattr(
        variants.importlib.util, "find_spec", lambda name: None if name == "nncf" else there(name)
    )
    tried, left_out = variants_of("auto", "int8")
    assert tried == [Variant("onnx", "int8")]
    assert "rubricator[export]" in left_out["OpenVINO int8"]
    assert Variant("openvino", "int8") in variants_of("openvino", "int8")[0]


def test_8_bits_asked_for_without_the_extra_name_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(MissingExtraError, match="nncf") as raised:
        quantize_for_openvino(
            None,  # type: ignore[arg-type]
            tmp_path,
            calibration=(),
            validation=(),
            judge=lambda _vectors: 0.0,
            max_drop=0.0,
            advance=lambda _items, _note="", /: None,
        )
    assert "rubricator[export]" in raised.value.fix
