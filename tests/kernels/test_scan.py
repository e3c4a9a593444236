"""Every backend that runs on the CPU against the definition: values and each gradient by name, in the best precision it has."""

import importlib

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alrnn_cli import dynamics, kernels
from alrnn_cli.errors import DeviceError, UsageError
from alrnn_cli.records import Parameters

NAMES = ("s", "A", "W", "C", "h", "z0")


def dtype_of(backend):
    """float64 where the backend has it, else float32, None where it does not run here."""
    refusal = importlib.import_module(f"alrnn_cli.kernels.{backend}").refusal
    return next((d for d in (torch.float64, torch.float32) if not refusal(torch.device("cpu"), d)), None)


BACKENDS = {name: dtype for name in kernels.names() if (dtype := dtype_of(name)) is not None}
OTHERS = [n for n in BACKENDS if n != "reference"]
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


def assert_same(got, expected, floor=0.0):
    """Results by name: to rounding in float64, to 1e-5 of the largest value (and `floor`) in float32."""
    for name, value in expected.items():
        exact = got[name].dtype == torch.float64
        scale = float(value.abs().max()) if value.numel() else 0.0
        rtol, atol = (1e-10, 1e-12) if exact else (0.0, 1e-5 * scale + floor)
        torch.testing.assert_close(
            got[name].double(), value.double(), rtol=rtol, atol=atol, msg=lambda m, n=name: f"{n}: {m}"
        )


def lengths_of(shape):
    E, B, T, *_ = shape
    lead = (B,) if E is None else (E, B)
    return torch.randint(1, T + 1, lead, generator=torch.Generator().manual_seed(7))


def with_gradients(args, P, backend, **options):
    args = [a.to(BACKENDS[backend]).clone().requires_grad_() for a in args]
    z = kernels.scan(*args, P=P, backend=backend, **options)
    weights = torch.randn(z.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    (z * weights.to(z.dtype)).sum().backward()
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
    assert_same(got, expected)
    with torch.no_grad():  # another path: nothing is stored
        args = [a.to(BACKENDS[backend]) for a in args]
        assert torch.equal(kernels.scan(*args, P=P, backend=backend, **options), got["z"])


@pytest.mark.parametrize("shape", [(None, 2, 3, 3, 2, 2), (2, 1, 3, 2, 1, [0, 1])], ids=str)
@pytest.mark.parametrize("backend", [n for n, dtype in BACKENDS.items() if dtype == torch.float64])
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


@pytest.mark.parametrize("backend", BACKENDS)
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
        own = [a.to(BACKENDS[backend]) for a in (args[0][b : b + 1, :n], *args[1:5], args[5][b : b + 1])]
        alone = kernels.scan(*own, P=P, backend=backend, last=True)
        torch.testing.assert_close(clean["z"][b] if last else clean["z"][b, -1], alone[0])


@pytest.mark.parametrize("backend", BACKENDS)
def test_bit_at_zero_is_zero(backend):
    """A unit that is exactly 0 passes neither value nor gradient."""
    dtype = BACKENDS[backend]
    one = torch.ones(1, 1, dtype=dtype)
    z0 = torch.zeros(1, 1, dtype=dtype, requires_grad=True)
    s = torch.zeros(1, 1, 0, dtype=dtype)
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
    args = [a.to(BACKENDS[backend]) for a in args]
    torch.testing.assert_close(
        kernels.scan(*args, P=P, backend=backend), expected.to(BACKENDS[backend]), equal_nan=True
    )


@pytest.mark.parametrize("backend", OTHERS)
def test_nan_stays_with_its_own_trial_and_in_its_gradient(backend):
    args, P = arguments((None, 3, 6, 12, 2, 5))
    args[0][1, 2, 0] = float("nan")
    expected, got = (with_gradients(args, P, b) for b in ("reference", backend))
    for name in ("z", "s", "z0"):
        assert torch.equal(got[name].isnan(), expected[name].isnan()), name
        assert not got[name][[0, 2]].isnan().any(), name
    assert got["W"].isnan().any()


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize("last", [False, True])
def test_non_contiguous_arguments(backend, last):
    args, P = arguments((None, 3, 7, 12, 3, 2))
    expected = with_gradients(args, P, "reference", last=last)
    args[0] = args[0].mT.contiguous().mT
    args[2] = args[2].mT.contiguous().mT
    args[3] = args[3].mT.contiguous().mT
    args[5] = args[5].mT.contiguous().mT
    assert_same(with_gradients(args, P, backend, last=last), expected)


@pytest.mark.parametrize("backend", OTHERS)
def test_expanded_inputs_and_gradient(backend):
    """Strides of zero, as `expand` and `sum` make them."""
    args, P = arguments((2, 5, 7, 12, 3, [2, 12]))
    args[0] = args[0][:1].expand(2, -1, -1, -1)
    args[5] = args[5][:, :1].expand(-1, 5, -1)

    def gradients(backend):
        given = [a.to(BACKENDS[backend]) for a in args]
        for a in given[1:5]:
            a.requires_grad_()
        kernels.scan(*given, P=P, backend=backend).sum().backward()
        return dict(zip(NAMES[1:5], [a.grad for a in given[1:5]], strict=True))

    assert_same(gradients(backend), gradients("reference"))


@pytest.mark.parametrize("backend", OTHERS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_shape_is_the_references(backend, data):
    E, B, T = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 41)), data.draw(st.integers(1, 12))
    M, K = data.draw(st.integers(1, 40)), data.draw(st.integers(0, 20))
    P = [data.draw(st.integers(0, M)) for _ in range(E)]
    last, seed = data.draw(st.booleans()), data.draw(st.integers(0, 2**16))
    shape = (E, B, T, M, K, P)
    args, P = arguments(shape, seed)
    args[2] = args[2] * (1.6 / M**0.5)  # neither dies out nor explodes
    lengths = lengths_of(shape) if data.draw(st.booleans()) else None
    options = {"last": last, "lengths": lengths}
    states = kernels.scan(*args, P=P, backend="reference", lengths=lengths)
    pwl = kernels.pwl_mask(P, E, M)[:, None, None, :]
    # At the kink itself two precisions may take different sides, and everything after differs.
    assume(not ((states.abs() < 1e-5) & pwl).any() and not ((args[5].abs() < 1e-5) & pwl[:, 0]).any())
    assert_same(with_gradients(args, P, backend, **options), with_gradients(args, P, "reference", **options))


@pytest.mark.parametrize("backend", BACKENDS)
def test_member_of_a_group_is_the_model_alone(backend):
    args, P = arguments((3, 4, 6, 5, 2, [0, 2, 5]))
    args = [a.to(BACKENDS[backend]) for a in args]
    together = kernels.scan(*args, P=P, backend=backend)
    for e in range(3):
        torch.testing.assert_close(together[e], kernels.scan(*(a[e] for a in args), P=P[e], backend=backend))


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
    monkeypatch.setattr(module, "refusal", lambda device, dtype: "no such thing here")
    kernels._resolve.cache_clear()
    with pytest.raises(DeviceError, match="no such thing here"):
        kernels.resolve("torch")


def test_auto_takes_the_fastest_that_can_run():
    assert kernels.resolve("auto", "cpu", torch.float32) == "cpu"
    assert kernels.resolve("auto", "cpu", torch.float64) == "torch"
