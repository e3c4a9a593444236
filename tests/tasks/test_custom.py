"""Custom: what a file means, and one clear error for each way to get it wrong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.tasks.custom import Custom

n, T, K = 30, 6, 2


def base(kind: str = "class") -> dict[str, Any]:
    """A valid file's arrays. Trial i's first input is i everywhere, so that splits can be told apart."""
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(n, T, K))
    inputs[:, :, 0] = np.arange(n)[:, None]
    targets = {
        "class": np.arange(n) % 3,
        "value": rng.normal(size=(n, 2)),
        "class each": rng.permutation(n * T).reshape(n, T) % 3,
        "value each": rng.normal(size=(n, T, 1)),
    }[kind]
    return {"inputs": inputs, "targets": targets}


def save(folder: Path, arrays: dict[str, Any]) -> str:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return str(path)


def make(folder: Path, arrays: dict[str, Any], **kwargs: Any) -> Custom:
    return Custom(kwargs.pop("options", None), data=save(folder, arrays), **kwargs)


@pytest.mark.parametrize(
    ("kind", "loss", "scored", "N", "text"),
    [
        ("class", "cross_entropy", "last", 3, "3 classes; "),
        ("value", "mse", "last", 2, "2 targets; "),
        ("class each", "cross_entropy", "each", 3, "3 classes at every step; "),
        ("value each", "mse", "each", 1, "1 target at every step; "),
    ],
)
def test_targets_say_what_kind_of_task(tmp_path: Path, kind: str, loss: str, scored: str, N: int, text: str) -> None:
    arrays = base(kind)
    task = make(tmp_path, arrays)
    assert (task.loss, task.scored, task.N, task.K, task.T) == (loss, scored, N, K, T)
    assert task.describe_data() == f"30 trials, T = 6, K = 2, {text}24 train / 3 validation / 3 test"
    trials = task.split("train")
    assert trials.inputs.dtype == np.float32
    assert trials.targets.dtype == (np.int64 if loss == "cross_entropy" else np.float32)
    rows = trials.inputs[:, 0, 0].astype(int)
    np.testing.assert_array_equal(trials.targets, arrays["targets"][rows].astype(trials.targets.dtype))
    assert trials.mask.all() if scored == "each" else (trials.mask == (np.arange(T) == T - 1)).all()
    assert len(task.output_names) == N


def test_splits_are_disjoint_complete_and_follow_eval_seed(tmp_path: Path) -> None:
    def rows(task: Custom) -> list[list[int]]:
        return [task.split(w).inputs[:, 0, 0].astype(int).tolist() for w in ("train", "validation", "test")]

    one = rows(make(tmp_path, base(), seed=1, options={"test_fraction": 0.2}))
    assert [len(r) for r in one] == [21, 3, 6]
    assert sorted(one[0] + one[1] + one[2]) == list(range(n))
    assert one == rows(make(tmp_path, base(), seed=2, options={"test_fraction": "0.2"}))
    assert one != rows(make(tmp_path, base(), eval_seed=1, options={"test_fraction": 0.2}))


def test_given_splits_are_kept(tmp_path: Path) -> None:
    arrays = base()
    arrays |= {"test_inputs": arrays["inputs"][:5] + 100, "test_targets": arrays["targets"][:5]}
    task = make(tmp_path, arrays)
    assert [len(task.split(w)) for w in ("train", "validation", "test")] == [27, 3, 5]
    assert (task.split("test").inputs[:, 0, 0] == np.arange(5) + 100).all()
    arrays |= {"validation_inputs": arrays["inputs"][:2, :4], "validation_targets": arrays["targets"][:2]}
    task = make(tmp_path, arrays)
    np.testing.assert_array_equal(task.split("train").inputs, arrays["inputs"].astype(np.float32))
    assert task.split("validation").inputs.shape == (2, 4, K)


@pytest.mark.parametrize("kind", ["class", "value", "class each", "value each"])
def test_padding_never_matters(tmp_path: Path, kind: str) -> None:
    lengths = np.arange(n) % T + 1
    beyond = np.arange(T)[None, :] >= lengths[:, None]
    clean, dirty = base(kind), base(kind)
    clean["lengths"] = dirty["lengths"] = lengths
    dirty["inputs"][beyond] = np.nan
    if kind.endswith("each"):
        dirty["targets"][beyond] = -99 if kind == "class each" else np.inf
    options = {"standardise": True}
    one, two = make(tmp_path, clean, options=options), make(tmp_path, dirty, options=options)
    assert one.chance == two.chance
    assert "T = 1…6" in two.describe_data()
    for which in ("train", "validation", "test"):
        a, b = one.split(which), two.split(which)
        for name in ("inputs", "targets", "mask", "lengths", "phases"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        valid = np.arange(T)[None, :] < a.lengths[:, None]
        assert not b.inputs[~valid].any()
        assert (b.phases == np.where(valid, 0, -1)).all()
        counted = valid if one.scored == "each" else np.arange(T)[None, :] == a.lengths[:, None] - 1
        np.testing.assert_array_equal(b.mask, counted)


def test_steps_outside_the_mask_need_no_target(tmp_path: Path) -> None:
    for kind, nothing in (("class each", -1), ("value each", np.nan)):
        arrays = base(kind)
        arrays["mask"] = np.arange(n * T).reshape(n, T) % 2 == 0
        arrays["targets"][~arrays["mask"]] = nothing
        trials = make(tmp_path, arrays).split("train")
        assert np.isfinite(trials.targets).all()
        assert (trials.targets >= 0).all() or kind == "value each"
        assert (trials.mask == (np.arange(T) % 2 == 0)).all()


def test_scores_count_marked_valid_steps_only(tmp_path: Path) -> None:
    arrays = base("value each")
    arrays["mask"] = np.ones((n, T), int)
    arrays["mask"][:, 0] = 0
    arrays["lengths"] = np.full(n, 3)
    task = make(tmp_path, arrays)
    trials = task.split("test")
    outputs = trials.targets.astype(np.float64)
    outputs[:, 0] += 100
    outputs[:, 3:] += 100
    assert task.score(outputs, trials)["mse"] == 0
    outputs[:, 1] += 2  # one of the two counted steps
    assert task.score(outputs, trials)["mse"] == pytest.approx(2)


def test_chance_of_values_is_the_variance(tmp_path: Path) -> None:
    task = make(tmp_path, base("value"))
    y = task.split("train").targets.astype(np.float64)
    assert task.chance["mse"] == pytest.approx(((y - y.mean(axis=0)) ** 2).mean())
    trials = task.split("train")
    assert task.score(np.tile(y.mean(axis=0), (24, 1)), trials)["mse"] == pytest.approx(task.chance["mse"])


def test_chance_of_classes_is_the_largest_share_and_the_entropy(tmp_path: Path) -> None:
    arrays = base()
    arrays["targets"] = np.array([0] * 20 + [1] * 10)
    arrays |= {f"{w}_{k}": arrays[k] for w in ("validation", "test") for k in ("inputs", "targets")}
    task = make(tmp_path, arrays)
    assert task.chance["accuracy"] == pytest.approx(2 / 3)
    assert task.chance["cross_entropy"] == pytest.approx(math.log(3) - 2 / 3 * math.log(2))
    trials = task.split("test")
    always = task.score(np.tile(np.log([2 / 3, 1 / 3]), (n, 1)), trials)
    assert always["accuracy"] == pytest.approx(task.chance["accuracy"])
    assert always["cross_entropy"] == pytest.approx(task.chance["cross_entropy"])


def test_standardise_uses_the_training_steps(tmp_path: Path) -> None:
    arrays = base()
    arrays["inputs"][:, :, 1] = 4.0
    train = make(tmp_path, arrays, options={"standardise": "true"}).split("train").inputs
    assert train[..., 0].mean() == pytest.approx(0, abs=1e-6)
    assert train[..., 0].std() == pytest.approx(1, rel=1e-5)
    assert not train[..., 1].any()


def test_names_clock_and_conditions(tmp_path: Path) -> None:
    arrays = base() | {
        "input_names": ["a", "b"],
        "output_names": ["x", "y", "z", "never"],
        "dt": 20.0,
        "dt_unit": "ms",
        "conditions": np.array(["left", "right", "left"] * 10),
    }
    task = make(tmp_path, arrays)
    assert (task.input_names, task.output_names) == (("a", "b"), ("x", "y", "z", "never"))
    assert (task.dt, task.dt_unit, task.N) == (20.0, "ms", 4)
    assert task.condition_names == ("left", "right")
    trials = task.split("train")
    np.testing.assert_array_equal(trials.conditions, trials.inputs[:, 0, 0].astype(int) % 3 == 1)
    numbered = make(tmp_path, base() | {"conditions": np.arange(n) % 2 * 10})
    assert numbered.condition_names == ("0", "10")


def test_fingerprint_follows_the_content(tmp_path: Path) -> None:
    arrays = base()
    first = make(tmp_path, arrays).fingerprint()
    np.savez_compressed(tmp_path / "packed.npz", **arrays)
    assert Custom(data=str(tmp_path / "packed.npz")).fingerprint() == first
    arrays["inputs"][0, 0, 0] += 1
    assert make(tmp_path, arrays).fingerprint() != first


def changed(kind: str = "class", drop: str = "", **arrays: Any) -> dict[str, Any]:
    out = base(kind) | arrays
    out.pop(drop, None)
    return out


def with_value(key: str, index: tuple[int, ...], value: float, kind: str = "class") -> dict[str, Any]:
    out = base(kind)
    out[key][index] = value
    return out


X, Y = base()["inputs"], base()["targets"]
RAGGED = np.empty(n, object)
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("no inputs", changed(drop="inputs"), "key 'inputs' is missing; found: targets"),
    ("no targets", changed(drop="targets"), "key 'targets' is missing"),
    ("half a test split", changed(test_inputs=X), "key 'test_targets' is missing"),
    ("unknown key", changed(length=np.ones(n)), "unknown key 'length'"),
    ("ragged", changed(inputs=RAGGED), "inputs: an object array"),
    ("2-D inputs", changed(inputs=X[:, :, 0]), "inputs: shape (30, 6), expected (n, T, K)"),
    ("complex inputs", changed(inputs=X + 1j), "inputs: complex128"),
    ("text inputs", changed(inputs=X.astype(str)), "inputs: <U"),
    ("no trials", changed(inputs=X[:0], targets=Y[:0]), "holds no trials"),
    ("no steps", changed(inputs=X[:, :0]), "holds no steps"),
    ("two trials", changed(inputs=X[:2], targets=Y[:2]), "2 trials are too few"),
    ("NaN input", with_value("inputs", (3, 4, 1), np.nan), "inputs: nan in trial 3, step 4, channel 1"),
    ("inf input", with_value("inputs", (0, 5, 0), -np.inf), "inputs: -inf in trial 0, step 5"),
    ("huge input", with_value("inputs", (1, 1, 1), 1e60), "1e+60 is too large for float32 in trial 1, step 1"),
    ("NaN target", with_value("targets", (7, 1), np.nan, "value"), "targets: nan in trial 7, channel 1"),
    ("NaN step", with_value("targets", (7, 2, 0), np.nan, "value each"), "targets: nan in trial 7, step 2, channel 0"),
    ("negative label", with_value("targets", (5,), -1), "label -1 in trial 5"),
    ("negative step", with_value("targets", (5, 2), -1, "class each"), "label -1 in trial 5, step 2"),
    ("labels from 1", changed(targets=Y + 1), "label 0 never occurs, but 3 does"),
    ("gap in labels", changed(targets=Y * 2), "label 1 never occurs, but 4 does"),
    ("one class", changed(targets=Y * 0), "all labels are 0"),
    ("1-D floats", changed(targets=Y.astype(float)), "targets: float64 of shape (30,)"),
    ("boolean targets", changed(targets=Y > 0), "targets: bool of shape"),
    ("3-D integers", changed(targets=np.zeros((n, T, 1), int)), "targets: int64 of shape (30, 6, 1)"),
    ("too few targets", changed(targets=Y[:-1]), "targets: shape (29,), expected (30,)"),
    ("too few steps", changed(targets=np.zeros((n, T - 1), int)), "targets: shape (30, 5), expected (30, 6)"),
    ("too few values", changed(targets=np.zeros((n, T - 1, 2))), "targets: shape (30, 5, 2), expected (30, 6, N)"),
    ("no outputs", changed(targets=np.zeros((n, 0))), "targets: shape (30, 0), expected (30, N)"),
    ("length 0", changed(lengths=np.arange(n) % 2), "lengths: 0 in trial 0"),
    ("length 7", changed(lengths=np.full(n, 7)), "lengths: 7 in trial 0 (counting from 0), expected 1 to 6"),
    ("float lengths", changed(lengths=np.full(n, 3.0)), "lengths: float64"),
    ("too few lengths", changed(lengths=np.full(n - 1, 3)), "lengths: int64 of shape (29,)"),
    ("mask at the last step", changed(mask=np.ones((n, T), bool)), "mask: of no use"),
    ("mask shape", changed("class each", mask=np.ones((n, 1), bool)), "mask: bool of shape (30, 1)"),
    ("mask values", changed("class each", mask=np.full((n, T), 2)), "mask: values other than 0 and 1"),
    ("empty mask", changed("class each", mask=np.zeros((n, T), bool)), "mask: no step is scored"),
    ("conditions count", changed(conditions=np.zeros(n - 1, int)), "conditions: 29 entries for 30 trials"),
    ("float conditions", changed(conditions=np.zeros(n)), "conditions: float64"),
    ("one-sided conditions", changed(test_inputs=X, test_targets=Y, conditions=Y), "test_conditions: missing"),
    (
        "mixed conditions",
        changed(test_inputs=X, test_targets=Y, conditions=Y, test_conditions=Y.astype(str)),
        "conditions: text in one split",
    ),
    ("other kind of test", changed(test_inputs=X, test_targets=Y[:, None] * 1.0), "test_targets: float64"),
    ("other K in test", changed(test_inputs=X[..., :1], test_targets=Y), "test_inputs: 1 channels, but inputs has 2"),
    ("input names", changed(input_names=["a"]), "input_names: 1 names for 2"),
    ("output names", changed(output_names=["a", "b"]), "output_names: 2 names, but label 2 occurs"),
    ("numbers for names", changed(input_names=np.arange(2)), "input_names: int64"),
    ("dt 0", changed(dt=0.0), "dt: 0.0, expected one number above 0"),
    ("dt text", changed(dt="fast"), "dt: fast, expected one number"),
    ("dt_unit", changed(dt_unit=3), "dt_unit: int64"),
]


@pytest.mark.parametrize(("arrays", "words"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_file_is_one_clear_error(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        make(tmp_path, arrays)
    error = caught.value
    assert words in error.message
    assert "data.npz" in error.message
    assert error.hint
    assert "\n" not in error.message + error.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "not an .npz file"),
        (b"a,b\n1,2\n", "not an .npz file"),
        (b"\x93NUMPY\x01\x00", "not an .npz file"),
        (b"PK\x03\x04garbage", "damaged"),
    ],
)
def test_what_is_no_npz(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "data.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        Custom(data=str(path))
    with pytest.raises(InputError, match="is a folder"):
        Custom(data=str(tmp_path))


def test_a_damaged_npz(tmp_path: Path) -> None:
    path = Path(save(tmp_path, base()))
    raw = bytearray(path.read_bytes())
    path.write_bytes(raw[:-100])
    with pytest.raises(InputError, match="damaged"):
        Custom(data=str(path))
    raw[500] ^= 0xFF  # a value: the archive's checksum notices
    path.write_bytes(raw)
    with pytest.raises(InputError, match="inputs: damaged"):
        Custom(data=str(path))


def test_unknown_key_names_the_closest(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        make(tmp_path, changed(target=Y))
    assert "'targets'" in caught.value.hint


def test_fractions_that_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave no training trial of 30"):
        make(tmp_path, base(), options={"test_fraction": 0.6, "validation_fraction": 0.5})


def test_unsigned_label_too_large_for_a_class_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    labels = np.array([0, 1] * 10, np.uint64)
    labels[3] = 2**63 + 1
    np.savez(path, inputs=np.zeros((20, 4, 1)), targets=labels, output_names=np.array(["a", "b"]))
    with pytest.raises(InputError, match="labels are 0"):
        Custom({}, data=str(path))
