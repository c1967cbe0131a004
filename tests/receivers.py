"""A receiver of webhooks on loopback that answers as a test says, and remembers what it was told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Talk", int], None]
"""What the receiver does with a request and its number, from 1."""


@dataclass(frozen=True)
class Heard:
    """One request, as it arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The document in it."""
        told: dict[str, Any] = json.loads(self.body)
        return told


class Talk(BaseHTTPRequestHandler):
    """One request and its answer."""

    server: "_Server"

    def do_POST(self) -> None:
        """Remember it, then do as the test says."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        receiver = self.server.receiver
        with receiver.lock:
            receiver.heard.append(Heard(dict(self.headers), body))
            number = len(receiver.heard)
        receiver.answer(self, number)

    def do_GET(self) -> None:
        """Where a redirect would have led."""
        self.do_POST()

    def status(self, code: int, **headers: str) -> None:
        """Answer with a status and nothing else."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@dataclass
class Receiver:
    """What it heard, and how it answers."""

    answer: Answer
    heard: list[Heard] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    released: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def about(self) -> list[str]:
        """What the messages said became of things, in the order of their arrival."""
        return [str(each.event["data"]["about"]) for each in self.heard]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver

    def handle_error(self, *_: Any) -> None:
        """Who was cut off does not complain."""


@contextmanager
def receiving(answer: Answer) -> Iterator[Receiver]:
    """A receiver that listens as long as the block lasts."""
    server = _Server(("127.0.0.1", 0), Talk)
    server.receiver = receiver = Receiver(answer, port=server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()


def takes(talk: Talk, number: int) -> None:
    """All is well."""
    talk.status(204)


def hangs(talk: Talk, number: int) -> None:
    """Say nothing until the test is over."""
    talk.server.receiver.released.wait(60)


def drips(talk: Talk, number: int) -> None:
    """An answer that goes on for ever, a byte at a time, each soon enough for a time-out to begin anew."""
    talk.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not talk.server.receiver.released.is_set():
        talk.wfile.write(b"x")
        talk.wfile.flush()
        time.sleep(0.05)


def floods(talk: Talk, number: int) -> None:
    """A body without an end."""
    talk.send_response(200)
    talk.end_headers()
    while not talk.server.receiver.released.is_set():
        talk.wfile.write(b"x" * 65_536)
