"""A tiny model with random weights, its tokenizer trained on the spot: what counts is the arithmetic."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rubricator.config import TransformersEngineConfig
from rubricator.errors import EngineError
from rubricator.llm.engines.engine import Generation, Message, Request
from rubricator.llm.engines.http import plain_prompt
from rubricator.llm.engines.kv_cache import common_prefix
from rubricator.llm.engines.transformers import TransformersEngine
from rubricator.records import Status

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SENTENCES = [
    "The harbour froze over and the ferry stayed at its pier.",
    "В порту замёрз лёд, и паром остался у причала.",
    "A cook from the old town opened a bakery by the river.",
    "Пекарня у реки открылась рано утром, и хлеб раскупили до полудня.",
    'Answer with one letter: A, B or C. {"sea":0,"food":1}',
]
RULES = "Read the note and answer with one letter. A stands for the sea, B for food, C for all the rest. " * 2
TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system turns') }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>"
)


def saved(folder: Path, *, window: int | None = None) -> Path:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=["<end>"], initial_alphabet=letters, show_progress=False
        ),
    )
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end>")
    torch.manual_seed(7)
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "initializer_range": 0.4,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
    }
    if window:
        model = transformers.MistralForCausalLM(transformers.MistralConfig(**shape, sliding_window=window))
    else:
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**shape))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("models") / "tiny")


def engine_of(folder: Path, *, batch: int = 4, chat: Any = "auto", device: str = "cpu") -> TransformersEngine:
    config = TransformersEngineConfig(model=folder.name, batch=batch, chat=chat, device=device)
    return TransformersEngine(config, folder=folder.parent)


@pytest.fixture(scope="module", autouse=True)
def _fp32() -> Iterator[None]:
    """Bits are compared, so the processor's bf16 stays out of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rubricator.llm.engines.loading.has_bf16", lambda: False)
        yield


@pytest.fixture(scope="module")
def engine(tiny: Path) -> TransformersEngine:
    return engine_of(tiny)


def asked(text: str, **told: Any) -> Request:
    turns = (Message("system", RULES), Message("user", f"{text}\nLetter:"))
    return Request(messages=turns, **{"max_tokens": 6, "logprobs": True, **told})


def answers(engine: TransformersEngine, requests: list[Request]) -> list[Generation]:
    found = dict(engine.generate(requests))
    assert sorted(found) == list(range(len(requests)))
    return [found[number] for number in range(len(requests))]


def alone(engine: TransformersEngine, prompt: str, answer: str) -> float:
    """Log-probability of an answer by one plain pass over one text."""
    loaded = engine._load()
    before = loaded.tokenizer(prompt)["input_ids"]
    whole = loaded.tokenizer(prompt + answer)["input_ids"]
    assert whole[: len(before)] == before
    with torch.inference_mode():
        logits = loaded.model(torch.tensor([whole])).logits[0].log_softmax(-1)
    return sum(float(logits[place - 1, whole[place]]) for place in range(len(before), len(whole)))


def test_choices_have_the_probabilities_of_a_plain_pass(engine: TransformersEngine) -> None:
    requests = [asked(text, choices=("A", "B", "C")) for text in SENTENCES]
    for request, answer in zip(requests, answers(engine, requests), strict=True):
        expected = {name: alone(engine, plain_prompt(request.messages), name) for name in "ABC"}
        assert answer.choices == pytest.approx(expected, abs=1e-4)
        assert answer.text == max(expected, key=expected.__getitem__)
        assert answer.status is Status.OK
        assert answer.prompt_tokens == engine.count(plain_prompt(request.messages))
        assert answer.completion_tokens == 1


def test_choices_that_begin_alike_are_weighed_to_their_ends(engine: TransformersEngine) -> None:
    choices = ("sea", "seal", "food at sea", "food on land")
    requests = [asked(text, choices=choices) for text in SENTENCES[:3]]
    for request, answer in zip(requests, answers(engine, requests), strict=True):
        expected = {name: alone(engine, plain_prompt(request.messages), name) for name in choices}
        assert answer.choices == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("window", [None, 48])
