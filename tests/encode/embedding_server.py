"""An embedding service on this machine that answers as it is told: right, wrong, late, or not at all."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

DIM = 12


def vector(text: str) -> list[float]:
    """A direction for each text, the same in every process."""
    X = np.random.default_rng(list(text.encode()) or 0).normal(size=DIM)
    return (X / np.linalg.norm(X)).astype(np.float32).tolist()


def embeddings(texts: list[str]) -> dict[str, Any]:
    return {"object": "list", "data": [{"index": i, "embedding": vector(text)} for i, text in enumerate(texts)]}


Answer = tuple[int, bytes, dict[str, str]]
"""Status, body and headers."""


def right(asked: dict[str, Any]) -> Answer:
    return 200, json.dumps(embeddings(asked["input"])).encode(), {}


def status(code: int, message: str = "", **headers: str) -> Callable[[dict[str, Any]], Answer]:
    """An answer that is an error; `Retry_After="1"` becomes a header."""
    body = json.dumps({"error": {"message": message}}).encode()
    return lambda asked: (code, body, {name.replace("_", "-"): value for name, value in headers.items()})


class Service(ThreadingHTTPServer):
    """Answers with `script`, one entry a request, and rightly when that is used up."""

    daemon_threads = True

    def __init__(self, *script: Callable[[dict[str, Any]], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = list(script)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def sizes(self) -> list[int]:
        return [len(asked["input"]) for asked in self.asked]

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked | {"path": self.path})
        self.server.headers.append(dict(self.headers))
        code, body, headers = (self.server.script.pop(0) if self.server.script else right)(asked)
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.server.asked.append({"input": [], "path": self.path})
        self.send_error(405)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def service(*script: Callable[[dict[str, Any]], Answer]) -> Iterator[Service]:
    running = Service(*script)
    try:
        yield running
    finally:
        running.close()
