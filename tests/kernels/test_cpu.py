"""What the compiled kernel promises beyond being right: no stray writes, the same bits, little memory, any process."""

import logging
import math
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from alrnn_cli import kernels
from alrnn_cli.kernels import _memory, _threads, cpu
from alrnn_cli.kernels._vector import LANES

from .test_scan import NAMES, assert_same, with_gradients

GUARD = 64


def arguments(E=1, B=37, T=9, M=21, K=5, seed=0):
    g = torch.Generator().manual_seed(seed)
    shapes = [(E, B, T, K), (E, M), (E, M, M), (E, M, K), (E, M), (E, B, M)]
    args = [torch.randn(*d, generator=g, dtype=torch.float64) for d in shapes]
    args[1] *= 0.2
    args[2] *= 0.8 / M**0.5
    return args


def bits(args, P):
    """States and gradients of half their squares, as the kernel gives them."""
    given = [a.float().requires_grad_() for a in args]
    z = kernels.scan(*given, P=P, backend="cpu")
    z.square().sum().backward()
    return {"z": z.detach(), **dict(zip(NAMES, [a.grad for a in given], strict=True))}


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("M", [3, LANES, LANES + 1, 3 * LANES - 1, 5 * LANES])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("B", [1, 6, 33])
def test_nothing_is_written_past_the_end(monkeypatch, threads, M, last, B):
    """Every array that the kernel writes to lies between guards that must stay as they are, also where the trials are cut in three."""
    made = []
    threads(3)
    monkeypatch.setattr(cpu, "_SMALL", 0)

    def guarded(*shape):
        size = torch.Size(shape)
        whole = torch.full((size.numel() + 2 * GUARD,), -7.0)
        made.append((whole, size.numel()))
        return whole[GUARD : GUARD + size.numel()].view(size)

    args = [a.float().requires_grad_() for a in arguments(E=2, B=B, M=M, K=5)]
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda self, *shape: guarded(*shape))
    monkeypatch.setattr(cpu, "empty", guarded)
    z = kernels.scan(*args, P=[1, M], backend="cpu", last=last)
    z.sum().backward()
    with torch.no_grad():
        kernels.scan(*args, P=[1, M], backend="cpu", last=last)
    assert len(made) == 9  # states twice, dW, dC, dA, dh, partial sums, dz0, ds
    for whole, size in made:
        assert (whole[:GUARD] == -7).all()
        assert (whole[GUARD + size :] == -7).all()
        assert not (whole[GUARD : GUARD + size] == -7).any(), "not all was written"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_same_threads_same_bits(threads, count):
    args = arguments(B=130, T=30, M=40)
    threads(count)
    first, second = bits(args, 7), bits(args, 7)
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


@pytest.mark.parametrize("count", [1, 2])
def test_member_of_a_group_has_the_bits_of_the_model_alone(threads, count):
    """So a stack of runs gives what the runs alone give."""
    threads(count)
    args, P = arguments(E=5, B=64, T=40, M=30), [0, 1, 7, 30, 12]
    together = bits(args, P)
    for e in range(5):
        alone = bits([a[e : e + 1] for a in args], P[e])
        for name, value in alone.items():
            assert torch.equal(together[name][e : e + 1], value), (e, name)


@pytest.mark.parametrize("openmp", [True, False])
def test_threads_agree_with_one(threads, monkeypatch, openmp):
    if not openmp:
        monkeypatch.setattr(_threads.team, "_openmp", None)
    args = arguments(E=3, B=100, T=30, M=40)
    threads(1)
    one = with_gradients(args, [0, 3, 40], "cpu")
    threads(3)
    several = with_gradients(args, [0, 3, 40], "cpu")
    assert torch.equal(one["z"], several["z"])
    assert_same(several, one)


def test_all_members_of_a_team_work(monkeypatch):
    """A team of Python threads calls the function once on each, the caller's among them, and waits for all."""
    import threading

    team = _threads.Team()
    team._openmp = None
    seen, barrier = [], threading.Barrier(3, timeout=20)

    def work(numbers):
        barrier.wait()  # passes only if three are here at once
        seen.append((threading.get_ident(), numbers))

    for _ in range(2):
        team.run(work, 5, 3)
    assert len(seen) == 6
    assert len({who for who, _ in seen}) == 3
    assert all(numbers == 5 for _, numbers in seen)


def test_a_second_caller_does_its_work_alone():
    team = _threads.Team()
    team._openmp = None
    calls = []
    with team._free:
        team.run(calls.append, 1, 2)
    assert calls == [1]


