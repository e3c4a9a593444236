"""Sequential MNIST: name the digit after seeing its pixels one by one."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InputError, UsageError
from ..lazy import lazy
from ..records import Trials
from .base import Option, Phase, Task
from .datasets import RemoteFile, fetch
from .datasets.idx import md5, parse_idx, read_content
from .scores import accuracy, cross_entropy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def _remote(name: str, size: int, sha256: str, content_md5: str) -> RemoteFile:
    urls = tuple(mirror + name for mirror in _MIRRORS)
    return RemoteFile("mnist", name, urls, size, f"sha256:{sha256}", content_md5=content_md5)


FILES = {
    "train images": _remote(
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "6bbc9ace898e44ae57da46a324031adb",
    ),
    "train labels": _remote(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "a25bea736e30d166cdddb491f175f624",
    ),
    "test images": _remote(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "2646ac647ad5339dbf082846283269ea",
    ),
    "test labels": _remote(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "27ae3e4e09519cfbb04c329615203637",
    ),
}
_SIDE = 28
_VALIDATION_SHARE = 10  # one in ten of the training images
_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class _Images:
    """The four files.

    train, test: (n, 784) uint8; their labels: (n,) int64; standard: whether all four are MNIST's own.
    """

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    standard: bool
    sha256: str


class SequentialMNIST(Task):
    """Pixels s_t in [0, 1], row by row from the top left, T = 784; at T name the digit.

    Files are read at first use and not before, so that help and a dry run need none.
    Source: Le, Jaitly & Hinton 2015 (sequence and permuted sequence); images of LeCun et al. 1998.
    """

    name = "smnist"
    summary = "name a handwritten digit after seeing its 784 pixels one by one"
    description = (
        "Each step shows one pixel of a 28 × 28 image, row by row, scaled to [0, 1]. At the last step the largest of "
        "ten outputs must be the digit's. With permuted=true all images are shown in one fixed random order of pixels."
    )
    citation = (
        "Le, Jaitly & Hinton 2015, arXiv 1504.00941; LeCun et al. 1998, Proc. IEEE 86(11); "
        "Brenner & Koppe 2025, arXiv 2506.07919"
    )
    options = (
        Option("permuted", False, "show the pixels in one fixed random order"),
        Option("permutation_seed", 0, "which order, where permuted=true", minimum=0),
        Option("train", 0, "training images, 0 for all", unit="trials", minimum=0),
        Option("validation", 0, "validation images, 0 for all", unit="trials", minimum=0),
        Option("test", 0, "test images, 0 for all", unit="trials", minimum=0),
    )
    needs_data = True
    remote = tuple(FILES.values())
    encoder = "conv1d"
    # docs/recipes.md says what was tried.
    recipe: ClassVar[dict[str, Any]] = {
        "M": 100,
        "P": 5,
        "init": "rotation",
        "period_min": 7.0,
        "input_scale": 0.03,
        "batch": 32,
        "epochs": 10.0,
        "lr": 6e-3,
        "lr_recurrent": 0.05,
        "schedule": "cosine",
        "warmup": 0.05,
        "clip": 1.0,
        "tau": 0.0,
        "eval_every": 0.25,
    }
    paper_recipe: ClassVar[dict[str, Any]] = {
        "M": 100,
        "P": 5,
        "init": "paper",
        "batch": 64,
        "epochs": 100.0,
        "lr": 1e-3,
        "schedule": "cosine",
        "clip": 5.0,
        "tau": 0.1,
        "readout_bias": True,
        "z0": "noise",
    }

    K = 1
    N = 10
    T = _SIDE * _SIDE
    input_names = ("pixel",)
    output_names = tuple("0123456789")
    condition_names = tuple("0123456789")
    phases = (Phase("image", "the whole image; its constant input is the mean encoded pixel", None),)
    loss = "cross_entropy"
    scored = "last"
    metrics = {"accuracy": "max", "cross_entropy": "min"}
    chance = {"accuracy": 0.1, "cross_entropy": math.log(10)}

    def __init__(self, options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(options, **kwargs)
        self._loaded: _Images | None = None
        self._splits: dict[str, Trials] = {}

    def split(self, which: str) -> Trials:
        """The trials of `which`: made once, shared by all who ask.

        Errors: InputError for missing or malformed files, MachineError where a download fails, UsageError where more
        images are asked for than there are.
        """
        if which not in self._splits:
            images = self._images()
            index = self._index(which)
            if which == "test":
                pixels, labels = images.test[index], images.test_labels[index]
            else:
                pixels, labels = images.train[index], images.train_labels[index]
            self._splits[which] = self._trials(pixels, labels)
        return self._splits[which]

    def score(self, outputs: np.ndarray, trials: Trials) -> dict[str, float]:
        return {
            "accuracy": accuracy(outputs, trials.targets),
            "cross_entropy": cross_entropy(outputs, trials.targets),
        }

    def fingerprint(self) -> str:
        """sha256 of the four files' uncompressed content, in the order of FILES."""
        return self._images().sha256

    def describe_data(self) -> str:
        images = self._images()
        kind = "MNIST" if images.standard else "not the standard MNIST files"
        counts = " / ".join(f"{len(self._index(which)):,} {which}" for which in _SPLITS)
        return f"{kind}: {len(images.train):,} + {len(images.test):,} images of {_SIDE} × {_SIDE}; {counts}"

    def pixel_order(self) -> np.ndarray:
        """(784,) int: which pixel each step shows."""
        if self.opt["permuted"]:
            return np.random.default_rng(self.opt["permutation_seed"]).permutation(self.T)
        return np.arange(self.T)

    def _index(self, which: str) -> np.ndarray:
        """Which images of their file make up a split.

        The test file in its own order; the training file shuffled and cut 90/10.
        """
        images = self._images()
        if which == "test":
            every = np.arange(len(images.test))
        else:
            order = np.random.default_rng([self.eval_seed, 4]).permutation(len(images.train))
            cut = len(order) - max(1, len(order) // _VALIDATION_SHARE)
            every = order[:cut] if which == "train" else order[cut:]
        wanted = self.opt[which]
        if wanted > len(every):
            raise UsageError(
                f"--task-opt {which}={wanted} (task {self.name}): there are {len(every):,} {which} images.",
                f"Use at most {len(every)}, or 0 for all.",
            )
        return every[:wanted] if wanted else every

    def _trials(self, pixels: np.ndarray, labels: np.ndarray) -> Trials:
        n = len(labels)
        inputs = pixels[:, self.pixel_order()].astype(np.float32)
        inputs /= np.float32(255)
        mask = np.zeros((n, self.T), bool)
        mask[:, -1] = True
        return Trials(
            inputs=inputs[:, :, None],
            targets=labels,
            mask=mask,
            lengths=np.full(n, self.T, np.int64),
            conditions=labels.copy(),
            phases=np.zeros((n, self.T), np.int8),
        )

    def _images(self) -> _Images:
        if self._loaded is None:
            self._loaded = self._read()
        return self._loaded

    def _read(self) -> _Images:
        if self.data is None:
            paths = {part: fetch(file, self.say) for part, file in FILES.items()}
        else:
            paths = _find(Path(self.data).expanduser())
        contents = {part: read_content(path) for part, path in paths.items()}
        train, train_labels = _pair("train", contents, paths)
        test, test_labels = _pair("test", contents, paths)
        if len(train) < 2:
            raise InputError(
                f"{paths['train images']}: 1 image, need at least 2 to split into training and validation.",
                "Give a folder with more images: --data FOLDER.",
            )
        digest = hashlib.sha256()
        for part in FILES:
            digest.update(contents[part])
        standard = all(md5(contents[part]) == file.content_md5 for part, file in FILES.items())
        return _Images(train, train_labels, test, test_labels, standard, digest.hexdigest())


def _find(folder: Path) -> dict[str, Path]:
    """The four files in a folder, packed or not, under either of the names in use. Errors: InputError."""
    hint = "Point --data to the folder with the four IDX files, or leave it out to download them."
    if not folder.is_dir():
        state = "is a file, not a folder" if folder.exists() else "no such folder"
        raise InputError(f"--data {folder}: {state}.", hint)
    found: dict[str, Path] = {}
    missing = []
    for part, file in FILES.items():
        plain = file.name.removesuffix(".gz")
        dotted = plain.replace("-idx", ".idx")
        candidates = [folder / name for base in (plain, dotted) for name in (base, base + ".gz")]
        path = next((c for c in candidates if c.is_file()), None)
        if path is None:
            missing.append(plain)
        else:
            found[part] = path
    if missing:
        raise InputError(f"--data {folder}: {', '.join(missing)} not found there (with or without .gz).", hint)
    return found


def _pair(which: str, contents: dict[str, bytes], paths: dict[str, Path]) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 784) uint8 and labels (n,) int64 of "train" or "test". Errors: InputError."""
    images_path, labels_path = paths[f"{which} images"], paths[f"{which} labels"]
    x = parse_idx(contents[f"{which} images"], 3, images_path)
    y = parse_idx(contents[f"{which} labels"], 1, labels_path)
    if x.shape[1:] != (_SIDE, _SIDE):
        raise InputError(
            f"{images_path}: images of {x.shape[1]} × {x.shape[2]} pixels, expected {_SIDE} × {_SIDE}.",
            "For other sequences write an .npz and use --task custom.",
        )
    if not len(x):
        raise InputError(f"{images_path}: holds no images.", "Give a folder with MNIST's files: --data FOLDER.")
    if len(x) != len(y):
        raise InputError(
            f"{labels_path}: {len(y):,} labels for {len(x):,} images in {images_path.name}.",
            "The two must match one to one.",
        )
    if (y > 9).any():
        raise InputError(
            f"{labels_path}: label {int(y.max())} (image {int(np.argmax(y > 9))}, counting from 0), expected 0 to 9.",
            "For other labels write an .npz and use --task custom.",
        )
    return x.reshape(len(x), -1), y.astype(np.int64)


TASK = SequentialMNIST
