"""Training: what it keeps, when it ends, and that interruption leaves no trace."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from alrnn_cli import config as configuration
from alrnn_cli import store
from alrnn_cli.config import TrainingConfig
from alrnn_cli.errors import DeviceError, InputError, OutputExistsError, UsageError
from alrnn_cli.tasks.addition import Addition
from alrnn_cli.training import schedule
from alrnn_cli.training.data import Feed
from alrnn_cli.training.loop import Group
from alrnn_cli.training.losses import loss
from alrnn_cli.training.member import better
from alrnn_cli.training.run import device_of, train

OPTIONS = {"T": 8, "train": 60, "validation": 40, "test": 30}
SETTINGS = {
    "M": 6,
    "P": 1,
    "init": "identity",
    "batch": 16,
    "epochs": 6.0,
    "lr": 1e-2,
    "schedule": "cosine",
    "tau": 0.01,
}


def make(tmp_path, name="a", should_stop=lambda: "", resume=False, on_step=lambda p: None, **changes):
    task = Addition(OPTIONS, seed=changes.get("seed", 0))
    run = configuration.resolve("addition", task.opt, [{**SETTINGS, **changes}])
    out = tmp_path / f"{name}.safetensors"
    return train(run, task, out, threads=1, should_stop=should_stop, resume=resume, on_step=on_step), out


@pytest.mark.parametrize("fresh", [True, False])
def test_resume_after_stops_at_random_steps_is_bit_exact(tmp_path, fresh):
    whole, there = make(tmp_path, "whole", fresh=fresh, clip=0.5, z0="noise", restarts=1, restart_above=1e-9)
    rng = np.random.default_rng(0)
    for attempt in range(2):
        seen = {"n": 0, "until": int(rng.integers(1, 12))}

        def stop(seen=seen):
            seen["n"] += 1
            return "SIGINT" if seen["n"] > seen["until"] else ""

        pieces = 0
        while True:
            seen["n"], seen["until"] = 0, int(rng.integers(1, 12))
            again, out = make(
                tmp_path,
                f"cut{attempt}",
                stop,
                resume=True,
                fresh=fresh,
                clip=0.5,
                z0="noise",
                restarts=1,
                restart_above=1e-9,
            )
            pieces += 1
            if again.outcome.status == "finished":
                break
        assert pieces > 2
        assert out.read_bytes() == there.read_bytes()
        assert not store.resume_path(out).exists()
    assert whole.checkpoint.meta.history["restart"][-1] == 1


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path):
    _, a = make(tmp_path, "a")
    _, b = make(tmp_path, "b")
    _, c = make(tmp_path, "c", seed=1)
    assert a.read_bytes() == b.read_bytes()
    assert a.read_bytes() != c.read_bytes()


def test_training_learns_and_keeps_the_best_state(tmp_path):
    run, out = make(tmp_path, M=10, epochs=150.0, fresh=True, tau=0.0, lr=3e-3, clip=0.1)
    history = run.checkpoint.meta.history
    assert run.checkpoint.meta.metrics["validation"]["mse"] == min(history["score"])
    assert run.checkpoint.meta.metrics["test"]["mse"] < 0.5 * Addition(OPTIONS).chance["mse"]
    columns = {
        "step",
        "epoch",
        "loss",
        "penalty",
        "score",
        "grad_norm",
        "lr",
        "spectral_radius",
        "bitcodes",
        "T",
        "restart",
    }
    assert set(history) == columns
    assert len({len(v) for v in history.values()}) == 1
    assert store.load_checkpoint(out).meta.best_step == history["step"][int(np.argmin(history["score"]))]


def test_finished_run_is_found_and_another_configuration_refused(tmp_path):
    _, out = make(tmp_path)
    before = out.read_bytes()
    again, _ = make(tmp_path)
    assert again.outcome is None
    assert out.read_bytes() == before
    with pytest.raises(OutputExistsError, match=r"training\.lr: 0.01 -> 0.02"):
        make(tmp_path, lr=0.02)


def test_interrupted_run_is_refused_without_resume(tmp_path):
    make(tmp_path, should_stop=lambda: "SIGTERM")
    with pytest.raises(OutputExistsError) as caught:
        make(tmp_path)
    assert "--resume" in caught.value.hint


def test_resume_file_of_another_run_is_refused(tmp_path):
    _, out = make(tmp_path, should_stop=iter(["", "", "SIGINT"]).__next__)
    out.unlink()
    with pytest.raises(OutputExistsError, match="another configuration"):
        make(tmp_path, resume=True, lr=0.5)


def test_damaged_resume_file_is_an_input_error(tmp_path):
    _, out = make(tmp_path, should_stop=iter(["", "", "SIGINT"]).__next__)
    path = store.resume_path(out)
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="corrupt"):
        make(tmp_path, resume=True)


def test_divergence_keeps_the_last_good_state(tmp_path):
    run, out = make(tmp_path, lr=1e6, schedule="constant", epochs=200.0)
    assert run.outcome.status == "diverged"
    assert "NaN or infinite at step" in run.outcome.reason
    kept = store.load_checkpoint(out)
    assert kept.meta.status == "diverged"
    assert all(np.isfinite(t).all() for t in kept.tensors.values())


def test_an_attempt_that_diverges_is_followed_by_another(tmp_path, monkeypatch):
    from alrnn_cli.training.stack import Stack

    begin = Stack.begin

    def first_explodes(self, e, seed):
        begin(self, e, seed)
        if seed[-1] == 0:
            self.model.get_parameter("W").detach()[e] = 1e30

    monkeypatch.setattr(Stack, "begin", first_explodes)
    run, out = make(tmp_path, restarts=1, restart_above=1.0)
    assert run.outcome.status == "finished"
    history = run.checkpoint.meta.history
    assert history["restart"][-1] == 1 and np.isfinite(history["loss"]).all() and np.isfinite(history["penalty"]).all()
    # One step was lost, and the second attempt has all of its own.
    assert history["step"][-1] == 1 + 6 * 4

    def cut(name, resume, stop):
        return make(tmp_path, name, stop, resume=resume, restarts=1, restart_above=1.0)[0]

    calls = iter(range(100))
    cut("pieces", False, lambda: "SIGINT" if next(calls) == 3 else "")
    assert cut("pieces", True, lambda: "").outcome.status == "finished"
    assert (tmp_path / "pieces.safetensors").read_bytes() == out.read_bytes()

    monkeypatch.setattr(Stack, "begin", lambda self, e, seed: first_explodes(self, e, (0,)))
    run, _ = make(tmp_path, "none", restarts=1, restart_above=1.0)
    assert run.outcome.status == "diverged" and run.outcome.reason.endswith("at step 2")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"max_steps": 5}, "limit of 5 steps"),
        ({"max_seconds": 1e-9}, "limit of 1e-09 s"),
        ({"target": 10.0}, "target mse of 10"),
        ({"patience": 1, "lr": 0.0, "epochs": 20.0}, "no better state in 1"),
    ],
)
def test_budgets(tmp_path, changes, reason):
    run, _ = make(tmp_path, **changes)
    assert run.outcome.status == "finished"
    assert reason in run.outcome.reason
    assert run.checkpoint.meta.step < 24


def test_only_a_plateau_is_left_by_beginning_anew(tmp_path):
    """The same training, once with the plateau above what it reaches and once below."""
    for above, restarts in ((0.95, 0), (0.1, 2)):
        run, _ = make(tmp_path, f"{above}", epochs=20.0, restarts=2, restart_above=above)
        history = run.checkpoint.meta.history
        first = min(s for s, r in zip(history["score"], history["restart"], strict=True) if r == 0)
        assert 0.1 < first / Addition(OPTIONS).chance["mse"] < 0.95
        assert history["restart"][-1] == restarts


def test_overwriting_leaves_no_old_state_to_go_on_from(tmp_path):
    _, out = make(tmp_path, should_stop=iter(["", "", "SIGINT"]).__next__)
    task = Addition(OPTIONS)

    def killed():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(configuration.resolve("addition", task.opt, [SETTINGS]), task, out, overwrite=True, should_stop=killed)
    assert not store.resume_path(out).exists()


def test_patience_counts_from_the_best_evaluation(tmp_path):
    run, _ = make(tmp_path, patience=3, epochs=500.0, schedule="constant", lr=3e-2)
    scores = run.checkpoint.meta.history["score"]
    assert "no better state in 3" in run.outcome.reason
    assert len(scores) > 4
    stale = [i - int(np.argmin(scores[: i + 1])) for i in range(len(scores))]
    assert stale[-1] == 3 and max(stale[:-1]) == 2


def test_save_every_leaves_numbered_checkpoints(tmp_path):
    task = Addition(OPTIONS)
    run = configuration.resolve("addition", task.opt, [SETTINGS])
    train(run, task, tmp_path / "x.safetensors", threads=1, save_every=10)
    assert sorted(p.name for p in tmp_path.glob("x-*.safetensors")) == ["x-10.safetensors", "x-20.safetensors"]
    assert store.load_checkpoint(tmp_path / "x-20.safetensors").meta.step == 20
    train(run, task, tmp_path / "y.safetensors", threads=1)
    assert (tmp_path / "x.safetensors").read_bytes() == (tmp_path / "y.safetensors").read_bytes()


def test_a_run_that_begins_anew_leaves_no_numbered_checkpoints_of_the_last_one(tmp_path):
    task = Addition(OPTIONS)
    run = configuration.resolve("addition", task.opt, [SETTINGS])
    for name in ("x-7", "x-12.5", "x-best", "y-7"):
        (tmp_path / f"{name}.safetensors").write_bytes(b"")
    train(run, task, tmp_path / "x.safetensors", threads=1, overwrite=True)
    assert {p.stem for p in tmp_path.iterdir()} == {"x", "x-12.5", "x-best", "y-7"}


def test_save_every_gives_the_same_files_where_training_was_stopped(tmp_path):
    task = Addition(OPTIONS)
    run = configuration.resolve("addition", task.opt, [SETTINGS])
    for name, stops in (("x", []), ("y", [3, 8, 15])):
        for stop in [*stops, 99]:
            seen = iter(range(stop))
            train(
                run, task, tmp_path / f"{name}.safetensors", threads=1, save_every=5, resume=True,
                should_stop=lambda seen=seen: "" if next(seen, None) is not None else "SIGINT",
            )  # fmt: skip
    numbered = sorted(p.name for p in tmp_path.glob("x-*.safetensors"))
    assert len(numbered) == 4
    for file in numbered:
        assert (tmp_path / file).read_bytes() == (tmp_path / file.replace("x", "y", 1)).read_bytes()


def test_gradient_is_clipped_before_the_step(monkeypatch):
    task = Addition(OPTIONS)
    runs = [configuration.resolve("addition", task.opt, [{**SETTINGS, "clip": clip}]) for clip in (1e-3, 0.0, 1e3)]
    group = Group(runs, [task] * 3, torch.device("cpu"), "auto")
    stack, norms = group.stack, []
    monkeypatch.setattr(stack.adam, "step", lambda values, gradient, *_: norms.extend(np.linalg.norm(gradient, axis=1)))
    before = stack.step(group.feed.at(0, [None] * 3), None, [1e-3] * 3)[2].tolist()
    assert before[0] > 1e-3
    assert norms == pytest.approx([1e-3, *before[1:]], rel=1e-5)


def test_every_epoch_shows_every_trial_once():
    task = Addition(OPTIONS)
    run = configuration.resolve("addition", task.opt, [SETTINGS])
    feed = Feed([run], [task], torch.device("cpu"))
    n = -(-len(task.split("train")) // run.training.batch)
    orders = []
    for epoch in range(2):
        seen = np.concatenate([feed.at(epoch * n + i, [None]).s[0, :, 0, 0].numpy() for i in range(n)])
        np.testing.assert_array_equal(np.sort(seen), np.sort(task.split("train").inputs[:, 0, 0]))
        orders.append(seen)
    assert (orders[0] != orders[1]).any()


def test_learning_rate_and_trial_length():
    t = TrainingConfig(lr=1.0, schedule="cosine", warmup=0.1, curriculum=0.5)
    rates = [schedule.learning_rate(t, i, 100) for i in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) < 1
    assert rates[-1] < 1e-3
    assert rates[9:] == sorted(rates[9:], reverse=True)
    lengths = [schedule.trial_length(t, i, 100, (6, 96)) for i in range(100)]
    assert lengths[0] == 6
    assert lengths[25] == 24
    assert lengths[50:] == [None] * 50
    assert schedule.trial_length(dataclasses.replace(t, curriculum=0.0), 0, 100, (6, 96)) is None


def test_losses_by_hand():
    y = torch.tensor([[[1.0, 2.0], [3.0, 5.0]]])
    assert loss("mse", y, torch.tensor([[[1.0, 0.0], [3.0, 4.0]]]), None)[0].item() == pytest.approx((4 + 1) / 4)
    logits = torch.tensor([[[0.0, math.log(3.0)]]])
    assert loss("cross_entropy", logits, torch.tensor([[1]]), None)[0].item() == pytest.approx(math.log(4 / 3))
    each = torch.tensor([[[[1.0], [9.0], [2.0]]]])
    mask = torch.tensor([[[True, False, True]]])
    each[0, 0, 1] = float("nan")
    assert loss("mse", each, torch.zeros(1, 1, 3, 1), mask)[0].item() == pytest.approx(2.5)


def test_better_is_lexicographic_and_nan_never_wins():
    metrics = {"accuracy": "max", "cross_entropy": "min"}
    a = {"accuracy": 0.9, "cross_entropy": 0.3}
    assert better(a, None, metrics)
    assert better({"accuracy": 0.9, "cross_entropy": 0.2}, a, metrics)
    assert not better(a, a, metrics)
    assert not better({"accuracy": float("nan"), "cross_entropy": 0.0}, a, metrics)
    assert not better({"accuracy": float("nan"), "cross_entropy": 0.0}, None, metrics)


def test_what_a_run_cannot_do_is_refused():
    with pytest.raises(DeviceError, match="cuda"):
        device_of("cuda:99")
    with pytest.raises(UsageError, match="not a device"):
        device_of("gpu!")
    task = Addition(OPTIONS)
    with pytest.raises(UsageError, match="--curriculum"):
        Group(
            [configuration.resolve("addition", task.opt, [{**SETTINGS, "curriculum": 0.5}])],
            [task],
            torch.device("cpu"),
            "auto",
        )


def test_select_names_the_metric_that_keeps_the_best_state():
    from alrnn_cli.tasks.context import Context
    from alrnn_cli.training.member import Member

    task = Context({"T": 10}, seed=0)
    kept = {}
    for select in ("accuracy", "cross_entropy"):
        run = configuration.resolve("context", task.opt, [{**task.recipe, "select": select}])
        member = Member(run, task, {})
        for step, (accuracy, entropy) in enumerate([(0.7, 0.9), (0.6, 0.5)]):
            member.row = dataclasses.make_dataclass("Row", ["values"])(torch.tensor([float(step)]))
            member.record({"accuracy": accuracy, "cross_entropy": entropy}, 1.0, 1.0, 0.0, 10)
        kept[select] = member.best.item()
        assert member.history.columns["score"] == [0.7, 0.6]
    assert kept == {"accuracy": 0.0, "cross_entropy": 1.0}
    wrong = configuration.resolve("context", task.opt, [{**task.recipe, "select": "accurcy"}])
    with pytest.raises(UsageError, match="no metric 'accurcy'"):
        Member(wrong, task, {})
