"""What inputs pass through first: torch's own layers, one member at a time, are the oracle."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from alrnn_cli.config import ENCODERS, ModelConfig
from alrnn_cli.errors import UsageError
from alrnn_cli.kernels import scan
from alrnn_cli.model import encoders
from alrnn_cli.model.alrnn import ALRNN
from alrnn_cli.model.encoders import conv, tokens
from alrnn_cli.model.encoders.conv import IMAGE, SOUND, Conv1dEncoder
from alrnn_cli.model.encoders.tokens import TokenEncoder
from alrnn_cli.records import Tokens

CONVOLUTIONS = pytest.mark.parametrize("layers", [IMAGE, SOUND], ids=["image", "sound"])


def drawn(encoder, E):
    for e in range(E):
        encoder.initialise(e, np.random.SeedSequence(e), 0.1)
    return encoder


def torchs(e, kind, shapes):
    """The layers that torch draws from member e's seed."""
    torch.manual_seed(int(np.random.SeedSequence(e).generate_state(1)[0]))
    return [kind(*shape) for shape in shapes]


def test_conv_encoder_halves_784_steps():
    encoder = Conv1dEncoder(1, 1, 20, IMAGE)
    assert encoder.stride == 2
    assert encoder(torch.randn(1, 2, 784, 1), None).shape == (1, 2, 392, 20)
    assert Conv1dEncoder(1, 40, 20, SOUND)(torch.randn(1, 2, 98, 40), None).shape == (1, 2, 98, 20)


