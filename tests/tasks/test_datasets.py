"""Downloads against a server on this machine's loopback address, and where they are kept."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alrnn_cli.errors import MachineError
from alrnn_cli.tasks import datasets, smnist

from . import idx

FILES, BODIES = idx.remote(idx.arrays())
FILE = FILES["train labels"]


class Handler(BaseHTTPRequestHandler):
    """/ok/NAME delivers the file; the other folders each fail in their own way."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        _, way, name = self.path.split("/")
        body = BODIES[name]
        if way == "missing":
            self.send_error(404)
            return
        self.send_response(200)
        other = BODIES["t10k-labels-idx1-ubyte.gz"]
        sent = {"other": other, "html": b"<html>", "endless": b"x" * 500_000}.get(way, body)
        if way == "cut-silently":
            sent = body[:-20]
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent[:-20] if way == "cut" else sent)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Handler.asked.clear()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_a_download_is_announced_checked_and_kept(server: str, tmp_path: Path) -> None:
    folder, said = tmp_path / "new" / "mnist", []
    content = datasets.fetch(FILE, [f"{server}/ok/"], folder, said.append)
    assert datasets.md5(content) == FILE.md5
    assert [p.name for p in folder.iterdir()] == [FILE.name]
    (line,) = said
    for word in (f"{server}/ok/{FILE.name}", str(folder), "kB", "--data FOLDER"):
        assert word in line
    assert datasets.fetch(FILE, [f"{server}/ok/"], folder, said.append) == content
    assert len(Handler.asked) == len(said) == 1


def test_a_damaged_copy_in_the_cache_is_replaced(server: str, tmp_path: Path) -> None:
    for damaged in (b"", b"\x1f\x8bxx", BODIES["t10k-labels-idx1-ubyte.gz"]):
        (tmp_path / FILE.name).write_bytes(damaged)
        datasets.fetch(FILE, [f"{server}/ok"], tmp_path, lambda line: None)
        assert (tmp_path / FILE.name).read_bytes() == BODIES[FILE.name]


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("missing", "HTTP 404"),
        ("other", "delivered other content"),
        ("html", "delivered other content"),
        ("cut", "broke off after"),
        ("cut-silently", "delivered a damaged file"),
        ("endless", "delivered more than"),
    ],
)
def test_a_bad_mirror_is_an_error_and_leaves_nothing(server: str, tmp_path: Path, way: str, words: str) -> None:
    with pytest.raises(MachineError) as caught:
        datasets.fetch(FILE, [f"{server}/{way}"], tmp_path, lambda line: None)
    assert words in caught.value.message
    assert f"{server}/{way}/{FILE.name}" in caught.value.message
    assert "--data FOLDER" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_the_next_mirror_is_tried(server: str, tmp_path: Path) -> None:
    said: list[str] = []
    datasets.fetch(FILE, [f"{server}/missing", f"{server}/cut", f"{server}/ok"], tmp_path, said.append)
    assert len(said) == 3


def test_an_unreachable_mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    with pytest.raises(MachineError, match="refused"):
        datasets.fetch(FILE, [f"http://127.0.0.1:{port}"], tmp_path, lambda line: None)


def test_a_cache_that_cannot_be_made(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MachineError, match="cannot be written") as caught:
        datasets.fetch(FILE, [f"{server}/ok"], tmp_path / "file" / "mnist", lambda line: None)
    assert "ALRNN_CACHE" in caught.value.hint


def test_smnist_without_a_folder_downloads_once(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALRNN_CACHE", str(tmp_path))
    monkeypatch.setattr(smnist, "FILES", FILES)
    monkeypatch.setattr(smnist, "MIRRORS", (f"{server}/ok/",))
    task = smnist.SequentialMNIST()
    assert Handler.asked == []
    assert task.describe_data().startswith("MNIST: 40 + 10 images")
    assert len(task.split("train")) == 36
    assert len(Handler.asked) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("Downloading") == 4
    smnist.SequentialMNIST().split("test")
    assert len(Handler.asked) == 4


def test_cache_folder_by_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ALRNN_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert datasets.cache_dir() == tmp_path / "Library" / "Caches" / "alrnn"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert datasets.cache_dir() == tmp_path / "local" / "alrnn"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert datasets.cache_dir() == tmp_path / ".cache" / "alrnn"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert datasets.cache_dir() == tmp_path / "xdg" / "alrnn"
    monkeypatch.setenv("ALRNN_CACHE", str(tmp_path / "own"))
    assert datasets.cache_dir() == tmp_path / "own"
