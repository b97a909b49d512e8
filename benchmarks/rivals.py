"""The peers: each trains on texts with labels and answers for others, in its own library's usual way."""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Texts = list[str]
Labels = list[list[str]]


@dataclass
class Task:
    """What all splits of a data set share, and the processor seconds spent on them.

    `budget` is what a peer that tunes itself may take per split, in seconds; `setfit_steps` count per split.
    """

    keys: list[str]
    single: bool
    encoder: str
    prefix: str
    max_tokens: int
    scratch: str
    threads: int
    seed: int
    setfit_steps: int
    budget: int
    seconds: dict[str, float] = field(default_factory=lambda: {"train": 0.0, "predict": 0.0})
    notes: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def clock(self, what: str) -> Iterator[None]:
        started = processor_seconds()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + processor_seconds() - started

    def prefixed(self, texts: Texts) -> Texts:
        return [self.prefix + text for text in texts]

    def note(self, name: str, value: Any) -> None:
        self.notes.setdefault(name, []).append(value)


def processor_seconds() -> float:
    """Of this process and the children it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def logistic(task: Task, texts: Texts, labels: Labels, test: Texts) -> Labels:
    """Vectors of sentence-transformers, logistic regression; C by cross-validation on the training texts."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
    from sklearn.multiclass import OneVsRestClassifier

    encoder = sentence_transformer(task)
    model: Any = LogisticRegression(max_iter=2000, random_state=task.seed)
    divider = StratifiedKFold if task.single else KFold
    search = GridSearchCV(
        model if task.single else OneVsRestClassifier(model),
        {"C" if task.single else "estimator__C": [1, 10, 100, 1000]},
        scoring="accuracy" if task.single else "f1_macro",
        cv=divider(5, shuffle=True, random_state=task.seed),
    )
    with task.clock("train"):
        vectors = encoder.encode(task.prefixed(texts), normalize_embeddings=True)
        search.fit(vectors, first(labels) if task.single else matrix(labels, task.keys))
    task.note("C", next(iter(search.best_params_.values())))
    with task.clock("predict"):
        found = search.predict(encoder.encode(task.prefixed(test), normalize_embeddings=True))
    return [[str(key)] for key in found] if task.single else keys_of(found, task.keys)


def setfit(task: Task, texts: Texts, labels: Labels, test: Texts) -> Labels:
    """SetFit: contrastive pairs, then logistic regression. Bounded steps; the embedding table is frozen."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    body = sentence_transformer(task)
    body[0].auto_model.get_input_embeddings().requires_grad_(requires_grad=False)
    head: Any = LogisticRegression(max_iter=2000, random_state=task.seed)
    strategy = None if task.single else "one-vs-rest"
    model = SetFitModel(
        model_body=body,
        model_head=head if task.single else OneVsRestClassifier(head),
        multi_target_strategy=strategy,
    )
    present = sorted({key for keys in labels for key in keys})
    targets: Any = [present.index(keys[0]) for keys in labels] if task.single else matrix(labels, task.keys)
    told = {"batch_size": 16, "max_steps": task.setfit_steps, "body_learning_rate": 1e-4}
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            seed=task.seed,
            report_to="none",
            show_progress_bar=False,
            save_strategy="no",
            **told,
        )
        data = Dataset.from_dict({"text": task.prefixed(texts), "label": targets})
        trainer = Trainer(model=model, args=arguments, train_dataset=data)
        with task.clock("train"):
            trainer.train()
    task.notes["told"] = told | {"embeddings": "frozen"}
    with task.clock("predict"):
        found = model.predict(task.prefixed(test), as_numpy=True)
    return [[present[int(number)]] for number in found] if task.single else keys_of(found, task.keys)


def model2vec(task: Task, texts: Texts, labels: Labels, test: Texts) -> Labels:
    """model2vec's own classifier on a static model distilled from the encoder, all settings its defaults."""
    from model2vec import StaticModel
    from model2vec.train import StaticModelForClassification

    folder = Path(task.scratch) / "static"
    if not folder.exists():
        from model2vec.distill import distill

        with task.clock("distillation"):
            distill(task.encoder).save_pretrained(str(folder))
        (folder / "seconds").write_text(f"{task.seconds['distillation']:.1f}", encoding="utf-8")
    task.notes["distillation_seconds"] = float((folder / "seconds").read_text(encoding="utf-8"))
    model = StaticModelForClassification.from_static_model(
        model=StaticModel.from_pretrained(str(folder)), max_length=task.max_tokens
    )
    with task.clock("train"):
        model.fit(texts, first(labels) if task.single else labels, random_seed=task.seed, device="cpu")
    with task.clock("predict"):
        found = model.predict(test)
    return [[str(key)] for key in found] if task.single else [[str(key) for key in keys] for keys in found]


