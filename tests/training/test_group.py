"""A group of runs: every member ends as it would alone, whatever becomes of the others."""

import dataclasses

import numpy as np
import pytest
import torch

from alrnn_cli import config as configuration
from alrnn_cli import store
from alrnn_cli.errors import OutputExistsError, UsageError
from alrnn_cli.records import Trials
from alrnn_cli.tasks.addition import Addition
from alrnn_cli.training import arrays, loop, stackable
from alrnn_cli.training.adam import Adam
from alrnn_cli.training.data import Feed
from alrnn_cli.training.losses import loss
from alrnn_cli.training.run import train, train_group
from alrnn_cli.training.stack import Stack

CPU = torch.device("cpu")
OPTIONS = {"T": 8, "train": 60, "validation": 40, "test": 30}
COMMON = {
    "M": 6,
    "P": 1,
    "init": "identity",
    "batch": 16,
    "epochs": 50.0,
    "lr": 1e-2,
    "schedule": "cosine",
    "tau": 0.01,
}
MIXED = {
    "plain": {},
    "other everything": {
        "seed": 1,
        "P": 3,
        "tau": 0.1,
        "lr": 3e-3,
        "lr_recurrent": 0.5,
        "clip": 0.2,
        "M_reg": 5,
        "eval_every": 2.0,
    },
    "diverges": {"lr": 1e6, "schedule": "constant", "clip": 0.0, "eval_every": 0.25},
    "restarts": {"seed": 2, "restarts": 1, "restart_above": 1e-9, "restart_after": 0.3, "eval_seed": 1},
    "reaches its target": {"seed": 3, "target": 10.0},
    "is shorter": {"P": 0, "tau": 0.0, "epochs": 20.0, "init": "paper"},
}


def runs_of(changes, **common):
    runs = [configuration.resolve("addition", OPTIONS, [{**COMMON, **common, **c}]) for c in changes]
    return runs, [Addition(OPTIONS, seed=r.training.seed, eval_seed=r.training.eval_seed) for r in runs]


def group_and_alone(tmp_path, changes, backend, **common):
    """The same runs as one group and one by one: two lists of files."""
    runs, tasks = runs_of(changes, **common)
    together = [tmp_path / f"group{i}.safetensors" for i in range(len(runs))]
    apart = [tmp_path / f"alone{i}.safetensors" for i in range(len(runs))]
    train_group(runs, tasks, together, threads=1, backend=backend)
    for run, task, out in zip(runs, tasks, apart, strict=True):
        train(run, task, out, threads=1, backend=backend)
    return together, apart


@pytest.mark.parametrize(
    "common",
    [
        {},
        {"fresh": True, "z0": "noise", "clip": 0.5},
        {"fresh": True, "curriculum": 0.5, "readout": "phi", "z0": "learned"},
        {"encoder": "conv1d", "epochs": 25.0, "readout_bias": False},
    ],
    ids=["fixed", "fresh and noise", "curriculum", "encoder"],
)
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_member_is_the_run_alone_bit_for_bit(tmp_path, common, backend):
    """`torch` rounds a stack of products in another order."""
    together, apart = group_and_alone(tmp_path, MIXED.values(), backend, **common)
    for name, a, b in zip(MIXED, together, apart, strict=True):
        assert a.read_bytes() == b.read_bytes(), name
    ends = {name: store.load_checkpoint(out).meta for name, out in zip(MIXED, together, strict=True)}
    assert [m.status for m in ends.values()] == ["finished", "finished", "diverged", *["finished"] * 3]
    assert ends["diverges"].step < 10
    assert ends["diverges"].history["step"] == [i + 1.0 for i in range(ends["diverges"].step)]
    assert ends["restarts"].history["restart"][-1] == 1
    assert ends["restarts"].step > ends["plain"].step
    assert ends["reaches its target"].step == 4