def test_a_text_is_answered_alike_alone_and_among_others(tmp_path: Path, window: int | None) -> None:
    engine = engine_of(saved(tmp_path / "model", window=window), batch=8)
    many = [asked(" ".join(SENTENCES[: n + 1]), max_tokens=5) for n in range(4)]
    many += [asked(text, choices=("A", "B", "C")) for text in SENTENCES]
    together = answers(engine, many)
    for request, among in zip(many, together, strict=True):
        (single,) = answers(engine_of(tmp_path / "model"), [request])
        assert among.text == single.text
        assert among.choices == pytest.approx(single.choices, abs=1e-4)
        assert [t.logprob for t in among.tokens] == pytest.approx(
            [t.logprob for t in single.tokens], abs=1e-4
        )


def test_the_common_beginning_is_read_once(engine: TransformersEngine) -> None:
    requests = [asked(text, choices=("A", "B")) for text in SENTENCES]
    answers(engine, requests)
    lengths: list[int] = []
    model = engine._load().model
    watch = model.register_forward_pre_hook(
        lambda _m, _a, told: lengths.append(told["input_ids"].shape[1]), with_kwargs=True
    )
    answers(engine, requests)
    watch.remove()
    shared = engine.count(RULES)
    assert shared > 32
    assert all(length < engine.count(plain_prompt(requests[3].messages)) - shared + 4 for length in lengths)


def test_a_prompt_that_is_the_kept_beginning_itself_is_read_whole(tiny: Path) -> None:
    engine = engine_of(tiny)
    requests = [asked(text, choices=("A", "B")) for text in SENTENCES]
    answers(engine, requests)
    assert engine._prefix is not None
    begun = engine._load().decode(engine._prefix[0])
    request = Request(messages=(Message("user", begun),), max_tokens=1, choices=("A", "B"), logprobs=True)
    (answer,) = answers(engine, [request])
    (expected,) = answers(engine_of(tiny), [request])
    assert answer.choices == pytest.approx(expected.choices, abs=1e-4)


def test_the_common_prefix_leaves_every_prompt_a_token() -> None:
    assert common_prefix([(1, 2, 3), (1, 2, 4)]) == (1, 2)
    assert common_prefix([(1, 2), (1, 2)]) == (1,)
    assert common_prefix([(1, 2), (1, 2, 3)]) == (1,)
    assert common_prefix([(1,), (2,)]) == ()


SCHEMA = {
    "type": "object",
    "properties": {"sea": {"enum": [0, 1]}, "еда": {"enum": [0, 1]}, "mood": {"enum": ["good", "bad"]}},
}


def test_objects_are_well_formed_and_their_values_weighed(engine: TransformersEngine) -> None:
    requests = [asked(text, schema=SCHEMA, max_tokens=60) for text in SENTENCES]
    for request, answer in zip(requests, answers(engine, requests), strict=True):
        said = json.loads(answer.text)
        assert list(said) == ["sea", "еда", "mood"]
        assert "".join(token.text for token in answer.tokens) == answer.text
        written = plain_prompt(request.messages) + '{"sea":'
        first = answer.tokens[1]
        expected = {digit: alone(engine, written, digit) for digit in "01"}
        assert first.top == pytest.approx(expected, abs=1e-4)
        assert first.logprob == max(first.top.values())
        written += first.text + ',"еда":'
        assert answer.tokens[3].top == pytest.approx({d: alone(engine, written, d) for d in "01"}, abs=1e-4)


