"""Every model by the same contract, and each baseline against torch's own module or a plain loop."""

import dataclasses

import numpy as np
import pytest
import torch

from alrnn_cli import catalogue, dynamics, maps
from alrnn_cli.config import ModelConfig
from alrnn_cli.errors import DeviceError, UsageError
from alrnn_cli.model import get, make
from alrnn_cli.model.network import Network

E, B, T, K, N, M = 2, 3, 6, 2, 2, 4
KINDS = {
    **{name: {"model": name} for name in catalogue.names()},
    "alrnn of tanh": {"model": "alrnn", "phi": "tanh", "readout": "phi"},
    "alrnn of gelu": {"model": "alrnn", "phi": "gelu", "readout": "phi"},
    "rnn of tanh": {"model": "rnn", "phi": "tanh"},
}


def made(kind, **changes):
    """Two members with readout bias and learned z_0, float64, all parameters well away from zero."""
    config = ModelConfig(M=M, P=2, init="random", z0="learned", **KINDS[kind], **changes)
    model = make([config] * E, K, N).double()
    for e in range(E):
        model.initialise(e, (e, 7))
    g = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for zero in (model.b, model.z0):
            zero.copy_(0.5 * torch.randn(zero.shape, generator=g, dtype=torch.float64))
    return model


def inputs(seed=1):
    return torch.randn(E, B, T, K, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


LENGTHS = torch.tensor([[6, 2, 4], [1, 6, 3]])


def test_models_are_found_by_their_files():
    assert catalogue.names()[0] == "alrnn"
    assert {"rnn", "gru", "lstm", "lru"} <= set(catalogue.names())
    with pytest.raises(UsageError) as caught:
        get("gruu")
    assert "'gru'" in caught.value.hint


@pytest.mark.parametrize("name", catalogue.names())
def test_a_model_says_what_it_must(name):
    assert issubclass(get(name), Network)
    assert "Source:" in get(name).__doc__


@pytest.mark.parametrize("kind", KINDS)
def test_a_members_start_is_its_own(kind):
    model = made(kind)
    alone = make(model.config, K, N).double()
    alone.initialise(0, (1, 7))
    for name, p in alone.named_parameters():
        if name not in ("b", "z0"):
            assert torch.equal(model.get_parameter(name)[1], p[0]), name
            assert not torch.equal(model.get_parameter(name)[0], p[0]), name
        if name != "A":
            assert p.any() == (name not in ("b", "z0")), name
    for (name, p), q in zip(model.part([1]).named_parameters(), model.parameters(), strict=True):
        assert torch.equal(p[0], q[1]), name


@pytest.mark.parametrize("kind", KINDS)
def test_padding_reaches_nothing(kind):
    """Whatever stands there: values, the state a trial keeps, and every gradient are those of the trials alone."""
    model, s = made(kind), inputs()
    spoilt = s.clone()
    for e in range(E):
        for i in range(B):
            spoilt[e, i, LENGTHS[e, i] :] = float("nan")
    z, last = model.states(spoilt, LENGTHS), model.states(spoilt, LENGTHS, last=True)
    whole = model.trajectory(spoilt, LENGTHS)
    assert whole.shape == (E, B, T, model.S)
    torch.testing.assert_close(model.read(whole), model.read(z))
    got = torch.autograd.grad(model.read(last).square().sum(), list(model.parameters()))
    for e in range(E):
        part = model.part([e])
        ends = []
        for i, n in enumerate(LENGTHS[e].tolist()):
            own = part.states(s[e : e + 1, i : i + 1, :n])[0, 0]
            torch.testing.assert_close(z[e, i, :n], own)
            torch.testing.assert_close(z[e, i, n:], own[-1:].expand(T - n, -1))
            torch.testing.assert_close(last[e, i], own[-1])
            torch.testing.assert_close(whole[e, i, :n, : z.shape[-1]], own)
            ends.append(own[None, -1:])
        alone = torch.autograd.grad(sum(part.read(z).square().sum() for z in ends), list(part.parameters()))
        for (name, _), g, expected in zip(model.named_parameters(), got, alone, strict=True):
            torch.testing.assert_close(g[e], expected[0], msg=name)
            assert g.any(), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("last", [False, True])
def test_the_readouts_gradient_is_autograds(kind, last):
    model = made(kind)
    z = model.states(inputs(), LENGTHS, last=last).detach().requires_grad_()
    y = model.read(z)
    dy = torch.randn(y.shape, generator=torch.Generator().manual_seed(2), dtype=y.dtype)
    dz, found = model.read_gradient(z.detach(), dy)
    assert set(found) == {"D", "b"}
    for name, got in {"z": dz, **found}.items():
        x = z if name == "z" else model.get_parameter(name)
        torch.testing.assert_close(got, torch.autograd.grad(y, x, dy, retain_graph=True)[0], msg=name)


def torchs(model, e, kind):
    """torch's module with member e's weights."""
    if isinstance(kind, torch.nn.RNN):
        kind.weight_hh_l0.copy_(model.W[e])
        kind.weight_ih_l0.copy_(model.C[e])
        kind.bias_hh_l0.copy_(model.h[e])
        kind.bias_ih_l0.zero_()
    else:
        kind.load_state_dict({name: x[e] for name, x in model.named_parameters() if name.endswith("_l0")})
    return kind


@pytest.mark.parametrize("kind", ["rnn", "rnn of tanh", "gru", "lstm"])
def test_it_is_torchs_own(kind):
    """Hidden states, the state that is kept at the end, and the gradient of every weight."""
    model, s = made(kind), inputs()
    name = {"rnn": "RNN", "rnn of tanh": "RNN", "gru": "GRU", "lstm": "LSTM"}[kind]
    options = {"nonlinearity": "tanh" if "tanh" in kind else "relu"} if name == "RNN" else {}
    weight = torch.randn(E, B, T, M, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    states = model.states(s)
    rows = model.seen(states.flatten(1, 2)).view(E, B, T, M)  # of the rnn: what has passed through φ
    gradients = torch.autograd.grad(
        (rows * weight).sum(), [p for n, p in model.named_parameters() if n not in ("D", "b")]
    )
    leaves = [n for n, _ in model.named_parameters() if n not in ("D", "b")]
    for e in range(E):
        with torch.no_grad():
            theirs = torchs(model, e, getattr(torch.nn, name)(K, M, batch_first=True, **options).double())
        z0 = model.z0[e].detach().expand(B, -1).clone().requires_grad_()
        if name == "RNN":
            start = model.seen(z0[None].expand(E, -1, -1))[e][None]
        else:
            start = z0[None] if name == "GRU" else tuple(x[None].contiguous() for x in z0.chunk(2, -1))
        out, end = theirs(s[e], start)
        torch.testing.assert_close(rows[e], out)
        if name == "LSTM":
            whole = model.trajectory(s)[e]
            torch.testing.assert_close(whole[..., :M], out)
            torch.testing.assert_close(whole[:, -1, M:], end[1][0])
        (out * weight[e]).sum().backward()
        same = {"W": "weight_hh_l0", "C": "weight_ih_l0", "h": "bias_hh_l0"} if name == "RNN" else {}
        for leaf, g in zip(leaves, gradients, strict=True):
            expected = z0.grad.sum(0) if leaf == "z0" else getattr(theirs, same.get(leaf, leaf)).grad
            torch.testing.assert_close(g[e], expected, msg=leaf)


def test_lru_against_a_plain_loop():
    """Values and gradients, from the definition in complex numbers, differentiated by autograd."""
    model, s = made("lru"), inputs()
    states = model.states(s)
    weight = torch.randn(states.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    leaves = [model.nu, model.theta, model.log_gamma, model.B, model.z0]
    got = torch.autograd.grad((states * weight).sum(), leaves)
    modes = torch.exp(-torch.exp(model.nu)) * torch.exp(1j * torch.exp(model.theta))
    matrix = torch.complex(model.B[:, :M], model.B[:, M:]) * model.log_gamma.exp()[..., None]
    x = torch.complex(model.z0[:, :M], model.z0[:, M:])[:, None].expand(E, B, M)
    steps = []
    for t in range(T):
        x = modes[:, None] * x + s[:, :, t].to(matrix.dtype) @ matrix.mT
        steps.append(torch.cat([x.real, x.imag], -1))
    plain = torch.stack(steps, 2)
    torch.testing.assert_close(states, plain)
    for name, g, expected in zip(
        ("nu", "theta", "log_gamma", "B", "z0"), got, torch.autograd.grad((plain * weight).sum(), leaves), strict=True
    ):
        torch.testing.assert_close(g, expected, msg=name)


def test_lru_reads_a_complex_output():
    """D (Re x, Im x) is Re(D_c x) for the complex D_c it stands for."""
    model = made("lru")
    z = model.states(inputs())
    x = torch.complex(z[..., :M], z[..., M:])
    Dc = torch.complex(model.D[..., :M], -model.D[..., M:])
    expected = torch.stack([(x[e] @ Dc[e].T).real + model.b[e] for e in range(E)])
    torch.testing.assert_close(model.read(z), expected)


def test_lru_starts_on_its_ring():
    config = ModelConfig(model="lru", M=4000, r_min=0.3, r_max=0.8)
    drawn = make(config, 3, 1).draw(0, np.random.default_rng(0))
    modulus, angle = np.exp(-np.exp(drawn["nu"])), np.exp(drawn["theta"])
    assert modulus.min() >= 0.3 and modulus.max() <= 0.8
    assert (modulus**2).mean() == pytest.approx((0.3**2 + 0.8**2) / 2, rel=0.02)  # uniform in area
    assert angle.min() > 0 and angle.max() <= 2 * np.pi and angle.mean() == pytest.approx(np.pi, rel=0.05)
    np.testing.assert_allclose(np.exp(2 * drawn["log_gamma"]) + modulus**2, 1)
    assert drawn["B"].var() == pytest.approx(1 / 6, rel=0.05)
    # γ: white inputs of variance 1 leave a variance of |B s|² whatever the modulus.
    model = make(dataclasses.replace(config, M=300, r_min=0.0, r_max=0.99), 1, 1)
    model.initialise(0, (0, 0))
    with torch.no_grad():
        z = model.states(torch.randn(1, 4, 2000, 1, generator=torch.Generator().manual_seed(0)))[0, :, 1000:]
        power = (z[..., :300].square() + z[..., 300:].square()).mean((0, 1)) / (
            model.B[0, :300, 0].square() + model.B[0, 300:, 0].square()
        )
    assert power.median() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_map_in_numpy_is_the_same(kind):
    """One step and its Jacobian, for analysis, against torch's states and autograd through them."""
    model, e = made(kind), 1
    tensors = {name: p[e].detach().numpy() for name, p in model.named_parameters()}
    system = maps.read(tensors, dataclasses.asdict(model.config))
    g = torch.Generator().manual_seed(3)
    z = torch.randn(5, model.S, generator=g, dtype=torch.float64)
    s = torch.randn(5, K, generator=g, dtype=torch.float64)

    def step(z):
        return model.trajectory(torch.stack([s, s])[:, :, None], z0=torch.stack([z, z]))[e, :, 0]

    exact = kind in ("alrnn", "rnn", "lru")
    assert isinstance(system, maps.Map) is not exact
    assert (system.M, system.K, system.N) == (model.S, K, N)
    got = dynamics.step(system, z.numpy(), s.numpy()) if exact else system.step(z.numpy(), s.numpy())
    np.testing.assert_allclose(got, step(z).detach().numpy(), rtol=1e-12, atol=1e-13)
    expected = torch.autograd.functional.jacobian(lambda x: step(x).sum(0), z).transpose(0, 1).numpy()
    if exact:
        J = np.stack([dynamics.jacobian(system, dynamics.bits(x, system.P)) for x in z.numpy()])
        y = dynamics.readout(system, z.numpy())
        np.testing.assert_allclose(y, model.read(torch.stack([z, z]))[e].detach().numpy(), rtol=1e-12)
    else:
        J = system.jacobian(z.numpy(), s.numpy())
    np.testing.assert_allclose(J, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("alrnn", 2 + M * M + M * K + M),  # A of two PWL units
        ("rnn", M * M + M * K + M),
        ("gru", 3 * (M * M + M * K + 2 * M)),
        ("lstm", 4 * (M * M + M * K + 2 * M) + M),  # z_0 has a cell
        ("lru", 3 * M + 2 * M * K + M + N * M),  # so has the readout a second half
    ],
)
def test_counts_of_parameters(kind, expected):
    assert made(kind).count(1) == expected + N * M + N + M


@pytest.mark.parametrize("name", ["gru", "lstm", "lru"])
def test_kernels_of_the_alrnn_are_refused(name):
    model = make(ModelConfig(model=name), 1, 1)
    shape = {"B": 1, "T": 1, "last": True, "ragged": False}
    assert model.choose("auto", "cpu", torch.float32, **shape).name == "torch"
    for backend in ("cpu", "chunked", "cuda", "reference"):
        with pytest.raises(DeviceError, match=f"--model {name} is computed by torch"):
            model.choose(backend, "cpu", torch.float32, **shape)
    rnn = make(ModelConfig(model="rnn", M=8), 1, 1)
    assert rnn.choose("reference", "cpu", torch.float32, **shape).name == "reference"
