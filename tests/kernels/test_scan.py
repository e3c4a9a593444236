"""Every backend against the definition: values and each gradient by name, in float64."""

import numpy as np
import pytest
import torch

from alrnn_cli import dynamics, kernels
from alrnn_cli.errors import DeviceError, UsageError
from alrnn_cli.records import Parameters

NAMES = ("s", "A", "W", "C", "h", "z0")
OTHERS = [n for n in kernels.names() if n != "reference"]
SHAPES = [  # E, B, T, M, K, P
    (None, 3, 7, 5, 2, 2),
    (None, 3, 7, 5, 2, 0),
    (None, 3, 7, 5, 2, 5),
    (None, 1, 9, 1, 1, 1),
    (None, 2, 1, 4, 3, 2),
    (None, 1, 4, 6, 0, 3),
    (3, 4, 6, 5, 2, [0, 2, 5]),
    (2, 1, 5, 1, 0, [1, 0]),
]


def arguments(shape, seed=0):
    E, B, T, M, K, P = shape
    g = torch.Generator().manual_seed(seed)
    lead = () if E is None else (E,)

    def draw(*d):
        return 0.5 * torch.randn(*lead, *d, generator=g, dtype=torch.float64)

    return [draw(B, T, K), draw(M), draw(M, M), draw(M, K), draw(M), draw(B, M)], P


def lengths_of(shape):
    E, B, T, *_ = shape
    lead = (B,) if E is None else (E, B)
    return torch.randint(1, T + 1, lead, generator=torch.Generator().manual_seed(7))


def with_gradients(args, P, backend, **options):
    args = [a.clone().requires_grad_() for a in args]
    z = kernels.scan(*args, P=P, backend=backend, **options)
    weights = torch.randn(z.shape, generator=torch.Generator().manual_seed(3), dtype=z.dtype)
    (z * weights).sum().backward()
    return {"z": z.detach(), **dict(zip(NAMES, [a.grad for a in args], strict=True))}


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients_are_the_references(backend, shape, ragged, last):
    args, P = arguments(shape)
    options = {"last": last, "lengths": lengths_of(shape) if ragged else None}
    expected = with_gradients(args, P, "reference", **options)
    got = with_gradients(args, P, backend, **options)
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, rtol=1e-10, atol=1e-12, msg=lambda m, n=name: f"{n}: {m}")
    with torch.no_grad():  # another path: nothing is stored
        assert torch.equal(kernels.scan(*args, P=P, backend=backend, **options), got["z"])


@pytest.mark.parametrize("shape", [(None, 2, 3, 3, 2, 2), (2, 1, 3, 2, 1, [0, 1])], ids=str)
@pytest.mark.parametrize("backend", kernels.names())
def test_gradcheck(backend, shape):
    args, P = arguments(shape, seed=1)
    args = [a.requires_grad_() for a in args]
    assert torch.autograd.gradcheck(lambda *a: kernels.scan(*a, P=P, backend=backend), args)


@pytest.mark.parametrize("P", [0, 2, 4])
def test_reference_is_the_numpy_step(P):
    args, _ = arguments((None, 3, 6, 4, 2, P))
    s, A, W, C, h, z0 = (a.numpy() for a in args)
    params = Parameters(P=P, A=A, W=W, C=C, h=h, D=np.zeros((1, 4)), b=np.zeros(1), z0=np.zeros(4))
    z = z0
    states = kernels.scan(*args, P=P, backend="reference").numpy()
    for t in range(6):
        z = dynamics.step(params, z, s[:, t])
        np.testing.assert_allclose(states[:, t], z, rtol=1e-13)


