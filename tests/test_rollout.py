"""What a rollout says of the checkpoint and of the data it is given."""

import numpy as np
import pytest

from alrnn_cli import rollout, store
from alrnn_cli.api import train
from alrnn_cli.errors import InputError


def data(path, **changes):
    rng = np.random.default_rng(0)
    arrays = {"inputs": rng.normal(size=(40, 6, 2)).astype(np.float32), "targets": rng.integers(0, 2, 40), **changes}
    np.savez(path, **arrays)
    return path


@pytest.fixture
def checkpoint(tmp_path):
    own = data(tmp_path / "own.npz")
    train("custom", data=str(own), out=tmp_path / "c.safetensors", M=4, P=1, epochs=1.0, batch=10)
    return store.load_checkpoint(tmp_path / "c.safetensors")


def test_data_of_another_kind_are_refused(checkpoint, tmp_path):
    steps = data(tmp_path / "steps.npz", targets=np.random.default_rng(1).integers(0, 2, (40, 6)))
    with pytest.raises(InputError, match="the scored step is each here and was last"):
        rollout.rollout(checkpoint, data=str(steps))
    wide = data(tmp_path / "wide.npz", inputs=np.ones((40, 6, 3), np.float32))
    with pytest.raises(InputError, match="the number of inputs is 3 here and was 2"):
        rollout.rollout(checkpoint, data=str(wide))


def test_data_that_have_moved_are_named(checkpoint, tmp_path):
    (tmp_path / "own.npz").rename(tmp_path / "elsewhere.npz")
    with pytest.raises(InputError, match=r"was trained on .*own\.npz, which cannot be read") as caught:
        rollout.rollout(checkpoint)
    assert "--data" in caught.value.hint
    assert not rollout.rollout(checkpoint, data=str(tmp_path / "elsewhere.npz")).warnings


@pytest.mark.parametrize(
    ("lr", "settings", "words"), [(1e8, {}, "Training diverged"), (1e-3, {"stop": 3}, "interrupted at step")]
)
def test_training_that_did_not_end_well_is_said(tmp_path, lr, settings, words):
    from alrnn_cli import config, tasks
    from alrnn_cli.training import run

    own = data(tmp_path / "own.npz")
    task = tasks.get("custom")({}, data=str(own), seed=0, eval_seed=0)
    resolved = config.resolve("custom", {}, [{"M": 4, "P": 1, "epochs": 5.0, "batch": 10, "lr": lr}], str(own))
    steps = []
    stop = settings.get("stop")
    out = tmp_path / "c.safetensors"
    run.train(
        resolved, task, out, on_step=steps.append, should_stop=lambda: "SIGINT" if stop and len(steps) >= stop else ""
    )
    (warning,) = rollout.rollout(store.load_checkpoint(out)).warnings
    assert words in warning
