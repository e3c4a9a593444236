"""The module's parameters, readout, penalty and encoders."""

import dataclasses

import numpy as np
import pytest
import torch

from alrnn_cli.config import ENCODERS, INITS, ModelConfig
from alrnn_cli.errors import UsageError
from alrnn_cli.model.alrnn import ALRNN
from alrnn_cli.model.penalty import manifold, weights
from alrnn_cli.records import Tokens


def test_penalty_by_hand():
    A = torch.tensor([[0.0, 0.0, 0.5]], dtype=torch.float64)
    W = torch.tensor([[[0.9, 0.2, -0.1], [0.3, 1.1, 0.4], [0.7, 0.0, 0.6]]], dtype=torch.float64)
    h = torch.tensor([[0.1, -0.2, 0.3]], dtype=torch.float64)
    rows = [
        0.1**2 + 0.2**2 + 0.1**2 + 0.1**2,
        0.1**2 + 0.3**2 + 0.4**2 + 0.2**2,
        (0.5 + 0.6 - 1) ** 2 + 0.7**2 + 0.3**2,
    ]
    for M_reg in range(4):
        value, *_ = manifold(A, W, h, weights([1.0], [M_reg], 3))
        assert float(value) == pytest.approx(sum(rows[:M_reg]), abs=1e-15)


def test_penalty_gradient_against_autograd():
    """Three members that differ in tau and M_reg, one of them free; written out as in the definition."""
    g = torch.Generator().manual_seed(0)
    A, W, h = (torch.randn(*s, generator=g, dtype=torch.float64) for s in ((3, 5), (3, 5, 5), (3, 5)))
    leaves = [x.requires_grad_() for x in (A, W, h)]
    tau, M_reg = [0.5, 0.0, 2.0], [2, 3, 5]
    off = ~torch.eye(5, dtype=torch.bool)
    expected = [
        t * ((A[e] + W[e].diagonal() - 1) ** 2 + (W[e] * off).square().sum(-1) + h[e] ** 2)[:m].sum()
        for e, (t, m) in enumerate(zip(tau, M_reg, strict=True))
    ]
    value, *gradients = manifold(*(x.detach() for x in leaves), weights(tau, M_reg, 5))
    torch.testing.assert_close(value, torch.stack(expected).detach())
    for name, got, want in zip("AWh", gradients, torch.autograd.grad(sum(expected), leaves), strict=True):
        torch.testing.assert_close(got, want, msg=lambda m, name=name: f"{name}: {m}")


@pytest.mark.parametrize("P", [0, 1, 5, 6])
@pytest.mark.parametrize("init", INITS)
def test_A_lives_on_pwl_units_only(P, init):
    model = ALRNN(ModelConfig(M=6, P=P, init=init), 2, 1)
    model.initialise(0, (0, 0))
    assert not model.A[0, : 6 - P].any()
    model.read(model.states(torch.randn(1, 4, 5, 2), last=True)).square().sum().backward()
    assert not model.A.grad[0, : 6 - P].any()
    if P:
        assert model.A.grad[0, 6 - P :].any()