def test_a_member_is_the_run_alone_up_to_rounding(tmp_path):
    together, apart = group_and_alone(tmp_path, MIXED.values(), "torch", fresh=True)
    for name, a, b in zip(MIXED, map(store.load_checkpoint, together), map(store.load_checkpoint, apart), strict=True):
        assert (a.meta.status, a.meta.reason, a.meta.step) == (b.meta.status, b.meta.reason, b.meta.step), name
        assert a.meta.best_step == b.meta.best_step, name
        for column, values in b.meta.history.items():
            found, expected = (np.asarray(x, float) for x in (a.meta.history[column], values))  # null is NaN
            np.testing.assert_allclose(found, expected, rtol=1e-5, err_msg=f"{name}: {column}")
        for key, tensor in b.tensors.items():
            np.testing.assert_allclose(
                a.tensors[key], tensor, rtol=1e-5, atol=1e-5 * np.abs(tensor).max(), err_msg=f"{name}: {key}"
            )


def test_reading_losses_later_changes_nothing(tmp_path, monkeypatch):
    """As on an accelerator: several steps are made before the host hears of the first, a divergence among them."""
    changes = [*MIXED.values(), {"lr": 30.0, "schedule": "constant", "seed": 4}, {"max_steps": 13}]
    runs, tasks = runs_of(changes, fresh=True)
    seen = {1: [], 7: []}
    for every, steps in seen.items():
        monkeypatch.setitem(loop._READ_EVERY, "cpu", every)
        outs = [tmp_path / f"{every}-{i}.safetensors" for i in range(len(runs))]
        train_group(
            runs, tasks, outs, threads=1, backend="reference", save_every=10,
            on_step=lambda e, p, steps=steps: steps.append((e, p)),
        )  # fmt: skip
    assert sorted(map(repr, seen[1])) == sorted(map(repr, seen[7]))
    written = sorted(p.name.removeprefix("1-") for p in tmp_path.glob("1-*.safetensors"))
    assert len(written) > len(runs)
    for name in written:
        assert (tmp_path / f"1-{name}").read_bytes() == (tmp_path / f"7-{name}").read_bytes(), name
    late = store.load_checkpoint(tmp_path / f"7-{len(MIXED)}.safetensors").meta
    assert late.status == "diverged" and late.step % 7 not in (0, 6)


def stop_after(n):
    left = iter(range(n))
    return lambda: "" if next(left, None) is not None else "SIGINT"


@pytest.mark.parametrize("how", ["alone", "in a group", "in another group"])
def test_an_interrupted_group_goes_on_exactly(tmp_path, how, monkeypatch):
    changes = [MIXED[k] for k in ("plain", "other everything", "restarts", "reaches its target")]
    runs, tasks = runs_of(changes, fresh=True, epochs=12.0)
    whole = [tmp_path / f"whole{i}.safetensors" for i in range(4)]
    cut = [tmp_path / f"cut{i}.safetensors" for i in range(4)]
    settings = {"threads": 1, "backend": "reference", "resume": True}
    train_group(runs, tasks, whole, **settings)
    first = train_group(runs, tasks, cut, should_stop=stop_after(7), **settings)
    assert [run.outcome.status for run in first] == ["interrupted"] * 3 + ["finished"]
    assert [store.resume_path(out).exists() for out in cut] == [True] * 3 + [False]
    if how == "alone":
        for run, task, out in zip(runs, tasks, cut, strict=True):
            train(run, task, out, **settings)
    elif how == "in a group":
        again = train_group(runs, tasks, cut, **settings)
        assert [run.resumed_from for run in again] == [7, 7, 7, 0]
        assert again[3].outcome is None
    else:
        # Two go ahead, by different amounts; then all three meet again, and the last one has to catch up first.
        train(runs[0], tasks[0], cut[0], should_stop=stop_after(5), **settings)
        train(runs[1], tasks[1], cut[1], should_stop=stop_after(17), **settings)
        sizes, step = [], Stack.step
        monkeypatch.setattr(Stack, "step", lambda self, *args: sizes.append(len(self)) or step(self, *args))
        again = train_group(runs[:3], tasks[:3], cut[:3], **settings)
        assert [run.resumed_from for run in again] == [12, 24, 7]
        assert sizes[: 5 + 12 + 1] == [1] * 5 + [2] * 12 + [3]
    for a, b in zip(whole, cut, strict=True):
        assert a.read_bytes() == b.read_bytes()
        assert not store.resume_path(b).exists()


