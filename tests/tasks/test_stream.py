"""Files of a dataset come the same from its folder and from its tar, and nothing else comes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from alrnn_cli.errors import InputError
from alrnn_cli.tasks.datasets import stream

FILES = {"top/b/2.txt": b"two", "top/a/1.txt": b"one", "top/a/skip.bin": b"no"}


def wanted(name: str) -> bool:
    return name.endswith(".txt")


def write_tar(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_a_tar_gives_what_is_wanted_in_its_order(tmp_path: Path, mode: str) -> None:
    path = write_tar(tmp_path / "x", FILES, mode)
    assert list(stream.members(path, wanted)) == [("top/b/2.txt", b"two"), ("top/a/1.txt", b"one")]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_gives_the_same_in_the_order_of_names(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", FILES)
    assert list(stream.members(folder, wanted)) == [("top/a/1.txt", b"one"), ("top/b/2.txt", b"two")]


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"secret")
    folder = write_folder(tmp_path / "x", FILES)
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "links").symlink_to(tmp_path, target_is_directory=True)
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(folder, "x")
    assert {content for _, content in stream.members(folder, wanted)} == {b"one", b"two"}
    with pytest.raises(InputError, match="a link"):
        list(stream.members(tmp_path / "x.tar", wanted))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_a_tar_that_is_cut_off(tmp_path: Path, mode: str) -> None:
    import random

    big = {f"{i}.txt": random.Random(i).randbytes(4000) for i in range(20)}
    path = write_tar(tmp_path / "x", big, mode)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="no tar or zip, or a damaged one") as caught:
        list(stream.members(path, wanted))
    assert str(path) in caught.value.message


@pytest.mark.parametrize("content", [b"", b"hello" * 1000, b"\x1f\x8b" + b"\xff" * 600])
def test_no_tar_at_all(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match="no tar or zip"):
        list(stream.members(tmp_path / "x", wanted))


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        list(stream.members(tmp_path / "x", wanted))


def test_a_file_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_LARGEST", 2)
    for path in (write_tar(tmp_path / "x.tar", FILES), write_folder(tmp_path / "x", FILES)):
        with pytest.raises(InputError, match="larger than"):
            list(stream.members(path, wanted))
