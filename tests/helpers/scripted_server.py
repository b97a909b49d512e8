"""An OpenAI-compatible server that does what a real one won't do on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rubricator.llm.engines.engine import Message, Request

PROBE = "Say hello."


@dataclass
class Reply:
    """What is sent: `body` as it is if it is bytes; cut off after half of it; or not at all."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    half: bool = False
    silent: bool = False


def said(text: str, **more: Any) -> Reply:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} | more
    return Reply({"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 2}})


def refused(status: int, message: str, *, code: str = "", **headers: str) -> Reply:
    return Reply({"error": {"message": message, "code": code}}, status, headers)


class Script:
    """Answers probes as a server without any extras would, and everything else as a test says."""

    def __init__(self) -> None:
        self.probe: Callable[[dict], Reply] = lambda body: said("hello")
        self.answer: Callable[[dict], Reply] = lambda body: said("A")
        self.pages: dict[str, Any] = {"/v1/models": {"data": [{"id": "small-model"}, {"id": "large-model"}]}}
        self.bodies: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.flying = self.peak = 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.url = ""

    def __call__(self, path: str, body: dict, headers: dict[str, str]) -> Reply:
        if path.endswith("/tokenize"):
            return Reply({"count": len(body["prompt"].split()), "tokens": body["prompt"].split()})
        if body.get("messages", [{}])[-1].get("content") == PROBE:
            return self.probe(body)
        with self.lock:
            self.bodies.append(body)
            self.headers.append(headers)
            self.flying += 1
            self.peak = max(self.peak, self.flying)
        try:
            return self.answer(body)
        finally:
            with self.lock:
                self.flying -= 1


@contextmanager
def serve() -> Iterator[Script]:
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            page = script.pages.get(self.path)
            self.send(Reply(page) if page is not None else refused(404, "no such page"))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send(script(self.path, body, dict(self.headers)))

        def send(self, reply: Reply) -> None:
            if reply.silent:
                script.over.wait(20)
                self.close_connection = True
                return
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if reply.half else data)
            self.close_connection = reply.half

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *args: Any) -> None:
            """Clients that hang up are part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def in_turn(*replies: Reply) -> Callable[[dict], Reply]:
    """One after the other, and the last one for ever."""
    left = list(replies)
    lock = threading.Lock()

    def answer(body: dict) -> Reply:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return answer


def question(text: str = "Which letter?", **more: Any) -> Request:
    return Request(**{"messages": (Message("user", text),), "max_tokens": 4} | more)
