"""The cuda backend: its rules and refusals anywhere; its kernels on a GPU, or in Triton's interpreter where there is none."""

import dataclasses
import importlib.metadata
import importlib.util
import itertools
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from alrnn_cli import kernels
from alrnn_cli.errors import DeviceError
from alrnn_cli.kernels import cuda, reference

NAMES = ("s", "A", "W", "C", "h", "z0")
GPU = torch.cuda.is_available()
DEVICE = "cuda" if GPU else "cpu"
#: the Triton of the CUDA builds of torch 2.13; the interpreter and the machine code of other versions differ in what is tested here
TRITON = "3.7"
HAS_TRITON = importlib.util.find_spec("triton") is not None and (
    GPU or importlib.metadata.version("triton").startswith(f"{TRITON}.")
)
needs_triton = pytest.mark.skipif(not HAS_TRITON, reason=f"Triton {TRITON} is not installed")
needs_gpu = pytest.mark.skipif(not GPU, reason="no GPU")
# What numpy, which the interpreter computes with, says of NaN and infinity.
numpy_speaks = pytest.mark.filterwarnings("ignore::RuntimeWarning")

#: one division of work for each way a kernel can run, with a number of units that it takes
PLANS = {
    "one trial a tile": (cuda.plan(1, 1, 16, 1), 16),
    "4 trials a tile": (cuda.plan(1, 4, 16, 1), 16),
    "16 trials a tile": (cuda.plan(1, 16, 64, 1), 64),
    "streamed panels": (cuda.plan(1, 1, 160, 1), 160),
}


@pytest.fixture
def divide(monkeypatch):
    """divide(plan): the backend divides its work so, whatever its rule says."""
    if not GPU:
        monkeypatch.setattr(cuda, "_multiprocessors", lambda device: 3)
    return lambda plan: monkeypatch.setattr(cuda, "plan", lambda *args: plan)


def arguments(E, B, T, M, K, P, seed=0):
    """Float32 arguments of `run`, scaled so that states neither vanish nor explode."""
    g = torch.Generator().manual_seed(seed)
    s, A, W, C, h, z0 = (
        torch.randn(E, *d, generator=g) for d in ((B, T, K), (M,), (M, M), (M, K), (M,), (B, M))
    )  # fmt: skip
    args = [s, 0.3 * A, 0.7 * W / M**0.5, C, 0.5 * h, z0]
    return [a.to(DEVICE) for a in args], kernels.pwl_mask(P, E, M, DEVICE)


def lengths_of(E, B, T, seed=0):
    return torch.randint(1, T + 1, (E, B), generator=torch.Generator().manual_seed(seed)).to(DEVICE)


def with_gradients(run, args, pwl, lengths, last, dtype):
    args = [a.detach().to(dtype).requires_grad_() for a in args]
    z = run(*args, pwl, lengths, last)
    weights = torch.randn(z.shape, generator=torch.Generator().manual_seed(3)).to(DEVICE, dtype)
    gradients = torch.autograd.grad((z * weights).sum(), args)
    return {"z": z.detach(), **dict(zip(NAMES, gradients, strict=True))}


def compare(args, pwl, lengths, last, tolerance=1e-5):
    expected = with_gradients(reference.run, args, pwl, lengths, last, torch.float64)
    got = with_gradients(cuda.run, args, pwl, lengths, last, torch.float32)
    for name, value in expected.items():
        assert got[name].shape == value.shape, name
        if value.numel():
            error = float((got[name].double() - value).abs().max() / value.abs().max().clamp_min(1e-30))
            assert error < tolerance, f"{name}: relative error {error:.1e}"


# ----------------------------------------------------------------------------------------------- rules, without Triton


def test_refusals_name_the_reason(monkeypatch):
    gpu, single = torch.device("cuda"), torch.float32
    assert "the device is cpu" in cuda.refusal(torch.device("cpu"), single)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "sees no GPU" in cuda.refusal(gpu, single)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    monkeypatch.setattr(cuda, "find_spec", lambda name: None)
    assert "without Triton" in cuda.refusal(gpu, single)
    monkeypatch.setattr(cuda, "find_spec", lambda name: name)
    assert "7.5, expected 8.0" in cuda.refusal(gpu, single)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert "torch.float64" in cuda.refusal(gpu, torch.float64)
    assert cuda.refusal(gpu, single) == ""
    monkeypatch.setattr(torch.version, "hip", "6.4")
    assert "AMD" in cuda.refusal(gpu, single)