def fasttext(task: Task, texts: Texts, labels: Labels, test: Texts) -> Labels:
    """fastText; a tenth of the training texts chooses autotune's settings or usual ones, then all train."""
    import fasttext as library

    lines = [
        " ".join([*(f"__label__{task.keys.index(key)}" for key in keys), words(text)])
        for text, keys in zip(texts, labels, strict=True)
    ]
    held = set(random.Random(task.seed).sample(range(len(lines)), max(10, len(lines) // 10)))
    told: dict[str, Any] = {
        "loss": "softmax" if task.single else "ova",
        "thread": task.threads,
        "seed": task.seed,
        "verbose": 0,
    }
    with tempfile.TemporaryDirectory() as folder, task.clock("train"):
        everything = written(Path(folder) / "all", lines)
        most = written(Path(folder) / "most", [line for row, line in enumerate(lines) if row not in held])
        rest = written(Path(folder) / "rest", [lines[row] for row in sorted(held)])
        found = tuned(
            lambda: library.train_supervised(
                most, autotuneValidationFile=rest, autotuneDuration=task.budget, **told
            )
        )
        usual = [
            {"lr": rate, "dim": 100, "epoch": 25, "wordNgrams": 2, "minn": 2, "maxn": 5} for rate in RATES
        ]

        def merit(settings: dict[str, Any]) -> float:
            return float(library.train_supervised(most, **settings, **told).test(rest)[1])

        settings = best([*found, *usual], merit)
        model = halving(
            lambda rate: library.train_supervised(everything, **settings | {"lr": rate}, **told), settings
        )
    task.note("settings", settings)
    k, threshold = (1, 0.0) if task.single else (-1, 0.5)
    with task.clock("predict"):
        found = [model.predict(words(text), k, threshold)[0] for text in test]
    return [[task.keys[int(name.removeprefix("__label__"))] for name in names] for names in found]


RATES = (0.1, 0.5, 1.0)
"""Learning rates of fastText's tutorial, tried beside what autotune finds: in a minute it may find little."""


def tuned(autotune: Callable[[], Any]) -> list[dict[str, Any]]:
    """Settings that autotune found; none where its own best try diverges."""
    try:
        found = autotune().f.getArgs()
    except RuntimeError as error:
        if "NaN" not in str(error):
            raise
        return []
    names = ("lr", "dim", "epoch", "wordNgrams", "minn", "maxn", "bucket", "minCount")
    return [{name: getattr(found, name) for name in names}]


def best(choices: list[dict[str, Any]], merit: Callable[[dict[str, Any]], float]) -> dict[str, Any]:
    """The settings with the greatest merit; those that diverge have none."""
    merits = []
    for settings in choices:
        try:
            merits.append(merit(settings))
        except RuntimeError as error:
            if "NaN" not in str(error):
                raise
            merits.append(-1.0)
    return choices[merits.index(max(merits))]


def halving(train: Callable[[float], Any], settings: dict[str, Any]) -> Any:
    """What was tuned on nine tenths can diverge on all: fastText then raises, and half the rate is tried."""
    for _ in range(5):
        try:
            return train(settings["lr"])
        except RuntimeError as error:
            if "NaN" not in str(error):
                raise
            settings["lr"] /= 2
    return train(settings["lr"])


def autointent(task: Task, texts: Texts, labels: Labels, test: Texts) -> Labels:
    """AutoIntent: its preset `classic-light` with the same encoder."""
    from autointent import Dataset, Pipeline
    from autointent.configs import DataConfig, SentenceTransformerEmbeddingConfig

    present = sorted({key for keys in labels for key in keys}) if task.single else task.keys
    samples = [
        {"utterance": text, "label": present.index(keys[0]) if task.single else row}
        for text, keys, row in zip(texts, labels, matrix(labels, present), strict=True)
    ]
    pipeline = Pipeline.from_preset("classic-light", seed=task.seed)
    encoder = SentenceTransformerEmbeddingConfig(
        model_name=task.encoder, device="cpu", default_prompt=task.prefix
    )
    pipeline.set_config(encoder)
    pipeline.set_config(DataConfig(scheme="ho", validation_size=0.2))
    with task.clock("train"):
        pipeline.fit(Dataset.from_dict({"train": samples}))
    with task.clock("predict"):
        found = pipeline.predict(test)
    if task.single:
        return [[] if number is None else [present[int(number)]] for number in found]
    return [[key for key, on in zip(present, row or [], strict=False) if on] for row in found]


def autogluon(task: Task, texts: Texts, labels: Labels, test: Texts) -> Labels:
    """AutoGluon's tabular predictor on a column of texts (n-grams, boosting and more), within the budget."""
    import pandas as pd
    from autogluon.tabular import TabularPredictor

    if not task.single:
        raise NotImplementedError("AutoGluon has no multi-label predictor")
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor("label", eval_metric="accuracy", path=folder, verbosity=0)
        with task.clock("train"):
            data = pd.DataFrame({"text": texts, "label": first(labels)})
            predictor.fit(
                data, time_limit=task.budget, num_cpus=task.threads, num_gpus=0, presets="medium_quality"
            )
        with task.clock("predict"):
            found = predictor.predict(pd.DataFrame({"text": test}))
        task.note("best", predictor.model_best)
    return [[str(key)] for key in found]


@dataclass(frozen=True)
class Peer:
    """What does the work, and the module and distributions that must be there."""

    work: Callable[[Task, Texts, Labels, Texts], Labels]
    module: str
    packages: tuple[str, ...]


PEERS = {
    "LR": Peer(logistic, "sentence_transformers", ("sentence-transformers", "scikit-learn")),
    "fastText": Peer(fasttext, "fasttext", ("fasttext-numpy2",)),
    "model2vec": Peer(model2vec, "model2vec", ("model2vec",)),
    "SetFit": Peer(setfit, "setfit", ("setfit", "sentence-transformers")),
    "AutoIntent": Peer(autointent, "autointent", ("autointent",)),
    "AutoGluon": Peer(autogluon, "autogluon", ("autogluon.tabular",)),
}


def sentence_transformer(task: Task) -> Any:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    transformer = Transformer(task.encoder, max_seq_length=task.max_tokens)
    pooling = Pooling(transformer.get_word_embedding_dimension(), pooling_mode="mean")
    return SentenceTransformer(modules=[transformer, pooling], device="cpu")


def first(labels: Labels) -> list[str]:
    return [keys[0] for keys in labels]


def matrix(labels: Labels, keys: Sequence[str]) -> list[list[int]]:
    return [[int(key in given) for key in keys] for given in labels]


def keys_of(rows: Any, keys: Sequence[str]) -> Labels:
    return [[key for key, on in zip(keys, row, strict=True) if on] for row in rows]


def words(text: str) -> str:
    """One line in lower case, punctuation apart: what fastText's authors feed it."""
    return " ".join(re.findall(r"\w+|[^\w\s]", text.lower()))


def written(path: Path, lines: list[str]) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)
