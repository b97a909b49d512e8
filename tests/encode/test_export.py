from __future__ import annotations

import numpy as np
import pytest

from rubricator.encode.card import read_card
from rubricator.encode.export import export
from rubricator.encode.runtimes import OnnxRuntime, OpenVinoRuntime, TorchRuntime
from rubricator.encode.source import resolve
from rubricator.errors import EncoderError

pytest.importorskip("torch")


def batches(rows: int, longest: int, vocabulary: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(5)
    made = []
    for texts, tokens in ((1, 2), (rows, 7), (3, longest)):
        ids = rng.integers(4, vocabulary, size=(texts, tokens))
        mask = np.ones_like(ids)
        mask[-1, tokens // 2 + 1 :] = 0
        ids[mask == 0] = 1
        made.append((ids, mask))
    return made


def cosines(first: list[np.ndarray], second: list[np.ndarray]) -> np.ndarray:
    a, b = np.concatenate(first), np.concatenate(second)
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xlm-roberta", "distilbert"])
def test_both_runtimes_give_what_torch_gives(tmp_path, tiny, tiny_model, kind) -> None:
    model, cache, expected = tiny.model, tiny.cache, (64, 38, "mean")
    if kind == "distilbert":
        # A width that is no multiple of 32 keeps the table as it is.
        model = tiny_model(tmp_path / "model", kind=kind, width=40, pooling="cls_token")
        cache, expected = tmp_path, (40, 40, "cls")
    source = resolve(str(model), cache=cache)
    exported = export(source, cache=cache)
    card = read_card(exported)
    assert (card.width, card.positions, card.pooling) == expected
    given = batches(5, card.positions, 30)
    reference = list(TorchRuntime(source).run(given))
    graph = exported / "encoder.onnx"
    for runtime in (OpenVinoRuntime(graph, precision="fp32", threads=1), OnnxRuntime(graph, threads=1)):
        assert cosines(list(runtime.run(given)), reference).min() > 0.9995, runtime.name


@pytest.mark.slow
def test_padding_does_not_change_a_vector(tiny) -> None:
    source = resolve(str(tiny.model), cache=tiny.cache)
    runtime = OnnxRuntime(export(source, cache=tiny.cache) / "encoder.onnx", threads=1)
    ids = np.array([[0, 5, 6, 2]])
    padded = np.pad(ids, ((0, 0), (0, 9)), constant_values=1)
    (bare,), (wide,) = runtime.run([(ids, np.ones_like(ids)), (padded, (padded != 1).astype(np.int64))])
    np.testing.assert_allclose(wide, bare, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_bundled_encoder_is_small_and_true(encoder, reference) -> None:
    graph = encoder._folder / "encoder.onnx"
    assert graph.stat().st_size < 160_000_000
    given = batches(4, 40, 250_000)
    expected = list(reference.run(given))
    assert cosines(list(OnnxRuntime(graph).run(given)), expected).min() > 0.9995
    assert cosines(list(OpenVinoRuntime(graph, precision="fp32").run(given)), expected).min() > 0.9995
    assert cosines(list(encoder._runtime.run(given)), expected).min() > 0.999


@pytest.mark.slow
def test_weights_that_do_not_load_are_an_encoder_error(tmp_path, tiny_model) -> None:
    folder = tiny_model(tmp_path / "model")
    (folder / "config.json").write_text('{"model_type": "never-heard-of"}')
    with pytest.raises(EncoderError, match="cannot load"):
        export(resolve(str(folder), cache=tmp_path), cache=tmp_path / "cache")
