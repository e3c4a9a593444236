"""Archives: what honest ones hold is written, and nothing of the others."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import random
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from alrnn_cli.errors import ExitCode, InputError, MachineError
from alrnn_cli.tasks.datasets import digest, extract, fetch_unpacked, locks, unpack

from .conftest import Server, remote

FILES = {"top/a.txt": b"a" * 3_000_000, "top/deep/er/b.wav": b"", "./list.txt": b"x\ny\n"}


def tar(*entries: tarfile.TarInfo | tuple[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as file:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                file.addfile(entry, io.BytesIO(b"x" * entry.size))
            else:
                info = tarfile.TarInfo(entry[0])
                info.size, info.mode = len(entry[1]), 0o4777
                file.addfile(info, io.BytesIO(entry[1]))
    return out.getvalue()


def member(name: str, kind: bytes, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            file.writestr(name, content)
    return out.getvalue()


def special(name: str, kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | 0o777) << 16
    return info


def everything(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def put(tmp_path: Path, content: bytes, name: str = "set.tar") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "set.tar": lambda t: t,
    "set.tar.gz": gzip.compress,
    "set.tgz": gzip.compress,
    "set.tar.xz": lzma.compress,
    "set.tar.bz2": bz2.compress,
    "any.name": gzip.compress,  # the content says what it is
}


@pytest.mark.parametrize("name", [*FORMS, "set.zip"])
def test_regular_files_are_written_once(tmp_path: Path, cache: Path, name: str) -> None:
    folders = [member("top", tarfile.DIRTYPE), member("empty/", tarfile.DIRTYPE)]
    made = tar(*folders, *FILES.items(), ("ä/" + "long" * 40, b"name"))
    content = (
        zipped(("top/", b""), *FILES.items(), ("ä/" + "long" * 40, b"name")) if name == "set.zip" else FORMS[name](made)
    )
    said: list[str] = []
    archive = put(tmp_path, content, name)
    folder = extract(archive, "set", said.append)
    expected = {k.removeprefix("./"): v for k, v in FILES.items()} | {"ä/" + "long" * 40: b"name"}
    assert everything(folder) == expected
    assert folder.parent == cache / "set" / "unpacked"
    assert folder.name.startswith("any.name-" if name == "any.name" else "set-")
    assert len(said) == 1 and str(archive) in said[0] and str(folder) in said[0]
    mode = (folder / "top/a.txt").stat().st_mode
    assert not mode & (stat.S_ISUID | stat.S_IXUSR)
    (folder / "list.txt").write_bytes(b"changed")
    assert extract(archive, "set", said.append) == folder
    assert (folder / "list.txt").read_bytes() == b"changed"
    assert len(said) == 1


def test_another_content_gets_another_folder(tmp_path: Path, cache: Path) -> None:
    one = extract(put(tmp_path, tar(("a", b"1"))), "set", lambda line: None)
    two = extract(put(tmp_path, tar(("a", b"2"))), "set", lambda line: None)
    assert (one / "a").read_bytes() + (two / "a").read_bytes() == b"12"


LINK = {"linkname": "/etc/passwd"}
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "symlink": (lambda: tar(member("l", tarfile.SYMTYPE, **LINK)), r"a link \(l\)"),
    "symlink to a folder, then through it": (
        lambda: tar(member("l", tarfile.SYMTYPE, linkname=".."), ("l/x", b"")), r"a link \(l\)",
    ),
    "hard link": (lambda: tar(("a", b"a"), member("l", tarfile.LNKTYPE, linkname="a")), r"a link \(l\)"),
    "fifo": (lambda: tar(member("f", tarfile.FIFOTYPE)), r"a device file \(f\)"),
    "character device": (lambda: tar(member("d", tarfile.CHRTYPE)), r"a device file \(d\)"),
    "block device": (lambda: tar(member("d", tarfile.BLKTYPE)), r"a device file \(d\)"),
    "sparse file": (lambda: tar(member("s", tarfile.GNUTYPE_SPARSE), form=tarfile.GNU_FORMAT), r"a sparse file \(s\)"),
    "absolute": (lambda: tar(("/tmp/x", b"x")), "leads out of its folder"),
    "parent": (lambda: tar(("a/../../x", b"x")), "leads out of its folder"),
    "parent at the end": (lambda: tar(member("a/..", tarfile.DIRTYPE)), "leads out of its folder"),
    "backslashes": (lambda: tar(("..\\x", b"x")), "leads out of its folder"),
    "drive": (lambda: tar(("C:x", b"x")), "leads out of its folder"),
    "a name too long": (lambda: tar(("x" * 300, b"x")), "a name that cannot be given"),
    "no name": (lambda: tar((".", b"x")), "in each other's way"),
    "twice": (lambda: tar(("a", b"1"), ("./a", b"2")), r"in each other's way \(a\)"),
    "file and folder": (lambda: tar(("a", b"1"), ("a/b", b"2")), "in each other's way"),
    "zip symlink": (lambda: zipped((special("l", stat.S_IFLNK), b"/etc/passwd")), r"a link \(l\)"),
    "zip device": (lambda: zipped((special("d", stat.S_IFCHR), b"")), r"a device file \(d\)"),
    "zip absolute": (lambda: zipped(("/tmp/x", b"x")), "leads out of its folder"),
    "zip parent": (lambda: zipped(("../x", b"x")), "leads out of its folder"),
    "not an archive": (lambda: b"<html>not found</html>", "no tar or zip, or a damaged one"),
    "empty": (lambda: b"", "no tar or zip, or a damaged one"),
    "cut gzip": (lambda: gzip.compress(tar(*FILES.items()))[:-100], "no tar or zip, or a damaged one"),
    "cut xz": (lambda: lzma.compress(tar(*FILES.items()))[:-100], "no tar or zip, or a damaged one"),
    "cut zip": (lambda: zipped(*FILES.items())[:-100], "no tar or zip, or a damaged one"),
    "cut in a file": (lambda: tar(*FILES.items())[:5000], "no tar or zip, or a damaged one"),
    "cut between files": (lambda: tar(("a", b"1"), ("b", b"2"))[:1024], "no tar or zip, or a damaged one"),
    "damaged header": (lambda: tar(("a", b"1"), ("b", b"2")).replace(b"b\0\0", b"c\0\0", 1), "no tar or zip, or a damaged one"),
    "damaged zip entry": (lambda: zipped(("a", bytes(range(256)))).replace(b"\x80", b"\x81", 1), "no tar or zip, or a damaged one"),
    "a header of 8 MiB": (lambda: tar(("x" * (8 << 20), b"")), "a header of"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused_leaves_nothing(tmp_path: Path, cache: Path, case: str) -> None:
    make, words = BAD[case]
    before = set(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=words) as caught:
        extract(put(tmp_path, make()), "set", lambda line: None)
    assert caught.value.code == ExitCode.INPUT
    assert "\n" not in caught.value.message + caught.value.hint
    left = {p for p in tmp_path.rglob("*") if p.is_file()} - before
    assert {p.name for p in left} - {"set.tar"} == {p.name for p in left if p.name.endswith(".lock")}


@pytest.mark.parametrize("make", [tar, zipped])
def test_damage_at_random_is_an_error_of_the_archive_or_harmless(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[..., bytes]
) -> None:
    monkeypatch.setattr(os, "sync", lambda: None, raising=False)
    whole = make(("top/ä.txt", b"a" * 600), ("b" * 120, b"b"))
    rng = random.Random(0)
    refused = 0
    for n in range(100):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 2, 5])):
            at = rng.randrange(min(len(content), 2048))
            if rng.random() < 0.7:
                content[at] = rng.randrange(256)
            else:
                del content[at : at + rng.randrange(1, 100)]
        try:
            extract(put(tmp_path, bytes(content)), "set", lambda line: None, hash=f"{n:012d}")
        except InputError:
            refused += 1
    assert refused > 40
    assert {p.name for p in tmp_path.iterdir()} == {"cache", "set.tar"}
    assert not [p for p in tmp_path.rglob("*") if p.is_symlink()]


@pytest.mark.parametrize("pack", [tar, zipped])
def test_caps(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[..., bytes]) -> None:
    monkeypatch.setattr(unpack, "LARGEST", 3000)
    monkeypatch.setattr(unpack, "MOST", 3)
    exactly = pack(("a", b"1" * 1000), ("b", b"2" * 2000), ("c/", b"") if pack is zipped else ("c", b""))
    assert len(everything(extract(put(tmp_path, exactly), "set", lambda line: None))) in (2, 3)
    with pytest.raises(InputError, match="GiB unpacked"):
        extract(put(tmp_path, pack(("a", b"1" * 1000), ("b", b"2" * 2001))), "set", lambda line: None)
    with pytest.raises(InputError, match="more than 3 entries"):
        extract(put(tmp_path, pack(*((str(n), b"") for n in range(4)))), "set", lambda line: None)
    assert len(list((cache / "set" / "unpacked").glob("*"))) == 1 + 3  # one folder, and the locks


def test_a_bomb_is_not_unpacked_to_its_end(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "LARGEST", 10 << 20)
    written: list[int] = []

    def remove(path: Path) -> None:
        written.extend(p.stat().st_size for p in path.rglob("*"))
        locks.remove(path)

    monkeypatch.setattr(unpack, "remove", remove)
    with pytest.raises(InputError, match="GiB unpacked"):
        extract(put(tmp_path, gzip.compress(tar(("zeros", bytes(50 << 20))), 1)), "set", lambda line: None)
    assert written == [10 << 20]


def test_an_encrypted_zip(tmp_path: Path, cache: Path) -> None:
    content = bytearray(zipped(("a", b"secret")))
    central = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[central + 8] |= 1
    with pytest.raises(InputError, match="an encrypted file"):
        extract(put(tmp_path, bytes(content)), "set", lambda line: None)


def test_a_half_finished_folder_does_not_count(tmp_path: Path, cache: Path) -> None:
    archive = put(tmp_path, tar(("a", b"1")))
    target = unpack.unpacked("set", archive.name, digest(archive))
    work = target.with_name(f".{target.name}.unpacking")
    work.mkdir(parents=True)
    (work / "stale").write_bytes(b"")
    assert everything(extract(archive, "set", lambda line: None)) == {"a": b"1"}
    assert not work.exists()


def test_an_interruption_leaves_no_folder(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = put(tmp_path, tar(("a", b"1")))

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "sync", interrupt, raising=False)
    with pytest.raises(KeyboardInterrupt):
        extract(archive, "set", lambda line: None)
    assert [p.name for p in (cache / "set" / "unpacked").iterdir() if not p.name.endswith(".lock")] == []


def test_a_full_disk(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "sync", full, raising=False)
    with pytest.raises(MachineError, match="No space left on device"):
        extract(put(tmp_path, tar(("a", b"1"))), "set", lambda line: None)


def test_no_such_archive(tmp_path: Path, cache: Path) -> None:
    for path in (tmp_path / "none.tar", tmp_path):
        with pytest.raises(InputError, match="no such archive"):
            extract(path, "set", lambda line: None)


def test_several_at_once_unpack_once(tmp_path: Path, cache: Path) -> None:
    archive = put(tmp_path, tar(*((f"{n}", b"x" * 1000) for n in range(50))))
    said: list[str] = []
    threads = [threading.Thread(target=extract, args=(archive, "set", said.append)) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sum("Unpacking" in line for line in said) == 1
    assert len(everything(unpack.unpacked("set", archive.name, digest(archive)))) == 50


def test_a_remote_archive_is_fetched_and_unpacked_and_then_not_needed(server: Server, cache: Path) -> None:
    server.bodies["set.tar.gz"] = gzip.compress(tar(*FILES.items()))
    file = remote(server, "ok", name="set.tar.gz", archive=True)
    folder = fetch_unpacked(file, lambda line: None)
    assert (folder / "list.txt").read_bytes() == b"x\ny\n"
    (cache / "set" / "set.tar.gz").unlink()
    assert fetch_unpacked(file, print) == folder
    assert len(server.asked) == 1