def test_asked_for_on_a_cpu_it_says_no_and_nothing_else_runs():
    with pytest.raises(DeviceError, match="'cuda' cannot run here: the device is cpu"):
        kernels.resolve("cuda", "cpu")


@pytest.mark.parametrize("missing", [False, True])
def test_importing_the_package_does_not_need_triton(missing):
    code = f"""
import sys
if {missing}: sys.modules["triton"] = None
import torch
from alrnn_cli import kernels
from alrnn_cli.kernels import cuda
assert not {missing} or "without Triton" in cuda.refusal(torch.device("cuda"), torch.float32) or not torch.cuda.is_available()
x = torch.zeros(1, 2, 0); m = torch.zeros(1)
kernels.scan(x, m, m[:, None], m[:, None][:, :0], m, m[:, None], P=1)
assert sys.modules.get("triton") is None, "imported"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_parts_of_a_backend_are_no_backends():
    assert "cuda" in kernels.names()
    assert not [n for n in kernels.names() if n.startswith("_")]


@given(
    E=st.integers(1, 100), B=st.integers(1, 500), M=st.integers(1, cuda.MAX_UNITS), mp=st.integers(1, 200),
    tf32=st.booleans(),
)  # fmt: skip
def test_rule_divides_the_work_soundly(E, B, M, mp, tf32):
    plan = cuda.plan(E, B, M, mp, tf32)
    assert plan.block >= max(16, M) and plan.block & (plan.block - 1) == 0 and plan.block < max(17, 2 * M)
    assert plan.rows in (1, 4, 16) and plan.tiles(B) * plan.rows >= B > (plan.tiles(B) - 1) * plan.rows
    assert (plan.panel > 0) == (M > 128) and (not plan.panel or plan.block % plan.panel == 0)
    assert plan.rows == 16 or plan.precision == "ieee"
    assert tf32 or plan.precision == "ieee"
    if not plan.panel:
        # Every multiprocessor has as many trials as a tile takes, with tensor cores half as many.
        assert plan.rows == 1 or mp * plan.rows / (2 if plan.precision == "tf32" else 1) <= E * B
        assert plan.block**2 / (32 * plan.warps) <= 64


@pytest.mark.parametrize(
    ("E", "B", "M", "tf32", "rows"),
    [
        (1, 128, 50, False, 1),  # addition: nearly every multiprocessor of an H100 has one trial
        (1, 128, 50, True, 1),
        (16, 64, 50, False, 4),
        (64, 128, 50, False, 16),
        (16, 128, 50, True, 16),
        (64, 64, 10, False, 4),
        (1, 1, 200, False, 16),
    ],
)
def test_rule_on_an_h100(E, B, M, tf32, rows):
    assert cuda.plan(E, B, M, 132, tf32).rows == rows


@given(T=st.integers(1, 10_000), step=st.integers(1, 1 << 28))
def test_pieces_cover_time_and_stay_small(T, step):
    pieces = cuda._pieces(T, step)
    assert pieces[0][0] == 0 and pieces[-1][1] == T
    assert all(a[1] == b[0] for a, b in itertools.pairwise(pieces))
    assert all(stop - start == 1 or (stop - start) * step <= cuda.PIECE for start, stop in pieces)


@given(rows=st.integers(1, 400), wanted=st.integers(0, 200))
def test_slices_divide_the_rows(rows, wanted):
    divisors = [d for d in range(1, rows + 1) if rows % d == 0 and d <= max(1, wanted)]
    assert cuda._slices(rows, wanted) == max(divisors)


@pytest.mark.parametrize("multiprocessors", [1, 4, 7, 1000])
def test_product_over_rows_is_the_sum_of_outer_products(multiprocessors):
    g, x = torch.randn(2, 12, 3, dtype=torch.float64), torch.randn(2, 12, 5, dtype=torch.float64)
    torch.testing.assert_close(cuda._over_rows(g, x, multiprocessors), torch.einsum("erm,erk->emk", g, x))


def test_torchs_own_setting_decides_on_tf32(monkeypatch):
    for old, new, expected in [(False, None, False), (True, None, True), (None, "ieee", False), (None, "tf32", True)]:
        fake = SimpleNamespace(allow_tf32=old) if new is None else SimpleNamespace(fp32_precision=new)
        monkeypatch.setattr(torch.backends.cuda, "matmul", fake)
        assert cuda._tf32() is expected
    monkeypatch.undo()
    assert cuda._tf32() is False


def test_larger_models_and_empty_batches_take_the_step_loop():
    for E, B, T, M, K, P in [(1, 2, 3, cuda.MAX_UNITS + 1, 1, 3), (1, 0, 3, 4, 1, 2)]:
        args, pwl = arguments(E, B, T, M, K, P)
        for last in (False, True):
            torch.testing.assert_close(
                cuda.run(*args, pwl, None, last), reference.run(*args, pwl, None, last), rtol=1e-5, atol=1e-5
            )


# ------------------------------------------------------------------------------------- the kernels, interpreted or on a GPU


@needs_triton
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("way", PLANS)
def test_values_and_gradients_are_the_references(divide, way, ragged, last):
    plan, M = PLANS[way]
    for units, P, K, B in [(M, 5, 2, plan.rows), (M - 3, [M - 3, 0], 3, plan.rows + 1)]:
        E = len(P) if isinstance(P, list) else 1
        args, pwl = arguments(E, B, 5, units, K, P)
        divide(plan)
        compare(args, pwl, lengths_of(E, B, 5) if ragged else None, last)


@needs_triton
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_values_and_gradients_over_random_shapes(divide, data):
    plan, most = PLANS[data.draw(st.sampled_from(list(PLANS)))]
    M = data.draw(st.integers(1 if most == 16 else most - 40, most), "M")
    E, T, K = (
        data.draw(st.integers(*bounds), name) for name, bounds in {"E": (1, 3), "T": (1, 6), "K": (0, 3)}.items()
    )
    B = data.draw(st.integers(1, plan.rows + 2), "B")
    P = data.draw(st.lists(st.integers(0, M), min_size=E, max_size=E), "P")
    args, pwl = arguments(E, B, T, M, K, P, data.draw(st.integers(0, 99), "seed"))
    lengths = data.draw(st.sampled_from([None, lengths_of(E, B, T)]), "lengths")
    # Away from the kink: where float32 and float64 disagree about a bit, they differentiate different functions.
    z = torch.cat([args[5][:, :, None], reference.run(*args, pwl, lengths, False)], dim=2)
    assume(not bool((pwl[:, None, None] & (z.abs() < 1e-5)).any()))
    divide(plan)
    compare(args, pwl, lengths, data.draw(st.booleans(), "last"))


def watch(monkeypatch, tensors):
    """Let Triton's interpreter refuse every address outside `tensors`."""
    from triton.runtime.interpreter import InterpreterBuilder

    spans = [(x.data_ptr(), x.data_ptr() + x.numel() * x.element_size()) for x in tensors]

    def check(pointers, mask):
        addresses = pointers.data[mask.data.astype(bool)]
        inside = sum((addresses >= start) & (addresses < stop) for start, stop in spans)
        assert inside.all(), "an address outside every argument"

    load, store = InterpreterBuilder.create_masked_load, InterpreterBuilder.create_masked_store

    def checked_load(self, pointers, mask, *others):
        check(pointers, mask)
        return load(self, pointers, mask, *others)

    def checked_store(self, pointers, value, mask, *others):
        check(pointers, mask)
        return store(self, pointers, value, mask, *others)

    monkeypatch.setattr(InterpreterBuilder, "create_masked_load", checked_load)
    monkeypatch.setattr(InterpreterBuilder, "create_masked_store", checked_store)