def test_a_run_interrupted_alone_goes_on_in_a_group_with_a_new_one(tmp_path):
    runs, tasks = runs_of([{}, {"seed": 1}], epochs=6.0)
    whole = [tmp_path / f"whole{i}.safetensors" for i in range(2)]
    cut = [tmp_path / f"cut{i}.safetensors" for i in range(2)]
    settings = {"threads": 1, "backend": "reference", "resume": True}
    train_group(runs, tasks, whole, **settings)
    train(runs[0], tasks[0], cut[0], should_stop=stop_after(9), **settings)
    train_group(runs, tasks, cut, **settings)
    for a, b in zip(whole, cut, strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_nothing_is_trained_where_one_output_is_another_runs(tmp_path):
    runs, tasks = runs_of([{}, {"seed": 1}], epochs=1.0)
    outs = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    train(dataclasses.replace(runs[1], training=dataclasses.replace(runs[1].training, lr=0.5)), tasks[1], outs[1])
    with pytest.raises(OutputExistsError, match=r"training\.lr"):
        train_group(runs, tasks, outs)
    assert not outs[0].exists()
    with pytest.raises(UsageError, match="same --out"):
        train_group(runs, tasks, [outs[0], outs[0]])


@pytest.mark.parametrize("decay", [None, 0.3])
def test_adam_is_torchs(monkeypatch, decay):
    """Fifty steps of three members with rates of their own, the last coordinates at a third of it; one begins anew.

    With decay: of the first coordinates, and twice as much for the last member.
    """
    g = torch.Generator().manual_seed(0)
    start = torch.randn(3, 40, generator=g)
    factor = torch.ones(3, 40)
    factor[:, 30:] = 1 / 3
    decays = None if decay is None else decay * torch.tensor([[1.0], [1.0], [2.0]]) * (torch.arange(40) < 30)
    rates = [1e-3, 3e-2, 1e-1]
    gradients = torch.randn(50, 3, 40, generator=g) * torch.logspace(-6, 2, 40)
    gradients[:, :, 5] = 0

    def ours(library):
        if library is torch:
            monkeypatch.setattr("alrnn_cli.training.adam.library", lambda device: torch)
            monkeypatch.setattr("alrnn_cli.training.adam.array", lambda x: x)
        values, adam = start.clone(), Adam(factor, decays)
        going = torch.tensor([True, True, True])
        for i, gradient in enumerate(gradients):
            if i == 20:
                adam.reset(1)
            args = (values, gradient, going) if library is torch else (values.numpy(), gradient.numpy(), going.numpy())
            adam.step(args[0], args[1], [lr * (1 + i % 3) for lr in rates], args[2])
        return values

    expected = []
    for e, lr in enumerate(rates):
        parts = [start[e, :30].clone(), start[e, 30:].clone()]
        own = 0.0 if decays is None else float(decays[e, 0])
        optimizer = torch.optim.AdamW(
            [{"params": [parts[0]], "weight_decay": own}, {"params": [parts[1]], "weight_decay": 0}]
        )
        for i, gradient in enumerate(gradients[:, e]):
            if i == 20 and e == 1:
                optimizer.state.clear()
            parts[0].grad, parts[1].grad = gradient[:30], gradient[30:]
            for group, share in zip(optimizer.param_groups, (1, 1 / 3), strict=True):
                group["lr"] = lr * (1 + i % 3) * share
            optimizer.step()
        expected.append(torch.cat(parts))
    found = ours(np)
    moved = (found - start).abs()
    assert (moved[:, torch.arange(40) != 5] > 0).all()
    assert (moved[:, 5] > 0).all() == (decay is not None)
    torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=2e-6 * float(moved.max()))
    # As on an accelerator; torch's own square root on the CPU is not always the nearest number.
    torch.testing.assert_close(ours(torch), found, rtol=0, atol=2e-6 * float(moved.max()))


def test_adam_moves_only_those_that_go_on():
    values, gradient = np.ones((2, 4), np.float32), np.full((2, 4), 0.5, np.float32)
    gradient[1] = np.nan
    Adam(torch.ones(2, 4)).step(values, gradient, [0.1, 0.1], np.array([True, False]))
    np.testing.assert_allclose(values, [[0.9] * 4, [1.0] * 4], rtol=1e-6)