@pytest.mark.parametrize(
    ("B", "T", "M", "K", "threads"), [(128, 100, 50, 2, 2), (64, 784, 128, 1, 16), (1, 5, 3, 0, 4), (33, 9, 700, 9, 3)]
)
def test_plan_covers_every_trial_in_tiles_that_fit(B, T, M, K, threads):
    chunks, rows = cpu.plan(B, T, M, K, threads)
    size = math.ceil(B / chunks / 4) * 4
    assert 1 <= chunks <= threads
    assert rows % 4 == 0 and 4 <= rows <= 32
    assert size * (chunks - 1) < B <= size * chunks, "no chunk is empty, none is missing"
    assert cpu.plan(B, 1, 1, 0, threads)[0] == 1, "small work is not cut up"


def test_last_state_needs_no_memory_for_the_others(monkeypatch):
    largest = []
    monkeypatch.setattr(cpu, "empty", lambda *d: largest.append(torch.Size(d).numel()) or torch.empty(d))
    args = [a.float() for a in arguments(B=8, T=500, M=20, K=1)]
    z = kernels.scan(*args, P=3, backend="cpu", last=True)
    assert max(largest) == 2 * 8 * 20
    torch.testing.assert_close(z, kernels.scan(*args, P=3, backend="cpu")[:, :, -1])


def _result(queue):
    torch.set_num_threads(2)
    # Large for the kernel, small for torch, whose own threads a forked child has lost.
    args = [a.float().requires_grad_() for a in arguments(B=40, T=90, M=30, K=2)]
    assert cpu.plan(40, 90, 30, 2, 2)[0] == 2
    kernels.scan(*args, P=4, backend="cpu", last=True).sum().backward()
    queue.put(args[2].grad.numpy())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_child_processes_can_run_it(threads, method):
    """A forked child too, after its parent has used several threads."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork here")
    context = multiprocessing.get_context(method)
    threads(2)
    here = context.SimpleQueue()
    own = multiprocessing.get_context("spawn").SimpleQueue()
    _result(own)
    child = context.Process(target=_result, args=(here,))
    child.start()
    child.join(60)
    alive = child.is_alive()
    if alive:
        child.kill()
    assert not alive and child.exitcode == 0
    torch.testing.assert_close(torch.from_numpy(here.get()), torch.from_numpy(own.get()))


def test_refusals():
    assert "CPU" in cpu.refusal(torch.device("cuda"), torch.float32)
    assert "float64" in cpu.refusal(torch.device("cpu"), torch.float64)
    assert cpu.refusal(torch.device("cpu"), torch.float32) == ""


SMALL = """
import sys, torch
from alrnn_cli.kernels import _vector
assert _vector.LANES == int(sys.argv[1])
sys.path.insert(0, sys.argv[2])
from tests.kernels.test_cpu import arguments
from tests.kernels.test_scan import assert_same, with_gradients
for E, B, T, M, K, P in [(1, 9, 6, 3, 2, 1), (2, 37, 5, 16, 0, [3, 16]), (2, 33, 7, 21, 5, [0, 21]), (1, 40, 4, 70, 33, 9)]:
    args = arguments(E, B, T, M, K)
    for options in ({}, {"last": True}):
        assert_same(with_gradients(args, P, "cpu", **options), with_gradients(args, P, "reference", **options))