@needs_triton
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("way", PLANS)
def test_no_kernel_reads_or_writes_past_an_end(way, ragged, monkeypatch):
    """Every argument lies between rows of NaN. A read outside brings NaN in; a write outside leaves a number there.

    In the interpreter every address is looked at as well: a read whose value is never used shows nowhere else.
    """
    from alrnn_cli.kernels import _triton

    plan, most = PLANS[way]
    E, B, T, M, t0, n = 2, plan.rows + 1, 5, most - 3, 2, 3
    guard, kept = 2 * plan.block * plan.rows, []

    def guarded(*shape, fill=None, dtype=torch.float32):
        size = torch.Size(shape).numel()
        filler = float("nan") if dtype.is_floating_point else 0
        whole = torch.full((size + 2 * guard,), filler, dtype=dtype, device=DEVICE)
        inside = whole[guard : guard + size].view(shape)
        inside.copy_(torch.randn(shape) if fill is None else fill)
        kept.append((whole, size))
        return inside

    A, h, z0, W = guarded(E, M), guarded(E, M), guarded(E, B, M), guarded(E, M, M)
    W /= M
    pwl = guarded(E, M, fill=kernels.pwl_mask([3, 0], E, M, DEVICE), dtype=torch.bool)
    lengths = guarded(E, B, fill=lengths_of(E, B, T), dtype=torch.int64) if ragged else None
    x, end, lam = guarded(E, B, n, M), guarded(E, B, M, fill=torch.nan), guarded(E, B, M)
    states, grad = guarded(E, B, T, M), guarded(E, B, T, M)
    g, phi = (guarded(E, n, B, M, fill=torch.nan) for _ in range(2))
    sums = guarded(2, E, plan.tiles(B), M, fill=0.0)
    grid, options = (E * plan.tiles(B),), cuda._options(plan)

    forth, back = (cuda._weights(W, plan, back=b) for b in (False, True))
    if not GPU:
        inner = [whole[guard : guard + size] for whole, size in kept]
        watch(monkeypatch, [*inner, forth[0], back[0]])
    _triton.forward[grid](
        x, end, forth[0], A, h, z0, pwl, lengths, B, n, t0, M, *forth[1:], STORE=True, **options
    )  # fmt: skip
    _triton.backward[grid](
        states, grad, lam, g, phi, sums, back[0], A, z0, pwl, lengths, B, T, n, t0, M, *back[1:], **options
    )  # fmt: skip
    for tensor in (x, end, lam, g, phi, sums):
        assert tensor.isfinite().all(), "something outside was read, or something inside not written"
    for whole, size in kept:
        outside = torch.cat([whole[:guard], whole[guard + size :]])
        assert (outside.isnan() if outside.is_floating_point() else outside == 0).all(), "something outside was written"


