"""A random transformer of two layers that reads letters, so that training takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from rubricator.config import Encode, Finetune, Lora, Train
from rubricator.label_space import LabelSpace
from rubricator.train.training_context import TrainingContext

LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяё "


def write_encoder(folder: Path, *, kind: str = "bert", width: int = 32) -> Path:
    """Write a Hugging Face folder."""
    pytest.importorskip("torch")
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    torch.manual_seed(7)
    vocabulary = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *LETTERS])}
    shared = {"vocab_size": len(vocabulary), "max_position_embeddings": 64, "pad_token_id": 1}
    if kind == "bert":
        sizes = {"hidden_size": width, "num_hidden_layers": 2, "num_attention_heads": 4}
        model = transformers.BertModel(transformers.BertConfig(intermediate_size=48, **sizes, **shared))
    else:
        settings = transformers.DistilBertConfig(dim=width, n_layers=2, n_heads=4, hidden_dim=48, **shared)
        model = transformers.DistilBertModel(settings)
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def make_bench(encoder: Path, folder: Path, *, single: bool = True, lora: dict | None = None, **others):
    """A context whose `finetune` section holds `others`, in single precision and with few epochs."""
    given = {"epochs": 2, "batch": 8, "layers": 1, "learning_rate": 5e-3}
    given |= {"precision": "fp32", "contrastive": False}
    return TrainingContext(
        settings=Train(finetune=Finetune(**(given | others)), lora=Lora(**(lora or {}))),
        encode=Encode(encoder=str(encoder), max_tokens=48, threads=1, precision="fp32"),
        space=LabelSpace.of_size(3, single=single),
        seed=3,
        folder=folder,
    )