@pytest.mark.parametrize("backend", kernels.names())
@pytest.mark.parametrize("last", [False, True])
def test_padding_never_changes_a_result(backend, last):
    shape = (None, 3, 7, 5, 2, 2)
    args, P = arguments(shape)
    lengths = torch.tensor([3, 7, 1])
    clean = with_gradients(args, P, backend, last=last, lengths=lengths)
    dirty = args[0].clone()
    for b, n in enumerate(lengths):
        dirty[b, n:] = float("nan")
    soiled = with_gradients([dirty, *args[1:]], P, backend, last=last, lengths=lengths)
    for name in clean:
        assert torch.equal(clean[name], soiled[name]), name
    for b, n in enumerate(lengths):
        assert not clean["s"][b, n:].any()
        alone = kernels.scan(args[0][b : b + 1, :n], *args[1:5], args[5][b : b + 1], P=P, backend=backend, last=True)
        torch.testing.assert_close(clean["z"][b] if last else clean["z"][b, -1], alone[0])


@pytest.mark.parametrize("backend", kernels.names())
def test_bit_at_zero_is_zero(backend):
    """A unit that is exactly 0 passes neither value nor gradient."""
    one = torch.ones(1, 1, dtype=torch.float64)
    z0 = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    s = torch.zeros(1, 1, 0, dtype=torch.float64)
    z = kernels.scan(s, one[0] * 0, one, one[:, :0], one[0] * 0, z0, P=1, backend=backend)
    z.sum().backward()
    assert float(z0.grad) == 0.0


@pytest.mark.parametrize("backend", OTHERS)
def test_nan_and_infinity_go_where_the_references_go(backend):
    args, P = arguments((None, 2, 6, 3, 2, 1))
    args[0][0, 2, 0] = float("nan")
    args[0][1, 3, 1] = float("inf")
    expected = kernels.scan(*args, P=P, backend="reference")
    assert torch.isnan(expected).any()
    torch.testing.assert_close(kernels.scan(*args, P=P, backend=backend), expected, equal_nan=True)


def test_non_contiguous_inputs():
    args, P = arguments((None, 3, 7, 5, 2, 2))
    expected = kernels.scan(*args, P=P, backend="torch")
    args[0] = args[0].transpose(0, 1).contiguous().transpose(0, 1)
    args[2] = args[2].mT.contiguous().mT
    torch.testing.assert_close(kernels.scan(*args, P=P, backend="torch"), expected)


def test_member_of_a_group_is_the_model_alone():
    args, P = arguments((3, 4, 6, 5, 2, [0, 2, 5]))
    together = kernels.scan(*args, P=P)
    for e in range(3):
        torch.testing.assert_close(together[e], kernels.scan(*(a[e] for a in args), P=P[e]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"A": torch.zeros(4)}, "A has shape"),
        ({"W": torch.zeros(5, 4)}, "A has shape|W has shape"),
        ({"C": torch.zeros(5, 3)}, "C has shape"),
        ({"z0": torch.zeros(2, 5)}, "z0 has shape"),
        ({"h": torch.zeros(5, dtype=torch.float64)}, "h is torch.float64"),
        ({"s": torch.zeros(3, 0, 2)}, "at least one step"),
        ({"s": torch.zeros(3, 2)}, "2 axes"),
        ({"P": 6}, "0 … M"),
        ({"P": -1}, "0 … M"),
        ({"P": [1, 2]}, "2 values for 1"),
        ({"lengths": torch.tensor([1, 2])}, "lengths has shape"),
        ({"lengths": torch.tensor([0, 2, 3])}, "lengths must lie"),
        ({"lengths": torch.tensor([1, 2, 8])}, "lengths must lie"),
        ({"backend": "trch"}, "Unknown backend"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    args, P = arguments((None, 3, 7, 5, 2, 2))
    given = {**dict(zip(NAMES, [a.float() for a in args], strict=True)), "P": P, **change}
    with pytest.raises(UsageError, match=message):
        kernels.scan(**given)


def test_explicit_backend_never_falls_back(monkeypatch):
    import importlib

    module = importlib.import_module("alrnn_cli.kernels.torch")
    monkeypatch.setattr(module, "refusal", lambda device, dtype: "no such thing here.")
    with pytest.raises(DeviceError, match="no such thing here"):
        kernels.resolve("torch")