@needs_triton
@numpy_speaks
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("way", PLANS)
def test_nan_and_infinity_go_where_the_references_go(divide, way, bad):
    """Weights are positive, so that infinity stays what it is: a padded unit that made a NaN of it would show.

    All units are rectified, and one unit of every other trial starts with it: a NaN gets from there to the others only through a
    ReLU. The gradient at the last step is infinite in one unit: where a ReLU is closed it must vanish, not become NaN.
    """
    plan, M = PLANS[way]
    M -= 1  # so that there is a padded unit
    args, pwl = arguments(1, plan.rows + 1, 5, M, 2, M)
    args = [args[0], *(a.abs() for a in args[1:])]
    args[5][0, ::2, 0] = bad
    divide(plan)
    results = []
    for run in (reference.run, cuda.run):
        given = [a.clone().requires_grad_() for a in args]
        z = run(*given, pwl, None, False)
        weights = torch.ones_like(z)
        weights[0, :, -1, 0] = float("inf")
        results.append({"z": z.detach(), **dict(zip(NAMES, torch.autograd.grad(z, given, weights), strict=True))})
    expected, got = results
    assert not expected["z"][0, 0, :, 0].isfinite().any() and expected["z"][0, 1].isfinite().all()
    assert expected["s"][0, 1].isinf().all()
    for name, value in expected.items():
        torch.testing.assert_close(
            got[name], value, rtol=1e-4, atol=1e-4, equal_nan=True, msg=lambda m, n=name: f"{n}: {m}"
        )


@needs_triton
@numpy_speaks
@pytest.mark.parametrize("way", PLANS)
def test_one_trials_nan_never_touches_another_member(divide, way):
    plan, M = PLANS[way]
    args, pwl = arguments(2, 3, 4, M, 2, [3, 1])
    divide(plan)
    clean = with_gradients(cuda.run, args, pwl, None, False, torch.float32)
    args[2][0, 0, 0] = float("nan")
    soiled = with_gradients(cuda.run, args, pwl, None, False, torch.float32)
    for name, value in clean.items():
        assert torch.equal(soiled[name][1], value[1]), name
        assert soiled[name][0].isnan().any(), name


@needs_triton
@pytest.mark.parametrize("way", PLANS)
def test_bit_at_zero_is_zero(divide, way):
    plan, _ = PLANS[way]
    one, none = torch.ones(1, 1, 1, device=DEVICE), torch.zeros(1, 1, device=DEVICE)
    z0 = torch.zeros(1, 1, 1, device=DEVICE, requires_grad=True)
    divide(plan)
    z = cuda.run(one[:, :, :, None][..., :0], none, one, one[:, :, :0], none, z0, one[0] > 0, None, False)
    z.sum().backward()
    assert float(z0.grad) == 0.0