def test_decay_is_of_matrices_outside_the_recurrence():
    runs, tasks = runs_of([{"weight_decay": 0.5}, {"weight_decay": 0.25}], encoder="conv1d", z0="learned")
    stack = Stack(runs, tasks[0], CPU, "reference")
    for e in range(2):
        stack.begin(e, (e,))
    before = stack.values.clone()
    stack.gradient.zero_()
    stack.adam.step(stack.values.numpy(), stack.gradient.numpy(), [0.1, 0.1], np.array([True, True]))
    decaying = {"C", "D", "encoder.conv1.weight", "encoder.conv2.weight", "encoder.conv3.weight"}
    assert {"A", "W", "h", "b", "z0", "encoder.conv1.bias"} < set(stack.columns) - decaying
    for name, (where, _) in stack.columns.items():
        for e, share in enumerate((0.05, 0.025)):
            kept = 1 - share if name in decaying else 1
            torch.testing.assert_close(stack.values[e, where], kept * before[e, where], msg=name)


class Labels(Addition):
    """A label or a value at every step that is marked, trials of many lengths, from a fixed set."""

    name, K, N = "labels", 2, 3
    scored = "each"

    def __init__(self, kind, **kwargs):
        super().__init__(OPTIONS, **kwargs)
        self.loss = kind

    def fresh(self, n, rng, T=None):
        return None

    def generate(self, n, T, rng):
        lengths = rng.integers(2, T + 1, n)
        valid = np.arange(T) < lengths[:, None]
        targets = rng.integers(0, 3, (n, T)) if self.loss == "cross_entropy" else rng.normal(size=(n, T, 3))
        return Trials(
            inputs=rng.normal(size=(n, T, 2)).astype(np.float32),
            targets=targets if self.loss == "cross_entropy" else targets.astype(np.float32),
            mask=valid & (rng.random((n, T)) < 0.7),
            lengths=lengths,
            conditions=np.zeros(n, np.int64),
            phases=np.zeros((n, T), np.int8),
        )


class Silent(Labels):
    """The same without any input: K = 0."""

    K = 0

    def generate(self, n, T, rng):
        trials = super().generate(n, T, rng)
        return dataclasses.replace(trials, inputs=trials.inputs[..., :0], targets=trials.targets + np.float32(3))

    def score(self, outputs, trials):
        return {"mse": float(np.square(outputs - trials.targets)[trials.mask].mean())}


def test_a_group_trains_without_inputs(tmp_path):
    runs, _ = runs_of([{}, {"seed": 1, "P": 4}], epochs=10.0)
    outs = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for run in train_group(runs, [Silent("mse", seed=e) for e in range(2)], outs, threads=1):
        assert run.checkpoint.tensors["C"].shape == (6, 0)
        losses = run.checkpoint.meta.history["loss"]
        assert losses[-1] < losses[0]


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize(
    ("kind", "common"),
    [
        ("last", {"encoder": "conv1d", "readout_bias": False}),
        ("last", {"z0": "learned", "readout": "phi"}),
        ("mse", {"readout": "phi"}),
        ("cross_entropy", {}),
    ],
)
def test_the_gradient_of_a_step_is_autograds(monkeypatch, kind, common, library):
    """Closed forms and autograd put together, before the step, against autograd alone."""
    if library == "torch":
        monkeypatch.setattr("alrnn_cli.training.stack.library", lambda device: torch)
        monkeypatch.setattr("alrnn_cli.training.stack.array", lambda x: x.detach())
        monkeypatch.setattr("alrnn_cli.training.adam.library", lambda device: torch)
        monkeypatch.setattr("alrnn_cli.training.adam.array", lambda x: x.detach())
    changes = [{"P": 0, "tau": 0.0}, {"P": 2, "tau": 0.3, "M_reg": 6}, {"P": 6, "tau": 0.1, "M_reg": 2}]
    runs, tasks = runs_of(changes, init="random", **common)
    tasks = tasks if kind == "last" else [Labels(kind, seed=e) for e in range(3)]
    stack = Stack(runs, tasks[0], CPU, "reference")
    for e in range(3):
        stack.begin(e, (e,))
    batch = Feed(runs, tasks, CPU).at(0, [None] * 3)
    before = stack.values.clone()
    measured = torch.as_tensor(stack.step(batch, None, [1e-3] * 3))
    gradient = stack.gradient.clone()
    assert (stack.values != before).any(1).all()
    stack.values.copy_(before)
    model = stack.model
    s, lengths = model.encode(batch.s, batch.lengths)
    y = model.read(model.states(s, lengths, last=kind == "last", backend="reference"))
    if kind == "cross_entropy":
        each = torch.nn.functional.cross_entropy(y.flatten(0, -2), batch.targets.flatten(), reduction="none")
        each = each.view(batch.targets.shape)
    else:
        each = (y - batch.targets).square().mean(-1)
    value = (
        each.mean(-1) if kind == "last" else torch.stack([x[m].mean() for x, m in zip(each, batch.mask, strict=True)])
    )
    off, pull = 1 - torch.eye(6), []
    for e, run in enumerate(runs):
        A, W, h = model.A[e] * model.pwl[e], model.W[e], model.h[e]
        rows = (A + W.diagonal() - 1).square() + (W * off).square().sum(-1) + h.square()
        pull.append(run.training.tau * rows[: run.training.M_reg].sum())
    total = (value + torch.stack(pull)).sum()
    wanted = dict(zip(stack.columns, torch.autograd.grad(total, list(model.parameters())), strict=True))
    for name, (where, shape) in stack.columns.items():
        torch.testing.assert_close(
            gradient[:, where].view(3, *shape), wanted[name], msg=lambda m, name=name: f"{name}: {m}"
        )
    norm = sum(g.flatten(1).square().sum(1) for g in wanted.values()).sqrt()
    torch.testing.assert_close(measured, torch.stack([value, torch.stack(pull), norm]).detach())
    assert not model.A[~model.pwl].any()


