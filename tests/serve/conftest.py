"""A real server on a free port of this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from rubricator.predict import Predictor


@contextmanager
def running(app: FastAPI, **options: Any) -> Iterator[str]:
    """Run the application in a thread, with options of uvicorn; yields its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not server.started:
                assert thread.is_alive(), "the server stopped while starting"
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture(scope="session")
def run_app() -> Callable[..., object]:
    """The context manager that runs an application."""
    return running


@pytest.fixture(scope="session")
def predictor(linear_artifact) -> Predictor:
    """The model served in most tests."""
    return Predictor.load(linear_artifact)
