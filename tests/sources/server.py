"""A local server that speaks whatever it is told, honestly or not: 127.0.0.1 only."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

DRIP: tuple[bytes, float] = (b"2020-01-01,1.0\n" * 4096, 0.0)
"""Chunk of an endless body, and the seconds between two of them."""


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    compress: bool = False
    cut: int = 0  # bytes of the encoded body that are never sent
    honest_length: bool = True  # False: Content-Length is that of what is sent
    stall: float = 0.0
    endless: bool = False


@dataclass
class Request:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Vendor:
    """Answers by path; each call takes the next of the answers put there, and repeats the last."""

    def __init__(self) -> None:
        self.routes: dict[str, list[Answer | Callable[[Request], Answer]]] = {}
        self.requests: list[Request] = []
        self.url = ""

    def put(self, path: str, *answers: Answer | Callable[[Request], Answer]) -> None:
        self.routes[path] = list(answers)

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        queue = self.routes.get(request.path, [Answer(status=404, body=b"no")])
        found = queue.pop(0) if len(queue) > 1 else queue[0]
        return found(request) if callable(found) else found


@contextmanager
def serving() -> Iterator[Vendor]:
    vendor = Vendor()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            answer = vendor.answer(Request(parts.path, query, {k.lower(): v for k, v in self.headers.items()}))
            time.sleep(answer.stall)
            body = gzip.compress(answer.body) if answer.compress else answer.body
            sent = body[: len(body) - answer.cut]
            self.send_response(answer.status)
            if answer.compress:
                self.send_header("Content-Encoding", "gzip")
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.endless:
                self.send_header("Connection", "close")
                self.end_headers()
                self._drip()
                return
            self.send_header("Connection", "close")
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(body if answer.honest_length else sent)))
            self.end_headers()
            self.close_connection = True
            try:
                self.wfile.write(sent)
            except (BrokenPipeError, ConnectionResetError):
                return

        def _drip(self) -> None:
            chunk, pause = DRIP
            try:
                for _ in range(40_000):
                    self.wfile.write(chunk)
                    time.sleep(pause)
            except (BrokenPipeError, ConnectionResetError):
                return

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
