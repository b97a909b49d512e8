"""A tiny random transformer, so that export and loading are tried in seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяё "
Maker = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny_model() -> Maker:
    """Writes a Hugging Face folder: `tiny_model(folder, kind="bert", width=64, pooling="")`."""
    pytest.importorskip("torch")
    return _write


def _write(folder: Path, *, kind: str = "bert", width: int = 64, pooling: str = "") -> Path:
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    torch.manual_seed(7)
    vocabulary = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *LETTERS])}
    make, model = {
        "bert": (transformers.BertConfig, transformers.BertModel),
        "xlm-roberta": (transformers.XLMRobertaConfig, transformers.XLMRobertaModel),
        "distilbert": (transformers.DistilBertConfig, transformers.DistilBertModel),
    }[kind]
    sizes = {"hidden_size": width, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 80}
    if kind == "distilbert":
        sizes = {"dim": width, "n_layers": 2, "n_heads": 4, "hidden_dim": 80}
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
