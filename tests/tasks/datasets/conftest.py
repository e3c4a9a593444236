"""A server on this machine's loopback address that fails in every way that servers fail, and a cache folder of the test's own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alrnn_cli.tasks.datasets import RemoteFile

BODY = bytes(range(256)) * 2560  # 655,360 bytes: ten chunks
NAME = "data.bin"


class Server(ThreadingHTTPServer):
    """/WAY/NAME answers in the way that `Handler.ways` describes; `asked` lists the paths and ranges asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.bodies: dict[str, bytes] = {NAME: BODY}
        self.gate = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def times(self, way: str) -> int:
        return sum(path.startswith(f"/{way}/") for path, _ in self.asked)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked_range = self.headers.get("Range")
        self.server.asked.append((self.path, asked_range))
        _, way, name = self.path.split("/")
        body = self.server.bodies[name]
        start = int(asked_range.removeprefix("bytes=").removesuffix("-")) if asked_range else 0
        codes = {"missing": 404, "refused": 403, "broken": 500}
        if way == "recovers" and self.server.times(way) == 1:
            codes["recovers"] = 500
        if way == "busy" and self.server.times(way) == 1:
            codes["busy"] = 429
        if code := codes.get(way):
            self.send_error(code)
            return
        if way == "moved":
            self.send_response(302)
            self.send_header("Location", f"/ok/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if way == "other":
            body = body[:-1] + b"x"
        elif way == "html":
            body = b"<html>not found</html>"
        elif way in ("longer", "endless"):
            body = body + b"x" * 500_000
        if start >= len(body):
            self.send_error(416)
            return
        partial = start and way != "no-ranges"
        sent = body[start:] if partial else body
        self.send_response(206 if partial else 200)
        if partial:
            shift = 7 if way == "wrong-range" else 0
            self.send_header("Content-Range", f"bytes {start + shift}-{len(body) - 1}/{len(body)}")
        if way not in ("endless", "cut-silently"):
            self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if way in ("cut", "cut-silently") or (way == "cut-once" and not start):
            sent = sent[: len(sent) // 2]
        if way == "slow":
            self.wfile.write(sent[:1000])
            self.wfile.flush()
            self.server.gate.wait(10)
            return
        self.wfile.write(sent)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder; it is not there yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ALRNN_CACHE", str(folder))
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server; tries at it follow each other at once."""
    import pooch.core

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(pooch.core.time, "sleep", lambda seconds: None)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.gate.set()
        running.shutdown()
        thread.join()


def remote(server: Server, *ways: str, name: str = NAME, **fields: object) -> RemoteFile:
    """A file with one mirror for each way."""
    body = server.bodies[name]
    urls = tuple(f"{server.url}/{way}/{name}" for way in ways)
    sha256 = "sha256:" + hashlib.sha256(body).hexdigest()
    return RemoteFile("set", name, urls, len(body), sha256, **fields)  # type: ignore[arg-type]


TOGETHER = """
import os
inside, outside = os.pipe()
for _ in range(20):
    if os.fork() == 0:
        os.close(outside)
        os.read(inside, 1)  # until the parent closes its end: all begin together
        os.write(1, (work() + chr(10)).encode())
        os._exit(0)
os.close(outside)
for _ in range(20):
    assert os.wait()[1] == 0
"""


def at_once(script: str, *arguments: str) -> list[str]:
    """What twenty processes that all call the script's `work()` at the same moment say, sorted."""
    command = [sys.executable, "-c", script + TOGETHER, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.splitlines())
