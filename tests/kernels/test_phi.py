"""Other functions than the ReLU on the P units: values and gradients against the definition, and who computes them."""

import pytest
import torch

from alrnn_cli import kernels
from alrnn_cli.errors import DeviceError
from alrnn_cli.kernels import _phi

from .test_scan import NAMES, SHAPES, arguments, lengths_of, with_gradients

SMOOTH = [name for name in _phi.NAMES if name != "relu"]


@pytest.mark.parametrize("phi", SMOOTH)
@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[2], SHAPES[6]], ids=str)
@pytest.mark.parametrize("last", [False, True])
def test_values_and_gradients_are_the_references(phi, shape, last):
    args, P = arguments(shape)
    options = {"last": last, "lengths": lengths_of(shape), "phi": phi}
    expected, got = (with_gradients(args, P, backend, **options) for backend in ("reference", "torch"))
    for name in ("z", *NAMES):
        torch.testing.assert_close(got[name], expected[name], rtol=1e-10, atol=1e-12, msg=name)
    assert not torch.allclose(expected["z"], with_gradients(args, P, "torch", last=last)["z"])


def test_one_step_by_hand():
    z = torch.tensor([-1.5, 0.25, -0.5, 2.0], dtype=torch.float64)
    units = torch.tensor([False, False, True, True])
    torch.testing.assert_close(_phi.apply("tanh", z, units), torch.cat([z[:2], torch.tanh(z[2:])]))
    half = 0.5 * (1 + torch.erf(z / 2**0.5))
    torch.testing.assert_close(_phi.apply("gelu", z, units), torch.cat([z[:2], (z * half)[2:]]))


@pytest.mark.parametrize("phi", _phi.NAMES)
def test_the_derivative_is_autograds(phi):
    z = torch.linspace(-4, 4, 41, dtype=torch.float64, requires_grad=True)  # 0 is in it
    y = _phi.apply(phi, z, torch.ones(41, dtype=torch.bool))
    torch.testing.assert_close(_phi.derivative(phi, z.detach()), torch.autograd.grad(y.sum(), z)[0])


def test_compiled_backends_refuse_and_auto_takes_torch():
    assert kernels.resolve("auto", "cpu", torch.float32, "tanh") == "torch"
    shape = {"B": 8, "T": 9, "M": 6, "P": 1, "K": 1, "last": True, "ragged": False}
    choice = kernels.choose("auto", "cpu", torch.float32, **shape, phi="tanh")
    assert choice.name == "torch" and "cpu: it computes the ReLU only, not tanh" in choice.reason
    for backend in ("cpu", "chunked", "cuda"):
        with pytest.raises(DeviceError, match="computes the ReLU only, not gelu"):
            kernels.choose(backend, "cpu", torch.float32, **shape, phi="gelu")