def test_free_text_is_the_models_greedy_continuation(engine: TransformersEngine) -> None:
    request = asked(SENTENCES[0], max_tokens=8)
    (answer,) = answers(engine, [request])
    loaded = engine._load()
    ids = torch.tensor([loaded.tokenizer(plain_prompt(request.messages))["input_ids"]])
    with torch.inference_mode():
        whole = loaded.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=8, pad_token_id=0
        )
    expected = whole[0, ids.shape[1] :].tolist()
    assert answer.text == loaded.decode(expected)
    assert "".join(token.text for token in answer.tokens) == answer.text
    assert all(token.top[token.text] == token.logprob for token in answer.tokens)
    assert all(math.exp(token.logprob) <= 1 for token in answer.tokens)
    (silent,) = answers(engine, [asked(SENTENCES[0], max_tokens=8, logprobs=False)])
    assert (silent.text, silent.tokens) == (answer.text, ())


def test_an_answer_ends_where_the_model_ends_it(tiny: Path) -> None:
    engine = engine_of(tiny)
    (whole,) = answers(engine, [asked(SENTENCES[0], max_tokens=4)])
    loaded = engine._load()
    third = loaded.tokenizer(plain_prompt(asked(SENTENCES[0]).messages) + whole.text)["input_ids"][-1]
    object.__setattr__(loaded, "ends", frozenset({third}))
    (cut,) = answers(engine, [asked(SENTENCES[0], max_tokens=4)])
    assert whole.text.startswith(cut.text)
    assert cut.completion_tokens < whole.completion_tokens


def broken(monkeypatch: pytest.MonkeyPatch, engine: TransformersEngine, fault: Any) -> list[int]:
    """Have the model fail where `fault` says so; returns the batch sizes that it sees."""
    model, seen = engine._load().model, []
    forward = model.forward

    def failing(input_ids: Any, attention_mask: Any, position_ids: Any, **told: Any) -> Any:
        seen.append(len(input_ids))
        fault(input_ids)
        return forward(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, **told)

    monkeypatch.setattr(model, "forward", failing)
    return seen


MEMORY_FAULTS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
    MemoryError(),
]


