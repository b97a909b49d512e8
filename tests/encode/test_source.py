from __future__ import annotations

import json
from pathlib import Path

import pytest

from rubricator.encode.source import resolve
from rubricator.errors import EncoderError


def fake(folder: Path, **files: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_text("{}")
    for name, content in files.items():
        path = folder / {"modules": "modules.json", "pooling": "1_Pooling/config.json"}[name]
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("multilingual-e5-base", "query: "), ("e5", "query: "), ("rubert-tiny2", ""), ("ae5b", "")],
)
def test_the_e5_family_gets_its_prefix(tmp_path: Path, name: str, prefix: str) -> None:
    assert resolve(str(fake(tmp_path / "models" / name)), cache=tmp_path).prefix == prefix


def test_the_digest_names_the_content_not_the_place(tmp_path: Path) -> None:
    first = resolve(str(fake(tmp_path / "a")), cache=tmp_path)
    assert resolve(str(fake(tmp_path / "b")), cache=tmp_path).digest == first.digest
    (tmp_path / "a" / "tokenizer.json").write_text("{ }")
    assert resolve(str(tmp_path / "a"), cache=tmp_path).digest != first.digest


def test_pooling_is_read_from_the_folder(tmp_path: Path) -> None:
    assert resolve(str(fake(tmp_path / "a")), cache=tmp_path).pooling == "mean"
    modes = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    assert resolve(str(fake(tmp_path / "b", pooling=modes)), cache=tmp_path).pooling == "cls"


def test_what_would_give_other_vectors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="max_tokens"):
        resolve(str(fake(tmp_path / "a", pooling={"pooling_mode_max_tokens": True})), cache=tmp_path)
    modules = [
        {"type": "sentence_transformers.models.Transformer"},
        {"type": "sentence_transformers.models.Dense"},
    ]
    with pytest.raises(EncoderError, match="Dense"):
        resolve(str(fake(tmp_path / "b", modules=modules)), cache=tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"config\.json"):
        resolve(str(tmp_path), cache=tmp_path)


def test_an_unreachable_hub_lists_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--someone--other" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_text("")
    with pytest.raises(EncoderError) as caught:
        resolve("someone/unheard-of", cache=tmp_path)
    assert "bundled" in caught.value.fix
    assert "someone/other" in caught.value.fix


@pytest.mark.parametrize("name", ["no/such/folder/here", "two words", "../up/there", "./here", "a--b"])
def test_what_is_neither_folder_nor_hub_name_never_asks_the_hub(tmp_path: Path, name: str) -> None:
    with pytest.raises(EncoderError, match="no such folder"):
        resolve(name, cache=tmp_path)