def test_inits_are_what_they_say():
    M = 40

    def W(init):
        model = ALRNN(ModelConfig(M=M, P=2, init=init), 3, 1)
        model.initialise(0, (5, 0))
        return model.W[0].detach().double().numpy(), model

    paper, model = W("paper")
    assert 0.009 < paper.std() < 0.011
    assert 0.08 < float(model.C.detach().std()) < 0.12
    identity, _ = W("identity")
    np.testing.assert_allclose(
        identity[: M // 2, : M // 2] - paper[: M // 2, : M // 2] * (1 - np.eye(M // 2)), np.eye(M // 2)
    )
    orthogonal, _ = W("orthogonal")
    np.testing.assert_allclose(orthogonal @ orthogonal.T, np.eye(M), atol=1e-6)
    random, _ = W("random")
    assert random.std() == pytest.approx(M**-0.5, rel=0.1)


@pytest.mark.parametrize("P", [0, 3, 40])
def test_rotations_turn_the_linear_units_in_pairs(P):
    M = 40
    model = ALRNN(ModelConfig(M=M, P=P, init="rotation", period_min=8.0), 3, 1)
    model.initialise(0, (5, 0))
    W, linear = model.W[0].detach().double().numpy(), M - P
    block = W[:linear, :linear]
    np.testing.assert_allclose(block @ block.T, np.eye(linear), atol=1e-6)
    angles = np.abs(np.angle(np.linalg.eigvals(block)))
    if linear:
        assert angles.max() <= 2 * np.pi / 8 + 1e-6
        assert angles.max() > 0.7 * 2 * np.pi / 8
        assert np.mean(angles) == pytest.approx(np.pi / 8, rel=0.35)
        assert not W[:linear, linear:].any()
    assert (linear % 2) == np.isclose(angles, 0, atol=1e-6).sum()
    if P:
        assert W[linear:].std() == pytest.approx(M**-0.5, rel=0.2)
    assert not model.A.any() and not model.h.any()


def test_how_far_a_start_is_from_what_it_is_called_can_be_chosen():
    """W - I of the identity shrinks with recurrent_scale; no other parameter changes."""
    wide, narrow = (ALRNN(ModelConfig(M=6, P=2, init="identity", recurrent_scale=s), 3, 1) for s in (0.01, 0.001))
    for model in (wide, narrow):
        model.initialise(0, (5, 0))
    one = torch.diag((torch.arange(6) < 3).float())
    for name, p in narrow.named_parameters():
        there, origin = dict(wide.named_parameters())[name], one if name == "W" else 0
        share = 0.1 if name in ("A", "W", "h") else 1
        torch.testing.assert_close(p[0] - origin, share * (there[0] - origin), atol=1e-6, rtol=1e-4, msg=name)
    assert narrow.W.detach().sub(one).abs().max() > 1e-4


@pytest.mark.parametrize("readout", ["z", "phi"])
@pytest.mark.parametrize("P", [0, 1, 3])
def test_readout(readout, P):
    model = ALRNN(ModelConfig(M=3, P=P, readout=readout), 1, 2)
    with torch.no_grad():
        model.D.normal_()
        model.b.normal_()
    z = torch.randn(1, 4, 3, requires_grad=True)
    seen = z.clone()
    if readout == "phi":
        seen[..., 3 - P :] = seen[..., 3 - P :].clamp_min(0)
    expected = seen[0] @ model.D[0].T + model.b[0]
    y = model.read(z)
    torch.testing.assert_close(y[0], expected)
    dy = torch.randn(1, 4, 2)
    dz, gradients = model.read_gradient(z.detach(), dy)
    for name, got in {"z": dz, **gradients}.items():
        x = z if name == "z" else getattr(model, name)
        torch.testing.assert_close(got, torch.autograd.grad(y, x, dy, retain_graph=True)[0], msg=name)


def test_relu_rnn_is_a_special_case():
    """P = M with readout phi and A = 0 is torch's ReLU RNN, shifted: Φ(z_t) are its hidden states."""
    rnn = torch.nn.RNN(2, 5, nonlinearity="relu", batch_first=True)
    model = ALRNN(ModelConfig(M=5, P=5, readout="phi"), 2, 1)
    with torch.no_grad():
        model.A.zero_()
        model.W[0] = rnn.weight_hh_l0
        model.C[0] = rnn.weight_ih_l0
        model.h[0] = rnn.bias_hh_l0 + rnn.bias_ih_l0
    s = torch.randn(3, 7, 2)
    torch.testing.assert_close(model.states(s[None])[0].clamp_min(0), rnn(s)[0])


def test_too_short_for_the_encoder():
    model = ALRNN(ModelConfig(M=4, P=1, encoder="conv1d"), 1, 2)
    with pytest.raises(UsageError, match="at least 2 steps"):
        model.encode(torch.zeros(1, 2, 1, 1))


def test_a_members_start_does_not_depend_on_its_group():
    config = ModelConfig(M=6, P=2, encoder="conv1d")
    group = ALRNN([dataclasses.replace(config, P=0, init="orthogonal"), config], 1, 2)
    group.initialise(0, (1, 0))
    group.initialise(1, (2, 0))
    alone = ALRNN(config, 1, 2)
    alone.initialise(0, (2, 0))
    for model in (group, group.part([1])):
        for (name, x), y in zip(model.named_parameters(), alone.parameters(), strict=True):
            assert torch.equal(x[-1], y[0]), name


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_member_begun_anew_keeps_nothing_of_before(encoder):
    config = ModelConfig(M=6, P=2, readout_bias=True, z0="learned", encoder=encoder)
    tokens = Tokens(9, 5) if encoder == "token-mlp" else None
    fresh, used = ALRNN([config] * 2, 2, 3, tokens), ALRNN([config] * 2, 2, 3, tokens)
    with torch.no_grad():
        for p in used.parameters():
            p.fill_(7.0)
    fresh.initialise(1, (3, 0))
    used.initialise(1, (3, 0))
    for (name, p), q in zip(used.named_parameters(), fresh.parameters(), strict=True):
        assert torch.equal(p[1], q[1]), name
        assert (p[0] == 7.0).all(), name