def test_a_members_batches_are_its_own():
    """Members that share seed, set or nothing: each sees what it sees alone, and what is shared is made once."""
    runs, tasks = runs_of([{}, {"seed": 1}, {"P": 0}, {"seed": 1}], epochs=3.0)
    tasks[3] = Addition({**OPTIONS, "operation": "multiplication"}, seed=1)
    labels = [Labels("cross_entropy", seed=s) for s in (0, 1, 0, 2)]
    for fresh, several in ((False, tasks), (True, tasks), (False, labels)):
        several_runs = [dataclasses.replace(r, training=dataclasses.replace(r.training, fresh=fresh)) for r in runs]
        feed = Feed(several_runs, several, CPU)
        for step in (0, 3, 4, 11):
            batch = feed.at(step, [None] * 4)
            for members in ([0, 1, 2, 3], [3, 1]):
                part = feed.select(members).at(step, [None] * len(members))
                for i, e in enumerate(members):
                    alone = Feed([several_runs[e]], [several[e]], CPU).at(step, [None])
                    for field in ("s", "targets", "mask", "lengths"):
                        x = getattr(alone, field)
                        for found, row in ((batch, e), (part, i)):
                            y = getattr(found, field)
                            assert (x is None) == (y is None), field
                            assert x is None or torch.equal(y[row], x[0]), field
        assert not torch.equal(batch.s[0], batch.s[1])
        same = feed.select([0, 2]).at(1, [None] * 2).s
        assert same.stride(0) == 0


@pytest.mark.parametrize("fresh", [False, True])
def test_members_that_read_the_same_set_hold_it_once(fresh):
    """The seed of the order, or of fresh trials, is the run's; equal training sets count as one, whatever they are made from."""
    runs, _ = runs_of([{"seed": s} for s in range(4)], fresh=fresh)
    feed = Feed(runs, [Addition(OPTIONS, seed=7, eval_seed=0 if fresh else s) for s in range(4)], CPU)
    if not fresh:
        assert feed._whole.s.shape == (60, 8, 2)
    assert not torch.equal(feed.at(0, [None] * 4).s[0], feed.at(0, [None] * 4).s[1])