"""


def run_small(lanes, cache):
    environment = {**os.environ, "ALRNN_LANES": str(lanes), "NUMBA_CACHE_DIR": str(cache)}
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", SMALL, str(lanes), root], env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_other_processors_vectors(lanes, tmp_path):
    """The code for 128-, 256- and 512-bit vectors; the compiler splits what this processor does not have."""
    done = run_small(lanes, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "compiling the CPU kernel, once" in done.stderr
    again = run_small(lanes, tmp_path)
    assert again.returncode == 0, again.stderr
    assert "compiling" not in again.stderr, "it was kept on disk"


def test_compiling_is_announced_only_if_it_takes_long(caplog):
    cpu.compiled("_tiles")
    with caplog.at_level(logging.WARNING):
        cpu.compiled("_tiles")
    assert not caplog.records


def test_memory_beside_states_and_the_inputs_gradient_is_small(monkeypatch):
    """Forward and backward hold the stored states, the input gradient that was asked for, and at most a fifth more."""
    sizes = []
    plain = torch.Tensor.new_empty

    def counted(*shape):
        sizes.append(torch.Size(shape).numel())
        return torch.empty(shape)

    monkeypatch.setattr(cpu, "empty", counted)
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda self, *d: counted(*d) if d != (0,) else plain(self, *d))
    for B, T, M, K in [(128, 100, 50, 2), (64, 392, 100, 100), (64, 784, 128, 1)]:
        sizes.clear()
        args = [a.float().requires_grad_() for a in arguments(1, B, T, M, K)]
        kernels.scan(*args, P=2, backend="cpu").sum().backward()
        states, inputs = B * T * M, B * T * K
        assert states <= sum(sizes) - inputs <= 1.2 * states


def test_memory_is_used_again_only_when_nothing_refers_to_it():
    first = _memory.empty(300, 100)
    address, part = first.data_ptr(), first[3]
    del first
    second = _memory.empty(300, 100)
    assert second.data_ptr() != address, "a part of the first is still there"
    del part
    third = _memory.empty(300, 100)
    assert third.data_ptr() == address
    assert _memory.empty(3, 1).data_ptr() not in (address, second.data_ptr())


def test_memory_out_of_use_is_bounded(monkeypatch):
    monkeypatch.setattr(_memory, "_arrays", [])
    monkeypatch.setattr(_memory, "_KEPT", 1 << 20)
    for n in range(20):
        _memory.empty(100_000 + n)
    assert sum(a.nbytes for a in _memory._arrays) <= (1 << 20) + 500_000


def test_memory_out_of_use_is_given_back_though_every_call_finds_some(monkeypatch):
    """As in training that goes on after an evaluation in large batches."""
    monkeypatch.setattr(_memory, "_arrays", [])
    monkeypatch.setattr(_memory, "_KEPT", 1 << 20)
    held = [_memory.empty(100_000 + n) for n in range(20)]
    held.clear()
    _memory.empty(100_000)
    assert sum(a.nbytes for a in _memory._arrays) <= (1 << 20) + 500_000


def test_results_of_two_calls_do_not_share_memory():
    args = [a.float() for a in arguments(1, 64, 60, 20, 2)]
    first = kernels.scan(*args, P=3, backend="cpu")
    kept = first.clone()
    second = kernels.scan(args[0] + 1, *args[1:], P=3, backend="cpu")
    assert torch.equal(first, kept)
    assert not torch.equal(first, second)


def test_infinity_in_an_inputs_gradient_stays_where_it_is():
    args = arguments(1, 1, 3, 21, 3)
    args[3] = torch.full_like(args[3], 0)
    args[3][0, 0, 2] = 1e20
    given = {
        b: [a.to(d).requires_grad_() for a in args] for b, d in (("cpu", torch.float32), ("reference", torch.float64))
    }
    for backend, leaves in given.items():
        (kernels.scan(*leaves, P=2, backend=backend)[..., 0] * 1e19).sum().backward()
    assert given["cpu"][0].grad.isinf().any()
    assert not given["cpu"][0].grad.isnan().any()


def test_an_empty_batch_gives_empty_states():
    args = arguments(1, 0, 4, 20, 2)
    for backend in ("cpu", "chunked"):
        assert kernels.scan(*(a.float() for a in args), P=2, backend=backend).shape == (1, 0, 4, 20)
        assert kernels.scan(*(a.float() for a in args), P=2, backend=backend, last=True).shape == (1, 0, 20)


def test_negated_views_are_read_as_they_are():
    args = [a.float() for a in arguments(1, 3, 5, 20, 1)]
    s = torch.complex(torch.zeros_like(args[0]), -args[0]).conj().imag
    assert s.is_neg()
    expected = kernels.scan(*args, P=2, backend="cpu")
    assert torch.equal(kernels.scan(s, *args[1:], P=2, backend="cpu"), expected)


def test_no_memory_for_a_tile_is_an_error(monkeypatch):
    monkeypatch.setattr(_threads.team, "run", lambda function, numbers, threads: None)  # no thread took anything
    with pytest.raises(MemoryError):
        kernels.scan(*(a.float() for a in arguments()), P=2, backend="cpu")


def test_an_interrupt_waits_for_the_workers():
    """Ctrl-C while a worker still writes: the call ends with it, but not before the worker has."""
    import signal
    import threading
    import time

    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        pytest.skip("no timer signals here")
    team = _threads.Team()
    team._openmp = None
    ended = []
    main = threading.get_ident()

    def work(numbers):
        if threading.get_ident() != main:
            time.sleep(0.4)
            ended.append(True)

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            team.run(work, 0, 2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert ended == [True]
    team.run(work, 0, 2)
    assert len(ended) == 2


def test_parameters_need_no_stored_states_where_gradients_are_off(monkeypatch):
    largest = []
    monkeypatch.setattr(cpu, "empty", lambda *d: largest.append(torch.Size(d).numel()) or torch.empty(d))
    args = [a.float().requires_grad_() for a in arguments(B=8, T=500, M=20, K=1)]
    with torch.no_grad():
        kernels.scan(*args, P=3, backend="cpu", last=True)
    assert max(largest) == 2 * 8 * 20
