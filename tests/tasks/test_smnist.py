"""Sequential MNIST from tiny generated files: reading, splitting, and every way the files can be wrong."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.tasks.smnist import SequentialMNIST

from . import idx

MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist"


def task(folder: Path, **options: object) -> SequentialMNIST:
    return SequentialMNIST(options, data=str(folder))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
def test_files_are_found_under_each_name(tmp_path: Path, packed: bool, dotted: bool) -> None:
    content = idx.arrays()
    idx.write(tmp_path, content, packed=packed, dotted=dotted)
    trials = task(tmp_path).split("test")
    expected = (content["test images"].reshape(10, 784, 1) / 255).astype(np.float32)
    np.testing.assert_allclose(trials.inputs, expected, rtol=1e-6)
    np.testing.assert_array_equal(trials.targets, content["test labels"])
    assert trials.inputs.dtype == np.float32
    assert trials.inputs.max() == 1
    assert trials.targets.dtype == np.int64
    assert (trials.mask == (np.arange(784) == 783)).all()
    np.testing.assert_array_equal(trials.conditions, trials.targets)


def test_splits_are_disjoint_complete_and_follow_eval_seed(tmp_path: Path) -> None:
    content = idx.arrays()
    idx.write(tmp_path, content)
    one, two = SequentialMNIST(data=str(tmp_path), seed=1), SequentialMNIST(data=str(tmp_path), seed=2)
    np.testing.assert_array_equal(one.split("train").inputs, two.split("train").inputs)
    other = SequentialMNIST(data=str(tmp_path), eval_seed=1)
    assert not np.array_equal(one.split("validation").inputs, other.split("validation").inputs)
    assert (len(one.split("train")), len(one.split("validation")), len(one.split("test"))) == (36, 4, 10)
    seen = {x.tobytes() for which in ("train", "validation") for x in one.split(which).inputs}
    assert len(seen) == 40


def test_options_limit_and_permute(tmp_path: Path) -> None:
    idx.write(tmp_path)
    plain, limited = task(tmp_path), task(tmp_path, train=5, validation=2, test="3")
    assert [len(limited.split(w)) for w in ("train", "validation", "test")] == [5, 2, 3]
    np.testing.assert_array_equal(limited.split("train").inputs, plain.split("train").inputs[:5])
    permuted = task(tmp_path, permuted=True, permutation_seed=7)
    order = np.random.default_rng(7).permutation(784)
    np.testing.assert_array_equal(permuted.split("test").inputs, plain.split("test").inputs[:, order])
    with pytest.raises(UsageError, match="there are 36 train images"):
        task(tmp_path, train=37).split("train")


def test_description_and_fingerprint(tmp_path: Path) -> None:
    idx.write(tmp_path)
    packed = tmp_path / "packed"
    packed.mkdir()
    idx.write(packed, packed=True)
    text = task(tmp_path, test=3).describe_data()
    assert text == "not the standard MNIST files: 40 + 10 images of 28 × 28; 36 train / 4 validation / 3 test"
    assert task(tmp_path).fingerprint() == task(packed).fingerprint()


def test_score_and_chance(tmp_path: Path) -> None:
    idx.write(tmp_path)
    t = task(tmp_path)
    trials = t.split("test")
    right = 50.0 * np.eye(10)[trials.targets]
    assert t.score(right, trials)["accuracy"] == 1
    assert t.score(np.zeros((10, 10)), trials)["cross_entropy"] == pytest.approx(math.log(10))
    assert t.chance == {"accuracy": 0.1, "cross_entropy": pytest.approx(math.log(10))}


def test_nothing_is_read_before_first_use(tmp_path: Path) -> None:
    t = task(tmp_path / "nowhere")
    assert (t.T, t.K, t.N, t.encoder) == (784, 1, 10, "conv1d")
    with pytest.raises(InputError, match="no such folder"):
        t.split("train")


def damage(folder: Path, case: str) -> None:
    images = folder / idx.NAMES["train images"]
    labels = folder / idx.NAMES["train labels"]
    raw = images.read_bytes()
    content = idx.arrays()
    if case == "missing":
        labels.unlink()
    elif case == "truncated":
        images.write_bytes(raw[:-1])
    elif case == "too long":
        images.write_bytes(raw + b"\0")
    elif case == "empty":
        images.write_bytes(b"")
    elif case == "text":
        images.write_bytes(b"<html>not found</html>")
    elif case == "swapped":
        images.write_bytes(labels.read_bytes())
    elif case == "cut gzip":
        images.write_bytes(gzip.compress(raw)[:-200])
    elif case == "broken gzip":
        images.write_bytes(b"\x1f\x8b" + b"\xff" * 50)
    elif case == "other size":
        images.write_bytes(idx.pack(content["train images"][:, :20]))
    elif case == "other count":
        labels.write_bytes(idx.pack(content["train labels"][:-1]))
    elif case == "label 12":
        labels.write_bytes(idx.pack(np.full(40, 12)))
    elif case == "one image":
        idx.write(folder, idx.arrays(train=1))
    else:
        idx.write(folder, idx.arrays(train=0))


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("missing", ["train-labels-idx1-ubyte", "not found there"]),
        ("truncated", ["40 × 28 × 28", "31,360 bytes", "31,359"]),
        ("too long", ["31,361 follow"]),
        ("empty", ["too short"]),
        ("text", ["not an IDX file", "3c 68 74 6d"]),
        ("swapped", ["1 dimensions, expected 3"]),
        ("cut gzip", ["damaged gzip"]),
        ("broken gzip", ["damaged gzip"]),
        ("other size", ["20 × 28 pixels, expected 28 × 28"]),
        ("other count", ["39 labels for 40 images"]),
        ("label 12", ["label 12", "expected 0 to 9"]),
        ("one image", ["at least 2"]),
        ("no images", ["no images"]),
    ],
)
def test_bad_files_are_one_clear_error(tmp_path: Path, case: str, words: list[str]) -> None:
    idx.write(tmp_path)
    damage(tmp_path, case)
    with pytest.raises(InputError) as caught:
        task(tmp_path).split("train")
    assert str(tmp_path) in caught.value.message
    assert all(word in caught.value.message for word in words), caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


def test_a_file_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(InputError, match="is a file, not a folder"):
        task(tmp_path / "x").split("train")


def test_real_mnist() -> None:
    if not MNIST.is_dir():
        pytest.skip(f"no MNIST files at {MNIST}")
    t = task(MNIST, train=100)
    counts = "100 train / 6,000 validation / 10,000 test"
    assert t.describe_data() == f"MNIST: 60,000 + 10,000 images of 28 × 28; {counts}"
    labels = t.split("test").targets
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert t.split("train").inputs.shape == (100, 784, 1)