@needs_triton
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("way", PLANS)
def test_time_in_pieces_gives_the_same(divide, monkeypatch, way, last):
    plan, M = PLANS[way]
    E, B, T = 2, 2, 7
    args, pwl = arguments(E, B, T, M, 2, [0, M])
    lengths = lengths_of(E, B, T)
    divide(plan)
    whole = with_gradients(cuda.run, args, pwl, lengths, last, torch.float32)
    monkeypatch.setattr(cuda, "PIECE", 2 * 4 * E * B * M * 3)
    assert cuda._pieces(T, 2 * 4 * E * B * M) == [(0, 3), (3, 6), (6, 7)]
    pieces = with_gradients(cuda.run, args, pwl, lengths, last, torch.float32)
    assert torch.equal(whole["z"], pieces["z"]) and torch.equal(whole["z0"], pieces["z0"])
    for name, value in whole.items():
        torch.testing.assert_close(pieces[name], value, rtol=1e-5, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}")


@needs_triton
def test_last_state_alone_takes_memory_of_one_piece(divide, monkeypatch):
    plan, M = PLANS["4 trials a tile"]
    E, B, T = 1, 3, 11
    args, pwl = arguments(E, B, T, M, 2, 5)
    divide(plan)
    expected = cuda.run(*args, pwl, lengths_of(E, B, T), False)[:, :, -1]
    sizes, inputs = [], cuda._inputs
    monkeypatch.setattr(cuda, "_inputs", lambda s, C: sizes.append(s.shape[2]) or inputs(s, C))
    monkeypatch.setattr(cuda, "PIECE", 4 * E * B * M * 4)
    with torch.no_grad():
        torch.testing.assert_close(cuda.run(*args, pwl, lengths_of(E, B, T), True), expected)
    assert sizes == [4, 4, 3]


@needs_triton
@pytest.mark.parametrize("way", PLANS)
def test_member_of_a_group_is_the_model_alone(divide, way):
    plan, M = PLANS[way]
    args, pwl = arguments(3, 5, 4, M, 2, [0, 2, M])
    divide(plan)
    together = with_gradients(cuda.run, args, pwl, None, False, torch.float32)
    for e in range(3):
        # The weights of the sum are drawn for the group; so compare what does not depend on them.
        alone = cuda.run(*(a[e : e + 1] for a in args), pwl[e : e + 1], None, False)
        assert torch.equal(together["z"][e], alone[0])


@needs_triton
def test_non_contiguous_arguments(divide):
    plan, M = PLANS["4 trials a tile"]
    args, pwl = arguments(2, 5, 4, M, 3, [M, 3])
    divide(plan)
    expected = with_gradients(cuda.run, args, pwl, None, False, torch.float32)

    def strided(s, A, W, *others):
        return cuda.run(s.mT.contiguous().mT, A, W.mT.contiguous().mT, *others)

    got = with_gradients(strided, args, pwl, None, False, torch.float32)
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, msg=lambda m, n=name: f"{n}: {m}")
    expanded = [a.clone().requires_grad_() for a in args]
    cuda.run(*expanded, pwl, None, False).sum().backward()  # a gradient of strides 0
    twin = [a.clone().requires_grad_() for a in args]
    reference.run(*twin, pwl, None, False).sum().backward()
    for name, a, b in zip(NAMES, expanded, twin, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-4, msg=lambda m, n=name: f"{n}: {m}")


@needs_triton
@pytest.mark.parametrize("wanted", NAMES)
def test_only_the_gradients_asked_for(divide, wanted):
    plan, M = PLANS["4 trials a tile"]
    args, pwl = arguments(1, 5, 4, M, 3, 5)
    divide(plan)
    every = [a.clone().requires_grad_() for a in args]
    cuda.run(*every, pwl, None, True).sum().backward()
    one = [a.clone().requires_grad_(name == wanted) for name, a in zip(NAMES, args, strict=True)]
    cuda.run(*one, pwl, None, True).sum().backward()
    for name, a, b in zip(NAMES, one, every, strict=True):
        assert (a.grad is None) if name != wanted else torch.equal(a.grad, b.grad), name


# ------------------------------------------------------------------------------------------ machine code, without a GPU

#: bytes of shared memory that one program may take on consumer cards (8.6, 8.9, 12.0), the least of all supported GPUs
SHARED = 99 * 1024


