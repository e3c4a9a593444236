"""Tiny datasets in MNIST's format."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np

from alrnn_cli.tasks.datasets import RemoteFile


def pack(x: np.ndarray) -> bytes:
    """An array of unsigned bytes as an IDX file."""
    head = bytes([0, 0, 8, x.ndim]) + np.array(x.shape, ">u4").tobytes()
    return head + x.astype(np.uint8).tobytes()


def arrays(train: int = 40, test: int = 10) -> dict[str, np.ndarray]:
    """Random images and labels, by the parts' names in smnist.FILES."""
    rng = np.random.default_rng(0)
    return {
        "train images": rng.integers(0, 256, (train, 28, 28)),
        "train labels": rng.integers(0, 10, train),
        "test images": rng.integers(0, 256, (test, 28, 28)),
        "test labels": rng.integers(0, 10, test),
    }


NAMES = {
    "train images": "train-images-idx3-ubyte",
    "train labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}


def write(
    folder: Path, content: dict[str, np.ndarray] | None = None, *, packed: bool = False, dotted: bool = False
) -> None:
    """Four files in a folder, under one of the names in use."""
    for part, x in (content or arrays()).items():
        name = NAMES[part].replace("-idx", ".idx") if dotted else NAMES[part]
        raw = pack(x)
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(raw) if packed else raw)


def remote(content: dict[str, np.ndarray], server: str) -> tuple[dict[str, RemoteFile], dict[str, bytes]]:
    """What smnist.FILES would hold for these arrays on a server, and what that would deliver by file name."""
    files, bodies = {}, {}
    for part, x in content.items():
        raw = pack(x)
        body = gzip.compress(raw)
        name = NAMES[part] + ".gz"
        sha256 = "sha256:" + hashlib.sha256(body).hexdigest()
        files[part] = RemoteFile(
            "mnist", name, (f"{server}/{name}",), len(body), sha256, content_md5=hashlib.md5(raw).hexdigest()
        )
        bodies[name] = body
    return files, bodies