def test_a_member_that_is_not_finite_once_makes_no_further_step():
    """Before the host has heard of it, and whatever its later losses are; the other members do not notice."""
    runs, tasks = runs_of([{}, {"seed": 1}, {"seed": 2}])
    stack, clean = (loop.Group(runs, tasks, CPU, "reference").stack for _ in range(2))
    feed = Feed(runs, tasks, CPU)
    before = stack.values.clone()
    for step in range(3):
        batch = feed.at(step, [None] * 3)
        clean.step(batch, None, [1e-3] * 3)
        if step == 1:
            spoilt = batch.s.clone()
            spoilt[1, 0, 0, 0] = float("inf")
            batch = dataclasses.replace(batch, s=spoilt)
        measured = stack.step(batch, None, [1e-3] * 3)
        assert np.isfinite(measured).all(0).tolist() == [True, step != 1, True]
        if step == 0:
            after = stack.values.clone()
    assert torch.equal(stack.values[1], after[1]) and not torch.equal(after[1], before[1])
    assert torch.equal(stack.values[[0, 2]], clean.values[[0, 2]])


@pytest.mark.parametrize(
    ("changes", "options", "named"),
    [
        ({"M": 7}, {}, "--M is 6 for one and 7 for another"),
        ({"phi": "tanh"}, {}, "--phi is relu for one and tanh"),
        ({"batch": 15}, {}, "--batch"),
        ({"encoder": "conv1d"}, {}, "--encoder is none for one and conv1d"),
        ({"readout": "phi"}, {}, "--readout is"),
        ({"readout_bias": False}, {}, "--readout-bias"),
        ({"z0": "learned"}, {}, "--z0"),
        ({"fresh": True}, {}, "--fresh"),
        ({}, {"T": 9}, "T is 8 for one and 9 for another"),
        ({}, {"train": 61}, "number of training trials"),
    ],
)
def test_what_does_not_stack_is_named(changes, options, named):
    runs = [configuration.resolve("addition", OPTIONS, [{**COMMON, **c}]) for c in ({}, changes)]
    tasks = [Addition(OPTIONS), Addition({**OPTIONS, **options})]
    with pytest.raises(UsageError, match="cannot train as one group") as caught:
        loop.Group(runs, tasks, CPU, "auto")
    assert named in caught.value.message
    assert stackable.partition([runs[0], *runs], [tasks[0], *tasks]) == [[0, 1], [2]]


def test_the_backend_of_a_group_is_that_of_its_smallest_P():
    """The shortcut through the chunks pays where ReLUs are few."""
    options = {"T": 1000, "train": 4, "validation": 4, "test": 4}
    runs = [configuration.resolve("addition", options, [{"M": 100, "P": P, "batch": 64}]) for P in (100, 5)]
    chosen = [loop.Group(some, [Addition(options) for _ in some], CPU, "auto").choice for some in (runs[:1], runs)]
    assert [c.name for c in chosen] == ["cpu", "chunked"]
    assert "5 of 100 units" in chosen[1].reason


def test_partition_keeps_together_what_may_differ():
    runs, tasks = runs_of([*MIXED.values(), {"M": 7}, {"seed": 9, "curriculum": 0.5}])
    assert stackable.partition(runs, tasks) == [[0, 1, 2, 3, 4, 5, 7], [6]]


@pytest.mark.parametrize(
    ("kind", "mask"), [("mse", False), ("mse", True), ("cross_entropy", False), ("cross_entropy", True)]
)
def test_loss_gradient_against_autograd(kind, mask):
    g = torch.Generator().manual_seed(0)
    shape = (2, 5, 4) if mask else (2, 5)
    y = torch.randn(*shape, 3, generator=g, dtype=torch.float64, requires_grad=True)
    label = torch.randint(0, 3, shape, generator=g)
    target = label if kind == "cross_entropy" else torch.randn(*shape, 3, generator=g, dtype=torch.float64)
    counted = torch.rand(shape, generator=g) < 0.5 if mask else torch.ones(shape, dtype=torch.bool)
    counted[1, 1:] = counted[1, 1:] & (not mask)
    if kind == "mse":
        each = (y - target).square().mean(-1)
    else:
        each = -torch.log_softmax(y, -1).gather(-1, label[..., None])[..., 0]
    expected = torch.stack([x[m].mean() for x, m in zip(each, counted, strict=True)])
    value, gradient = loss(kind, y.detach(), target, counted if mask else None)
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(gradient, torch.autograd.grad(expected.sum(), y)[0])


def test_arrays_share_the_tensors_memory():
    x = torch.zeros(3)
    arrays.array(x)[1] = 5
    assert x.tolist() == [0, 5, 0]
    assert arrays.library(torch.device("cuda")) is torch
