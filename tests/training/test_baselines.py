"""Baselines train as the AL-RNN does: alone or in a group, in one go or in pieces, and they learn."""

import pytest
import torch

from alrnn_cli import catalogue, store
from alrnn_cli import config as configuration
from alrnn_cli.errors import DeviceError
from alrnn_cli.model.alrnn import ALRNN
from alrnn_cli.tasks.addition import Addition
from alrnn_cli.training.data import Feed
from alrnn_cli.training.run import train, train_group
from alrnn_cli.training.stack import Stack

from .test_group import Labels, stop_after

OPTIONS = {"T": 6, "train": 48, "validation": 40, "test": 24}
TEMPLATE = {"M": 8, "batch": 16, "lr": 1e-2, "epochs": 8.0, "clip": 1.0, "encoder": "none"}
KINDS = {name: {"model": name} for name in catalogue.names() if name != "alrnn"}
KINDS["lru"]["M"] = 4  # a readout of 8 numbers: products of a stack of larger ones round otherwise than alone
KINDS["alrnn of tanh"] = {"phi": "tanh", "P": 3, "tau": 0.1, "readout": "phi"}


def run_of(kind, **changes):
    run = configuration.resolve("addition", OPTIONS, [{**TEMPLATE, **KINDS[kind], **changes}])
    return run, Addition(OPTIONS, seed=run.training.seed)


@pytest.mark.parametrize("kind", KINDS)
def test_groups_and_pieces_give_the_same_bytes(tmp_path, kind):
    """Two members that differ, as a group, alone, and interrupted in a group and resumed alone."""
    settings = {"threads": 1, "backend": "reference" if kind in ("rnn", "alrnn of tanh") else "auto", "resume": True}
    changes = [{}, {"seed": 1, "lr": 3e-3, "clip": 0.1, "restarts": 1, "restart_above": 1e-9, "restart_after": 0.5}]
    runs, tasks = zip(*(run_of(kind, z0="noise", **c) for c in changes), strict=True)
    outs = {how: [tmp_path / f"{how}{i}.safetensors" for i in range(2)] for how in ("group", "alone", "pieces")}
    train_group(runs, tasks, outs["group"], save_every=10, **settings)
    train_group(runs, tasks, outs["pieces"], should_stop=stop_after(5), **settings)
    for run, task, alone, pieces in zip(runs, tasks, outs["alone"], outs["pieces"], strict=True):
        train(run, task, alone, **settings)
        assert train(run, task, pieces, **settings).resumed_from == 5
    for group, alone, pieces in zip(*outs.values(), strict=True):
        assert group.read_bytes() == alone.read_bytes() == pieces.read_bytes()
    meta = store.load_checkpoint(outs["group"][1]).meta
    assert meta.history["restart"][-1] == 1
    assert store.load_checkpoint(tmp_path / "group1-10.safetensors").meta.step == 10
    exact = kind in ("rnn", "lru")
    assert all((x is not None) is exact for x in meta.history["spectral_radius"] + meta.history["bitcodes"])


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns(tmp_path, kind):
    """The last target is the sum of two marked values: far better than always answering 1, with a nonlinearity or without."""
    run, task = run_of(kind, lr=2e-2, epochs=150.0, fresh=True, schedule="cosine", eval_every=75.0)
    meta = train(run, task, tmp_path / "x.safetensors", threads=1).checkpoint.meta
    assert meta.history["loss"][-1] < 0.5 * task.chance["mse"]
    assert meta.parameters == sum(
        x.size for x in store.load_checkpoint(tmp_path / "x.safetensors").tensors.values()
    ) - (
        5 if kind == "alrnn of tanh" else 0  # A of linear units is stored and not trained
    )


@pytest.mark.parametrize("kind", KINDS)
def test_trials_of_many_lengths_scored_at_every_step(kind):
    """The gradient of a step, closed forms and torch's together, is autograd's."""
    free = {"tau": 0.0} if "tau" in KINDS[kind] else {}
    runs = [run_of(kind, seed=e, z0="learned", **free)[0] for e in range(2)]
    tasks = [Labels("cross_entropy", seed=e) for e in range(2)]
    stack = Stack(runs, tasks[0], torch.device("cpu"), "auto")
    for e in range(2):
        stack.begin(e, (e,))
    batch = Feed(runs, tasks, torch.device("cpu")).at(0, [None] * 2)
    assert batch.lengths is not None
    before = stack.values.clone()
    stack.step(batch, None, [1e-3] * 2)
    gradient = stack.gradient.clone()
    stack.values.copy_(before)
    model = stack.model
    y = model.read(model.states(batch.s, batch.lengths))
    each = torch.nn.functional.cross_entropy(y.flatten(0, -2), batch.targets.flatten(), reduction="none")
    each = each.view(batch.targets.shape)
    total = sum(x[m].mean() for x, m in zip(each, batch.mask, strict=True))
    wanted = dict(zip(stack.columns, torch.autograd.grad(total, list(model.parameters())), strict=True))
    for name, (where, shape) in stack.columns.items():
        torch.testing.assert_close(gradient[:, where].view(2, *shape), wanted[name], msg=lambda m, n=name: f"{n}: {m}")


def test_an_rnn_is_the_alrnn_that_its_analysis_reads():
    """Bit by bit the same states by the compiled kernel as by the model it stands for."""
    run, task = run_of("rnn")
    stack = Stack([run], task, torch.device("cpu"), "auto")
    stack.begin(0, (0,))
    model = stack.model
    same = ALRNN(configuration.ModelConfig(M=8, P=8, readout="phi"), 2, 1)
    with torch.no_grad():
        for name in ("W", "C", "h", "D"):
            same.get_parameter(name).copy_(model.get_parameter(name))
    s = torch.randn(1, 4, 6, 2)
    assert torch.equal(model.states(s), same.states(s)) and torch.equal(
        model.read(model.states(s)), same.read(same.states(s))
    )


def test_a_kernel_that_cannot_is_refused_before_training(tmp_path):
    for kind, words in (
        ("gru", "--model gru is computed by torch"),
        ("alrnn of tanh", "computes the ReLU only, not tanh"),
    ):
        run, task = run_of(kind)
        with pytest.raises(DeviceError, match=words):
            train(run, task, tmp_path / "x.safetensors", backend="cpu")
    assert not list(tmp_path.iterdir())
