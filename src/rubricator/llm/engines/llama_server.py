"""A llama.cpp server as a child process, which ends when its parent does.

A process of its own because llama.cpp answers some faults by aborting, and because a server in this
process would share its lock with the threads that ask it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import IO, Any

from rubricator.errors import EngineError, MissingExtraError

_POLL_SECONDS = 1.0
_KEPT_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How a server is started.

    `context` are the tokens that one request, question and answer, may have, `slots` the requests
    answered at the same time, `gpu_layers` the layers put on the GPU: -1 for as many as fit.
    """

    file: str
    context: int
    slots: int
    threads: int
    gpu_layers: int = -1


class LlamaServer:
    """The parent's side of a server; starting returns once the server listens.

    Raises:
        MissingExtraError: The package xllamacpp is absent.
        EngineError: The server ended instead of listening.
    """

    def __init__(self, settings: ServerSettings) -> None:
        command = [sys.executable, "-m", __name__, json.dumps(asdict(settings))]
        # Threads that spin while they wait for one another crawl wherever others use the processors.
        environment = {"OMP_WAIT_POLICY": "passive"} | dict(os.environ)
        self._process = subprocess.Popen(  # noqa: S603 - this very module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._output: list[str] = []
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()
        try:
            first = self._process.stdout.readline()
            self.address = self._address(first, settings)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Process number of the server."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process; harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def last_words(self) -> str:
        """The end of what the server wrote, for error messages."""
        return "\n".join(self._output[-5:])

    def _listen(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            self._output.append(line.decode("utf-8", "replace").rstrip())
            del self._output[:-_KEPT_LINES]

    def _address(self, line: bytes, settings: ServerSettings) -> str:
        report: dict[str, str] = json.loads(line) if line.strip() else {}
        if "address" in report:
            return report["address"]
        if "missing" in report:
            raise MissingExtraError(report["missing"], extra="llm", purpose="A local GGUF model")
        self._process.wait()
        self._listener.join()
        words = report.get("error") or self.last_words() or f"exit status {self._process.returncode}"
        raise EngineError(
            f"The llama.cpp server did not start with {settings.file}: {words}",
            fix="See whether the file is a whole GGUF model that this version of llama.cpp knows, and "
            "whether memory suffices: a smaller engine.context or engine.concurrency needs less.",
        )


def main() -> None:
    """The child's side: serve until the parent goes away or kills this process."""
    # A Ctrl-C in the terminal reaches children too; the parent decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    # llama.cpp writes what it likes to standard output, which belongs to the parent.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        # Kept in a name, or the server would end here.
        server = _server(ServerSettings(**json.loads(sys.argv[1])))
        report = {"address": server.listening_address}
    except ModuleNotFoundError as error:
        server, report = None, {"missing": error.name or "xllamacpp"}
    except (RuntimeError, ValueError, OSError) as error:
        server, report = None, {"error": str(error)}
    answers.write(json.dumps(report) + "\n")
    answers.flush()
    while server is not None:
        time.sleep(_POLL_SECONDS)


def _server(settings: ServerSettings) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = settings.file
    parameters.port = 0
    parameters.n_ctx = settings.context * settings.slots
    parameters.n_parallel = settings.slots
    parameters.n_gpu_layers = settings.gpu_layers
    parameters.cpuparams.n_threads = settings.threads
    parameters.cpuparams_batch.n_threads = settings.threads
    # Without the whole window a shared beginning of prompts is read again with every request.
    parameters.swa_full = True
    # Every slot its own room, so that no request fails because its neighbours are long.
    parameters.kv_unified = False
    # It would keep gigabytes of past prompts for conversations to come back to.
    parameters.cache_ram_mib = 0
    parameters.endpoint_metrics = True
    parameters.ui = False
    parameters.verbosity = 0
    return xllamacpp.Server(parameters)


def _end_with_input() -> None:
    """Standard input is a pipe from the parent: it ends when the parent lets go or dies."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def _end_with_parent(parent: int) -> None:
    """The pipe stays open where the parent's forked workers outlive it; its number changes all the same."""
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