@CONVOLUTIONS
def test_conv_encoder_never_sees_padding(layers):
    encoder = drawn(Conv1dEncoder(2, 2, 4, layers), 2)
    s = torch.randn(2, 1, 40, 2)
    s[0, 0, 25:] = 1e6
    s[1, 0, 30:] = float("nan")
    lengths = torch.tensor([[25], [30]])
    for whole in (encoder(s, lengths), conv.grouped(s, lengths, encoder.weights, encoder.pools)):
        for e, length in enumerate((25, 30)):
            alone = encoder(s[:, :, :length], None)[e]
            assert alone.shape[1] == length // encoder.stride
            torch.testing.assert_close(whole[e, :, : length // encoder.stride], alone)


@pytest.mark.parametrize("way", ["one after another", "grouped"])
@CONVOLUTIONS
def test_conv_encoder_is_torchs_layers_one_member_at_a_time(way, layers):
    """Values, gradients and the first draw against plain layers a member; the CPU's way and the accelerator's."""
    shapes = {IMAGE: ((2, 16, 15), (16, 32, 7), (32, 4, 3)), SOUND: ((2, 64, 3), (64, 4, 3))}[layers]
    group, s = drawn(Conv1dEncoder(3, 2, 4, layers), 3), torch.randn(3, 5, 12, 2)
    weights = group.weights
    out = conv.grouped(s, None, weights, group.pools) if way == "grouped" else group(s, None)
    weight = torch.randn(out.shape)
    gradients = torch.autograd.grad((out * weight).sum(), [x for layer in weights for x in layer])
    for e in range(3):
        plain = torchs(e, lambda i, o, k: torch.nn.Conv1d(i, o, k, padding=k // 2), shapes)
        x = plain[0](s[e].mT).relu()
        for layer in plain[1:]:
            x = layer(functional.max_pool1d(x, 2) if layers is IMAGE and layer is plain[1] else x)
            x = x if layer is plain[-1] else x.relu()
        torch.testing.assert_close(out[e], x.mT)
        (x.mT * weight[e]).sum().backward()
        for i, layer in enumerate(plain):
            assert torch.equal(weights[i][0][e], layer.weight)
            assert torch.equal(weights[i][1][e], layer.bias)
            torch.testing.assert_close(gradients[2 * i][e], layer.weight.grad)
            torch.testing.assert_close(gradients[2 * i + 1][e], layer.bias.grad)


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("way", ["one after another", "grouped"])
def test_token_encoder_is_torchs_layers_one_member_at_a_time(way, given):
    vectors = np.random.default_rng(0).normal(size=(11, 5)).astype(np.float32) if given else None
    group = drawn(TokenEncoder(3, 4, Tokens(11, 5, vectors)), 3)
    ids = torch.randint(0, 11, (3, 6, 7), dtype=torch.int32)
    if way == "grouped":
        out = tokens.grouped(ids.long(), group.embedding, group.weights)
    else:
        out = group(ids[..., None], None)
    weight = torch.randn(out.shape)
    named = dict(group.named_parameters())
    assert ("embedding" in named) != given
    gradients = dict(zip(named, torch.autograd.grad((out * weight).sum(), list(named.values())), strict=True))
    for e in range(3):
        plain = torchs(e, torch.nn.Linear, ((5, 128), (128, 128), (128, 4)))
        v = (torch.from_numpy(vectors) if given else group.embedding[e].detach().clone()).requires_grad_()
        assert torch.equal(v, group.embedding[e])
        x = v[ids[e].long()]
        alone = plain[2](plain[1](plain[0](x).relu()).relu())
        torch.testing.assert_close(out[e], alone)
        (alone * weight[e]).sum().backward()
        if not given:
            torch.testing.assert_close(gradients["embedding"][e], v.grad)
        for i, layer in enumerate(plain):
            for kind in ("weight", "bias"):
                name = f"linear{i + 1}.{kind}"
                assert torch.equal(named[name][e], getattr(layer, kind)), name
                torch.testing.assert_close(gradients[name][e], getattr(layer, kind).grad, msg=name)


def test_token_encoder_never_sees_padding():
    """Indices beyond a trial's length may be anything, and no gradient comes from there."""
    encoder = drawn(TokenEncoder(1, 4, Tokens(5, 3)), 1)
    ids = torch.tensor([[[1, 2, 3, 4], [2, 2, 999, -7]]])[..., None]
    lengths = torch.tensor([[4, 2]])
    out = encoder(ids, lengths)
    torch.testing.assert_close(out[:, 1:, :2], encoder(ids[:, 1:, :2], None))
    (gradient,) = torch.autograd.grad(out[0, 1, :2].sum(), encoder.embedding)
    assert gradient[0, 2].any()
    assert not gradient[0, [0, 1, 3, 4]].any()


def test_learned_vectors_are_normal_and_differ_between_members():
    encoder = drawn(TokenEncoder(2, 4, Tokens(400, 50)), 2)
    one, other = encoder.embedding.detach()
    assert float(one.std()) == pytest.approx(0.1, rel=0.02)
    assert float(one.mean()) == pytest.approx(0, abs=0.03 * float(one.std()))
    assert not torch.equal(one, other)


def test_channels_that_are_the_units_are_added_as_they_are():
    """C is the identity, no parameter, and stays it through initialisation."""
    model = ALRNN(ModelConfig(M=4, P=2, encoder="token-mlp"), 1, 2, Tokens(9, 5))
    model.initialise(0, (3, 0))
    assert "C" not in dict(model.named_parameters())
    assert torch.equal(model.arrays()["C"][0], torch.eye(4))
    s, lengths = model.encode(torch.randint(0, 9, (1, 3, 6, 1)), torch.tensor([[6, 2, 4]]))
    zero = torch.zeros(1, 4, 0)
    A, z = model.A * model.pwl, torch.zeros(1, 3, 4)
    for t in range(6):
        moved = scan(torch.zeros(1, 3, 1, 0), A, model.W, zero, model.h, z, P=[2])[:, :, 0] + s[:, :, t]
        z = torch.where((t < lengths)[..., None], moved, z)
    torch.testing.assert_close(model.states(s, lengths, last=True), z)


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_reads_numbers_or_indices(name):
    reads = Tokens(9, 5) if name == "token-mlp" else None
    encoder = encoders.make(name, 1, 1, 6, reads)
    assert encoder.channels == (1 if name == "none" else 6)
    with pytest.raises(UsageError, match="indices of a vocabulary") as caught:
        encoders.make(name, 1, 1, 6, None if reads else Tokens(9, 5))
    assert "--encoder" in caught.value.hint


def test_unknown_encoder():
    with pytest.raises(UsageError, match="Unknown encoder 'conv'") as caught:
        encoders.make("conv", 1, 1, 6)
    assert "conv1d" in caught.value.hint