@needs_triton
@pytest.mark.parametrize(
    ("arch", "units"),
    [
        (90, "10"),
        *[pytest.param(a, "1,8,20,50,100,128,200,256", marks=pytest.mark.slow) for a in (80, 89, 90, 120)],
    ],
)
def test_machine_code_fits_the_gpu(arch, units):
    """Compiled for each GPU: registers, spills and shared memory fit, and nothing is in double precision or atomic."""
    script = Path(__file__).with_name("compile_cuda.py")
    result = subprocess.run([sys.executable, script, str(arch), units], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    kernels_built = [json.loads(line) for line in result.stdout.splitlines()]
    assert {k["kernel"] for k in kernels_built} == {"forward", "backward"}
    for k in kernels_built:
        what = {name: value for name, value in k.items() if name != "instructions"}
        code = k["instructions"]
        assert k["registers"] * 32 * k["warps"] <= 65536, what
        # The assembler itself trades a few registers for more warps at a time; spills that cost show as hundreds of bytes.
        assert k["stack"] <= (64 if k["panel"] else 16), what
        assert k["shared"] <= SHARED, what
        tensor_cores = code.get("HMMA", 0) + code.get("HGMMA", 0)
        assert (tensor_cores > 0) == (k["precision"] == "tf32"), what
        assert (
            k["precision"] == "tf32"
            or code.get("FFMA", 0)
            >= k["rows"] * (k["panel"] or k["block"]) * k["block"] // (32 * k["warps"]) - k["rows"] * 2
        ), what
        assert not {"DADD", "DMUL", "DFMA", "ATOM", "ATOMG", "ATOMS", "RED", "REDG"} & set(code), what


# ------------------------------------------------------------------------------------------------------------- on a GPU


@needs_gpu
@needs_triton
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    "shape",
    [
        (1, 128, 100, 50, 2, 1), (1, 64, 117, 50, 5, 5), (1, 64, 392, 100, 100, 10), (1, 64, 128, 100, 100, 5),
        (1, 64, 100, 10, 4, 2), (1, 64, 784, 128, 1, 8), (8, 128, 100, 50, 2, 3), (64, 64, 100, 100, 2, 3), (2, 64, 50, 200, 3, 9),
    ],
    ids=str,
)  # fmt: skip
def test_published_sizes_on_a_gpu(shape, last):
    args, pwl = arguments(*shape)
    args[2] *= 0.5  # far from chaos, where float32 and float64 would part
    compare(args, pwl, lengths_of(*shape[:3]), last, tolerance=1e-3)  # ReLU bits differ at a few of millions of states
    got = [with_gradients(cuda.run, args, pwl, None, last, torch.float32) for _ in range(2)]
    for name in got[0]:
        assert torch.equal(got[0][name], got[1][name]), name


@needs_gpu
@needs_triton
def test_tf32_on_a_gpu(monkeypatch):
    args, pwl = arguments(16, 128, 20, 50, 2, 0)
    exact = cuda.run(*args, pwl, None, False)
    monkeypatch.setattr(cuda, "_tf32", lambda: True)
    rounded = cuda.run(*args, pwl, None, False)
    assert 1e-6 < float((rounded - exact).abs().max() / exact.abs().max()) < 1e-2


@needs_gpu
@needs_triton
def test_offsets_beyond_31_bits_on_a_gpu():
    E, B, T, M = 1, 9, 1_000_000, 250
    if torch.cuda.mem_get_info()[0] < 2.2 * 4 * E * B * T * M:
        pytest.skip("not enough memory for more than 2^31 numbers")
    args, pwl = arguments(E, B, 1, M, 0, 3)
    args[0] = torch.zeros(E, B, T, 0, device=DEVICE)
    z = cuda.run(*args, pwl, None, False)
    alone = cuda.run(args[0][:, -1:], *args[1:5], args[5][:, -1:], pwl, None, True)
    assert torch.equal(z[:, -1, -1], alone[:, 0])


@needs_gpu
@needs_triton
def test_memory_on_a_gpu_is_the_states_and_a_piece():
    E, B, T, M = 1, 256, 2000, 128
    args, pwl = arguments(E, B, T, M, 2, 5)
    args[2].requires_grad_()
    states = 4 * E * B * T * M
    cuda.run(*args, pwl, None, True).sum().backward()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    cuda.run(*args, pwl, None, True).sum().backward()
    assert torch.cuda.max_memory_allocated() - before < states + cuda.PIECE + (32 << 20)


def test_a_plan_is_plain_data():
    assert dataclasses.asdict(cuda.plan(1, 1, 1, 1)) == {
        "block": 16, "rows": 1, "panel": 0, "warps": 1, "precision": "ieee",
    }  # fmt: skip
