"""Downloads: announced, checked, continued, done once, and whatever a mirror does, never half there."""

from __future__ import annotations

import dataclasses
import errno
import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alrnn_cli.errors import ExitCode, MachineError
from alrnn_cli.tasks import smnist
from alrnn_cli.tasks.datasets import cache_dir, digest, download, fetch

from .. import idx
from .conftest import BODY, NAME, Server, at_once, remote


def visible(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def hidden(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


def test_a_download_is_announced_checked_kept_and_not_repeated(server: Server, cache: Path) -> None:
    said: list[str] = []
    file = remote(server, "ok")
    path = fetch(file, said.append)
    assert path == cache / "set" / NAME
    assert path.read_bytes() == BODY
    assert visible(path.parent) == [NAME]
    assert hidden(path.parent) == [f".{NAME}.lock"]
    (line,) = said
    for word in (file.urls[0], str(path.parent), "0.7 MB", "--data"):
        assert word in line
    assert fetch(file, said.append) == path
    assert len(server.asked) == len(said) == 1


def test_a_damaged_copy_is_replaced(server: Server, cache: Path) -> None:
    path = cache / "set" / NAME
    path.parent.mkdir(parents=True)
    for damaged in (b"", BODY[:-1], BODY[:-1] + b"x"):
        path.write_bytes(damaged)
        assert fetch(remote(server, "ok"), print).read_bytes() == BODY
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("way", "tries", "words"),
    [
        ("missing", 1, "HTTP 404"),
        ("refused", 1, "HTTP 403"),
        ("broken", 3, "HTTP 500"),
        ("other", 1, "delivered other content (expected sha256:"),
        ("html", 1, "announces 22 bytes, expected 655,360"),
        ("longer", 1, "announces 1,155,360 bytes, expected 655,360"),
        ("endless", 1, "delivered more than the expected 655,360 bytes"),
    ],
)
def test_a_bad_mirror_is_an_error_and_leaves_nothing(
    server: Server, cache: Path, way: str, tries: int, words: str
) -> None:
    file = remote(server, way)
    with pytest.raises(MachineError) as caught:
        fetch(file, lambda line: None)
    assert caught.value.code == ExitCode.MACHINE
    assert words in caught.value.message
    assert file.urls[0] in caught.value.message
    assert "--data" in caught.value.hint and str(cache / "set") in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint
    assert len(server.asked) == tries
    assert os.listdir(cache / "set") == [f".{NAME}.lock"]


@pytest.mark.parametrize("way", ["recovers", "busy"])
def test_an_error_that_passes_is_tried_again(server: Server, cache: Path, way: str) -> None:
    said: list[str] = []
    assert fetch(remote(server, way), said.append).read_bytes() == BODY
    assert len(server.asked) == 2
    code = {"recovers": "HTTP 500", "busy": "HTTP 429"}[way]
    assert code in said[1] and "Trying again (2 of 3)" in said[1]


def test_a_redirection_is_followed(server: Server, cache: Path) -> None:
    assert fetch(remote(server, "moved"), lambda line: None).read_bytes() == BODY


def test_mirrors_are_tried_in_turn(server: Server, cache: Path) -> None:
    said: list[str] = []
    path = fetch(remote(server, "missing", "other", "html", "ok", "missing"), said.append)
    assert path.read_bytes() == BODY
    assert [p.split("/")[1] for p, _ in server.asked] == ["missing", "other", "html", "ok"]
    assert len(said) == 4


def test_what_broke_off_is_continued(server: Server, cache: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch(remote(server, "cut-once"), lambda line: None, lambda *p: seen.append(p))
    assert path.read_bytes() == BODY
    assert [r for _, r in server.asked] == [None, "bytes=327680-"]
    assert seen[-1] == (len(BODY), len(BODY))
    assert [got for got, _ in seen] == sorted({got for got, _ in seen})
    assert visible(path.parent) == [NAME]


def test_what_broke_off_is_continued_at_the_next_mirror_and_the_next_time(server: Server, cache: Path) -> None:
    with pytest.raises(MachineError, match=r"broke off after [\d,]+ of 655,360 bytes"):
        fetch(remote(server, "cut"), lambda line: None)
    part = cache / "set" / f".{NAME}.downloading" / "part"
    kept = part.stat().st_size
    assert 0 < kept < len(BODY)
    assert not (cache / "set" / NAME).exists()
    server.asked.clear()
    assert fetch(remote(server, "missing", "ok"), lambda line: None).read_bytes() == BODY
    assert [r for _, r in server.asked] == [f"bytes={kept}-"] * 2
    assert not part.parent.exists()


@pytest.mark.parametrize(("way", "asked"), [("no-ranges", 1), ("wrong-range", 2)])
def test_a_server_that_cannot_continue_begins_anew(server: Server, cache: Path, way: str, asked: int) -> None:
    part = cache / "set" / f".{NAME}.downloading" / "part"
    part.parent.mkdir(parents=True)
    part.write_bytes(BODY[:1000])
    assert fetch(remote(server, way), lambda line: None).read_bytes() == BODY
    assert [r for _, r in server.asked] == ["bytes=1000-", None][:asked]


@pytest.mark.parametrize("left", [b"garbage", BODY[:-1] + b"x", BODY + b"more"], ids=["start", "whole", "longer"])
def test_what_is_left_of_something_else_does_no_harm(server: Server, cache: Path, left: bytes) -> None:
    part = cache / "set" / f".{NAME}.downloading" / "part"
    part.parent.mkdir(parents=True)
    part.write_bytes(left)
    (part.parent / "tmpabc").write_bytes(b"")
    said: list[str] = []
    assert fetch(remote(server, "ok"), said.append).read_bytes() == BODY
    assert "Trying again" in said[1]
    assert not part.parent.exists()


def test_a_part_that_is_whole_is_not_transferred_again(server: Server, cache: Path) -> None:
    part = cache / "set" / f".{NAME}.downloading" / "part"
    part.parent.mkdir(parents=True)
    part.write_bytes(BODY)
    assert fetch(remote(server, "ok"), lambda line: None).read_bytes() == BODY
    assert server.asked == []


def test_a_silent_cut_is_noticed(server: Server, cache: Path) -> None:
    with pytest.raises(MachineError, match="broke off after"):
        fetch(remote(server, "cut-silently"), lambda line: None)
    assert fetch(remote(server, "cut-silently", "ok"), lambda line: None).read_bytes() == BODY


def test_a_server_that_stalls_is_given_up(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_TIMEOUT", 0.1)
    said: list[str] = []
    assert fetch(remote(server, "slow", "ok"), said.append).read_bytes() == BODY
    assert server.times("slow") == 3
    assert "no answer for" in said[1]


def test_an_unreachable_mirror_in_words(cache: Path, server: Server) -> None:
    file = dataclasses.replace(remote(server, "ok"), urls=("http://127.0.0.1:9/x",))
    with pytest.raises(MachineError, match="Connection refused") as caught:
        fetch(file, lambda line: None)
    assert "HTTPConnectionPool" not in caught.value.message


def test_progress_is_told_in_lines(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_PLAIN_SECONDS", 0.0)
    said: list[str] = []
    fetch(remote(server, "ok"), said.append)
    assert said[-1].startswith(f"{NAME}: 0.7 MB of 0.7 MB after ")


def test_md5_is_checked_where_nothing_better_is_published(server: Server, cache: Path) -> None:
    known = "md5:" + hashlib.md5(BODY).hexdigest()
    right = dataclasses.replace(remote(server, "ok"), hash=known)
    assert fetch(right, lambda line: None).read_bytes() == BODY
    assert fetch(right, lambda line: None).read_bytes() == BODY
    assert len(server.asked) == 1
    wrong = dataclasses.replace(remote(server, "other", name=NAME), hash=known, name="other.bin")
    with pytest.raises(MachineError, match="delivered other content"):
        fetch(wrong, lambda line: None)


def test_a_copy_packed_otherwise_counts_by_its_content(server: Server, cache: Path) -> None:
    file = remote(server, "missing", content_md5=hashlib.md5(b"content").hexdigest())
    path = cache / "set" / NAME
    path.parent.mkdir(parents=True)
    for packed in (b"content", gzip.compress(b"content"), gzip.compress(b"content", 1)):
        path.write_bytes(packed)
        assert fetch(file, print) == path
    assert server.asked == []
    path.write_bytes(gzip.compress(b"other"))
    with pytest.raises(MachineError):
        fetch(file, lambda line: None)


def test_a_folder_that_cannot_be_written(server: Server, cache: Path) -> None:
    cache.write_bytes(b"")
    with pytest.raises(MachineError, match="cannot be written") as caught:
        fetch(remote(server, "ok"), lambda line: None)
    assert "--cache FOLDER" in caught.value.hint and "ALRNN_CACHE" in caught.value.hint
    assert server.asked == []


def test_a_read_only_cache_serves_what_it_has(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = remote(server, "ok")
    fetch(file, lambda line: None)

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    # By the calls, since root may write anywhere.
    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(os, "open", refuse)
    assert fetch(file, print).read_bytes() == BODY
    with pytest.raises(MachineError, match="Read-only file system"):
        fetch(dataclasses.replace(file, name="other.bin"), print)


def test_a_full_disk_ends_with_exit_code_8(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match="No space left on device") as caught:
        fetch(remote(server, "ok", "ok"), lambda line: None)
    assert caught.value.code == ExitCode.MACHINE
    assert len(server.asked) == 1
    assert visible(cache / "set") == []


FETCH = """
from alrnn_cli.tasks.datasets import RemoteFile, fetch
import sys, pooch, requests, filelock
file = RemoteFile("set", "data.bin", (sys.argv[1],), int(sys.argv[2]), sys.argv[3])

def work():
    said = []
    path = fetch(file, said.append)
    return f"{path.stat().st_size} {sum(line.startswith('Downloading') for line in said)}"
"""


def test_twenty_processes_at_once_download_once(server: Server, cache: Path) -> None:
    file = remote(server, "ok")
    assert at_once(FETCH, file.urls[0], str(file.size), file.hash) == ["655360 0"] * 19 + ["655360 1"]
    assert len(server.asked) == 1


def test_the_lock_of_a_killed_process_is_no_obstacle(server: Server, cache: Path) -> None:
    url = f"{server.url}/slow/{NAME}"
    file = remote(server, "ok")
    command = [sys.executable, "-c", FETCH + "work()", url, str(file.size), file.hash]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    part = cache / "set" / f".{NAME}.downloading" / "part"
    while not (server.asked and part.is_file()):
        assert process.poll() is None
    process.kill()
    process.wait()
    said: list[str] = []
    assert fetch(file, said.append).read_bytes() == BODY
    assert not any("Waiting" in line for line in said)
    assert not part.parent.exists()


def test_smnist_without_a_folder_downloads_once(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files, server.bodies = idx.remote(idx.arrays(), f"{server.url}/ok")
    monkeypatch.setattr(smnist, "FILES", files)
    task = smnist.SequentialMNIST()
    assert server.asked == []
    assert task.describe_data().startswith("MNIST: 40 + 10 images")
    assert len(task.split("train")) == 36
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("Downloading") == len(server.asked) == 4
    smnist.SequentialMNIST().split("test")
    assert len(server.asked) == 4


def test_cache_folder_by_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ALRNN_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_dir() == tmp_path / "Library" / "Caches" / "alrnn"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_dir() == tmp_path / "local" / "alrnn"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_dir() == tmp_path / ".cache" / "alrnn"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "alrnn"
    monkeypatch.setenv("ALRNN_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"


def test_a_digest_follows_names_and_contents_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    assert digest(tmp_path / "file") == hashlib.sha256(BODY).hexdigest()
    folders = []
    for n, (one, two) in enumerate([("x", "y"), ("x", "y"), ("y", "x"), ("xy", "")]):
        folder = tmp_path / str(n)
        (folder / "b").mkdir(parents=True)
        (folder / "b" / "two").write_text(two)
        (folder / "a").write_text(one)
        folders.append(digest(folder))
    (tmp_path / "1" / ".lock").write_bytes(b"")
    assert digest(tmp_path / "1") == folders[0] == folders[1]
    assert len(set(folders)) == 3
    (tmp_path / "1" / "a").rename(tmp_path / "1" / "aa")
    assert digest(tmp_path / "1") != folders[1]