@pytest.mark.parametrize("fault", MEMORY_FAULTS)
def test_batches_halve_until_they_fit(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    engine = engine_of(tiny, batch=8)
    requests = [asked(f"{text} {text}", choices=("A", "B")) for text in SENTENCES * 3]
    expected = answers(engine_of(tiny), requests)

    def too_many(ids: Any) -> None:
        if len(ids) > 2:
            raise fault

    seen = broken(monkeypatch, engine, too_many)
    found = answers(engine, requests)
    assert [answer.text for answer in found] == [answer.text for answer in expected]
    assert sum(size > 2 for size in seen) == 2, "8, then 4, then never again"


def test_a_text_that_fails_is_set_aside(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(tiny)
    marked = engine._load().continuation(" ", "Q")[-1]

    def allergic(ids: Any) -> None:
        if (ids == marked).any():
            raise RuntimeError("a NaN in the middle of nowhere")

    broken(monkeypatch, engine, allergic)
    found = answers(engine, [asked(text, choices=("A", "B")) for text in [*SENTENCES, "Q"]])
    assert [answer.status for answer in found] == [Status.OK] * len(SENTENCES) + [Status.FAILED]
    assert "a NaN in the middle of nowhere" in found[-1].text
    (again, fine) = answers(engine, [asked("Q"), asked("x")])
    assert (again.status, fine.status) == (Status.FAILED, Status.OK)


def test_a_text_that_is_too_long_or_a_wrong_schema_fails_alone(engine: TransformersEngine) -> None:
    requests = [asked("word " * 600), asked("word"), asked("word", schema={"properties": {"a": {}}})]
    long, fine, wrong = answers(engine, requests)
    assert (long.status, fine.status, wrong.status) == (Status.FAILED, Status.OK, Status.FAILED)
    assert "the model reads 512" in long.text
    assert "'a' is no enumeration" in wrong.text


def test_requests_are_drawn_as_there_is_room(engine: TransformersEngine) -> None:
    drawn: list[int] = []

    def endless() -> Iterator[Request]:
        for number in range(10_000):
            drawn.append(number)
            yield asked(f"note {number}", choices=("A", "B"))

    stream = engine.generate(endless())
    next(stream)
    assert len(drawn) <= 4 * 4


def test_conversations_go_through_the_template(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "chatty"
    folder.mkdir()
    for path in tiny.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    request = asked(SENTENCES[0], choices=("A", "B"))
    engine = engine_of(folder)
    (answer,) = answers(engine, [request])
    prompt = f"<user>{RULES}\n\n{SENTENCES[0]}\nLetter:\n<assistant>"
    assert answer.choices == pytest.approx({name: alone(engine, prompt, name) for name in "AB"}, abs=1e-4)
    (plain,) = answers(engine_of(folder, chat=False), [request])
    assert plain.choices != pytest.approx(answer.choices, abs=1e-3)
    assert engine_of(folder).fingerprint != engine_of(tiny).fingerprint


def test_the_fingerprint_follows_weights_and_options_not_speed(tiny: Path, tmp_path: Path) -> None:
    first = engine_of(tiny).fingerprint
    assert engine_of(tiny, batch=2).fingerprint == first
    assert engine_of(tiny, chat=False).fingerprint != first
    other = saved(tmp_path / "tiny")
    assert engine_of(other).fingerprint == first, "the same model in another place"
    weights = other / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    assert engine_of(other).fingerprint != first


@pytest.mark.slow
def test_closing_frees_the_model_and_the_next_call_loads_it(tiny: Path) -> None:
    engine = engine_of(tiny)
    assert "cpu" in engine.capabilities().about
    engine.close()
    engine.close()
    assert engine._loaded is None
    assert engine.count("The harbour") > 0


def test_what_cannot_be_had_is_said(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    kept = tmp_path / "hub" / "models--owner--small" / "snapshots" / "1"
    kept.mkdir(parents=True)
    (kept / "config.json").write_text("{}")
    (kept / "model.safetensors").write_bytes(b"")
    lost = TransformersEngine(TransformersEngineConfig(model="owner/large"), folder=tmp_path)
    with pytest.raises(EngineError, match=r"'owner/large' cannot be had.*hub(.|\n)*owner/small"):
        lost.capabilities()
    with pytest.raises(EngineError, match="no folder"):
        engine_of(tmp_path / "some where").capabilities()
    with pytest.raises(EngineError, match="no Hugging Face model"):
        engine_of(kept.parent).capabilities()
    with pytest.raises(EngineError, match="cannot be loaded"):
        engine_of(kept).capabilities()
    with pytest.raises(EngineError, match="no chat template"):
        engine_of(tiny, chat=True).capabilities()
    with pytest.raises(EngineError, match=r"'abacus' cannot be used"):
        engine_of(tiny, device="abacus").capabilities()
    four = TransformersEngineConfig(model=str(tiny), four_bit=True, device="cpu")
    with pytest.raises(EngineError, match=r"Four-bit weights need(.|\n)*gguf"):
        TransformersEngine(four, folder=tmp_path).capabilities()


def test_a_temperature_draws_by_lot_and_none_takes_the_likeliest(tiny: Path) -> None:
    engine = engine_of(tiny, batch=32)
    ask = (Message("user", SENTENCES[0]),)

    def said(temperature: float, **form: Any) -> list[str]:
        request = Request(messages=ask, max_tokens=6, temperature=temperature, **form)
        return [generation.text for _, generation in engine.generate([request] * 32)]

    torch.manual_seed(1)
    assert len(set(said(0.0))) == 1
    assert len(set(said(1.5))) > 1
    assert len(set(said(0.0, choices=("A", "B", "C")))) == 1
    drawn = set(said(5.0, choices=("A", "B", "C")))
    assert len(drawn) > 1
    assert drawn <= {"A", "B", "C"}
