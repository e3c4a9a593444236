"""The module's parameters, readout, penalty and encoders."""

import numpy as np
import pytest
import torch

from alrnn_cli.config import INITS, ModelConfig
from alrnn_cli.errors import UsageError
from alrnn_cli.model.alrnn import ALRNN
from alrnn_cli.model.encoders import Conv1dEncoder
from alrnn_cli.model.penalty import manifold


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
        assert float(manifold(A, W, h, M_reg)) == pytest.approx(sum(rows[:M_reg]), abs=1e-15)


@pytest.mark.parametrize("P", [0, 1, 5, 6])
@pytest.mark.parametrize("init", INITS)
def test_A_lives_on_pwl_units_only(P, init):
    model = ALRNN(ModelConfig(M=6, P=P, init=init), 2, 1)
    model.initialise([(0, 0)])
    assert not model.A[0, : 6 - P].any()
    loss = model.read(model.states(torch.randn(1, 4, 5, 2), last=True)).square().sum() + model.penalty(3).sum()
    loss.backward()
    assert not model.A.grad[0, : 6 - P].any()
    if P:
        assert model.A.grad[0, 6 - P :].any()


def test_inits_are_what_they_say():
    M = 40

    def W(init):
        model = ALRNN(ModelConfig(M=M, P=2, init=init), 3, 1)
        model.initialise([(5, 0)])
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


@pytest.mark.parametrize("readout", ["z", "phi"])
@pytest.mark.parametrize("P", [0, 1, 3])
def test_readout(readout, P):
    model = ALRNN(ModelConfig(M=3, P=P, readout=readout), 1, 2)
    with torch.no_grad():
        model.D.normal_()
        model.b.normal_()
    z = torch.randn(1, 4, 3)
    seen = z.clone()
    if readout == "phi":
        seen[..., 3 - P :] = seen[..., 3 - P :].clamp_min(0)
    expected = seen[0] @ model.D[0].T + model.b[0]
    torch.testing.assert_close(model.read(z)[0], expected)


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


def test_conv_encoder_halves_784_steps():
    encoder = Conv1dEncoder(1, 20)
    assert encoder(torch.randn(2, 784, 1), None).shape == (2, 392, 20)


def test_conv_encoder_never_sees_padding():
    encoder = Conv1dEncoder(2, 4)
    s = torch.randn(1, 40, 2)
    s[0, 25:] = 1e6
    whole = encoder(s, torch.tensor([25]))[:, :12]
    alone = encoder(s[:, :25], None)[:, :12]
    torch.testing.assert_close(whole, alone)


def test_too_short_for_the_encoder():
    model = ALRNN(ModelConfig(M=4, P=1, encoder="conv1d"), 1, 2)
    with pytest.raises(UsageError, match="at least 2 steps"):
        model.encode(torch.zeros(1, 2, 1, 1))


def test_a_members_start_does_not_depend_on_its_group():
    config = ModelConfig(M=6, P=2, encoder="conv1d")
    group = ALRNN(config, 1, 2, P=(0, 2))
    group.initialise([(1, 0), (2, 0)])
    alone = ALRNN(config, 1, 2)
    alone.initialise([(2, 0)])
    assert torch.equal(group.W[1], alone.W[0])
    assert torch.equal(group.encoder[1].conv1.weight, alone.encoder[0].conv1.weight)
