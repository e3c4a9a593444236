"""Files: round trips byte for byte, and one clear error for each way a file can be wrong."""

import dataclasses
import json
import os
import stat

import numpy as np
import pytest

from alrnn_cli import store
from alrnn_cli.errors import InputError, MachineError
from alrnn_cli.records import Checkpoint, CheckpointMeta


def checkpoint(**changes):
    rng = np.random.default_rng(0)
    tensors = {"W": rng.normal(size=(3, 3)).astype(np.float32).T, "A": np.zeros(3, np.float32)}
    meta = CheckpointMeta(
        config={"model": {"P": 1, "readout": "z"}}, task=None, metrics={"test": {"mse": float("nan")}}, history={"loss": [1.0]},
        status="finished", reason="", step=3, best_step=2, seeds={"seed": 0}, data_fingerprint=None, backend="torch",
        device="cpu", threads=1, versions={},
    )  # fmt: skip
    return Checkpoint(tensors, dataclasses.replace(meta, **changes))


def test_checkpoint_round_trip_is_byte_stable(tmp_path):
    a, b = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    store.save_checkpoint(a, checkpoint())
    again = store.load_checkpoint(a)
    store.save_checkpoint(b, again)
    assert a.read_bytes() == b.read_bytes()
    np.testing.assert_array_equal(again.tensors["W"], checkpoint().tensors["W"])  # though it was not C-contiguous
    assert again.meta.metrics == {"test": {"mse": None}}


def test_files_get_the_umask_and_no_leftovers(tmp_path):
    before = os.umask(0o027)
    try:
        store.write_atomic(tmp_path / "x", b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_failed_write_keeps_what_was_there(tmp_path, monkeypatch):
    target = tmp_path / "x"
    target.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match="No space"):
        store.write_atomic(target, b"new")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def flip(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: p.unlink(), "no such checkpoint"),
        (lambda p: p.write_bytes(b"hello"), "not a readable safetensors"),
        (lambda p: p.write_bytes(p.read_bytes()[:-8]), "not a readable safetensors"),
        (flip, "corrupt"),
        (lambda p: p.write_bytes(store.to_safetensors({"x": np.zeros(1)})), "not a checkpoint of alrnn"),
        (lambda p: p.write_bytes(store.to_safetensors({"x": np.zeros(1)}, metadata={"alrnn": "{"})), "not JSON"),
        (lambda p: store.save_resume(p, {}, {}), "got schema 'alrnn.resume/1', expected 'alrnn.checkpoint/1'"),
    ],
)
def test_damaged_checkpoints(tmp_path, damage, message):
    path = tmp_path / "a.safetensors"
    store.save_checkpoint(path, checkpoint())
    damage(path)
    with pytest.raises(InputError, match=message):
        store.load_checkpoint(path)


def test_json_has_no_nan_and_complex_is_a_pair():
    value = {"a": float("inf"), "b": np.array([1 + 2j]), "c": (np.float32(0.5), None), "d": np.bool_(True)}
    assert json.loads(store.to_json(value)) == {"a": None, "b": [[1.0, 2.0]], "c": [0.5, None], "d": True}


@pytest.mark.parametrize(
    ("name", "text"), [("c.toml", "task = "), ("c.json", "[1, 2]"), ("c.json", "{"), ("none.toml", None)]
)
def test_unreadable_configuration(tmp_path, name, text):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError):
        store.read_config(tmp_path / name)
