from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rubricator.encode import runtimes
from rubricator.encode.card import EncoderCard
from rubricator.encode.runtimes import choose_for, choose_runtime, open_runtime
from rubricator.errors import EncoderError


def test_auto_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "has_bf16", lambda: True)
    assert choose_runtime().precision == "bf16"
    assert choose_runtime(precision="fp32").precision == "fp32"
    monkeypatch.setattr(runtimes, "has_bf16", lambda: False)
    choice = choose_runtime()
    assert (choice.name, choice.precision) == ("openvino", "fp32")
    assert "no bf16" in choice.reason
    with pytest.raises(EncoderError, match="does not compute in bf16"):
        choose_runtime(precision="bf16")


def test_without_openvino_onnx_runtime_steps_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes.importlib.util, "find_spec", lambda name: None)
    choice = choose_runtime()
    assert choice.name == "onnx"
    assert "not installed" in choice.reason
    with pytest.raises(EncoderError, match="not installed"):
        choose_runtime("openvino")


def test_onnx_runtime_has_no_bf16() -> None:
    assert choose_runtime("onnx").precision == "fp32"
    with pytest.raises(EncoderError, match="fp32 only"):
        choose_runtime("onnx", "bf16")


def test_torch_is_never_chosen_unasked_and_needs_the_source(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    choice = choose_runtime("torch", "bf16")
    assert (choice.name, choice.precision) == ("torch", "bf16")
    with pytest.raises(EncoderError, match="exported"):
        open_runtime(choice, tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"\x08\x07garbage"])
@pytest.mark.parametrize("name", ["openvino", "onnx"])
def test_a_bad_graph_is_an_encoder_error(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "encoder.onnx").write_bytes(content)
    with pytest.raises(EncoderError, match=r"encoder\.onnx"):
        open_runtime(choose_runtime(name), tmp_path)  # type: ignore[arg-type]


@pytest.mark.slow
def test_an_abandoned_run_leaves_the_next_one_right(encoder) -> None:
    runtime = encoder._runtime
    slow = [(np.full((16, 128), 9), np.ones((16, 128), dtype=np.int64))] * 6
    quick = [(np.full((1, size), 9), np.ones((1, size), dtype=np.int64)) for size in range(2, 12)]
    expected = np.concatenate(list(runtime.run(quick)))
    started = runtime.run(iter(slow))
    next(started)
    started.close()
    np.testing.assert_allclose(np.concatenate(list(runtime.run(quick))), expected, atol=1e-3)


def card(**wishes: object) -> EncoderCard:
    shared = {"name": "e", "digest": "d", "width": 2, "positions": 9, "max_tokens": 9, "prefix": ""}
    return EncoderCard(**shared, pooling="mean", pad=0, **wishes)  # type: ignore[arg-type]


def test_a_text_alone_has_the_bits_that_it_has_among_others(encoder) -> None:
    contents = ["Ночью ударил первый мороз. " * times for times in (30, 1, 4, 2, 9, 1, 16, 3, 6, 12)]
    together = encoder.encode(contents)
    alone = np.vstack([encoder.encode([content]) for content in contents])
    np.testing.assert_array_equal(alone, together)


def test_a_card_without_wishes_leaves_it_to_the_machine() -> None:
    assert choose_for(card()) == choose_runtime()
    assert choose_for(card(), "onnx", "fp32") == choose_runtime("onnx", "fp32")


def test_a_processor_without_bf16_computes_what_wishes_for_it_in_fp32_and_says_so(
    monkeypatch, caplog
) -> None:
    wishes = card(runtime="openvino", precision="bf16")
    monkeypatch.setattr(runtimes, "has_bf16", lambda: True)
    assert choose_for(wishes).precision == "bf16"
    assert not caplog.records
    monkeypatch.setattr(runtimes, "has_bf16", lambda: False)
    choice = choose_for(wishes)
    assert (choice.name, choice.precision) == ("openvino", "fp32")
    assert "does not compute in it, so it is computed in fp32" in caplog.text


def test_a_wish_for_openvino_is_met_by_onnx_runtime_where_there_is_none(monkeypatch, caplog) -> None:
    monkeypatch.setattr(runtimes, "_is_installed", lambda package: package != "openvino")
    choice = choose_for(card(runtime="openvino", precision="bf16"))
    assert (choice.name, choice.precision) == ("onnx", "fp32")
    assert "OpenVINO, which is not installed" in caplog.text
    with pytest.raises(EncoderError, match="pip install openvino"):
        choose_for(card(runtime="openvino", precision="int8"))


def test_eight_bits_are_for_one_runtime() -> None:
    made = card(runtime="onnx", precision="int8")
    assert (choose_for(made).name, choose_for(made).precision) == ("onnx", "int8")
    assert choose_for(made, "onnx").precision == "int8"
    with pytest.raises(EncoderError, match="8 bits for ONNX Runtime; openvino cannot"):
        choose_for(made, "openvino")
    with pytest.raises(EncoderError, match="bf16 cannot"):
        choose_for(made, precision="bf16")


def test_what_the_caller_asks_for_outranks_the_wish(monkeypatch) -> None:
    monkeypatch.setattr(runtimes, "has_bf16", lambda: True)
    wishes = card(runtime="openvino", precision="bf16")
    assert choose_for(wishes, "onnx").name == "onnx"
    assert choose_for(wishes, "onnx").precision == "fp32"
    assert choose_for(wishes, precision="fp32").precision == "fp32"
