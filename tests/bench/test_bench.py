"""The measurements: rivals do the work they stand for, rounds take turns, and the command shows what was measured."""

import itertools

import pytest
import torch

from alrnn_cli import kernels
from alrnn_cli.bench import cases, machine, measure, rivals, timing
from alrnn_cli.model.penalty import manifold, weights

CPU = torch.device("cpu")
SMALL = cases.Case("small", 6, 9, 12, 3, 2, 2)


def test_published_loop_is_the_recurrence():
    x = measure._arrays(SMALL, CPU)
    A = torch.nn.functional.pad(x.A, (SMALL.M - SMALL.P, 0))
    expected = kernels.scan(x.s, A, x.W, x.C, x.h, x.z0, P=SMALL.P, backend="reference")
    torch.testing.assert_close(rivals.published_loop(*x.parts), expected)


def test_published_penalty_is_the_manifold_regularisation():
    x = measure._arrays(SMALL, CPU)
    A = torch.nn.functional.pad(x.A, (SMALL.M - SMALL.P, 0)).detach()[None].numpy()
    W, h = x.W.detach()[None].numpy(), x.h.detach()[None].numpy()
    for M_reg in (0, 6, 12):
        value, *_ = manifold(A, W, h, weights([1.0], [M_reg], SMALL.M).numpy())
        assert float(rivals.published_penalty(x.A, x.W, x.h, M_reg).detach()) == pytest.approx(
            float(value[0]), rel=1e-5
        )


@pytest.mark.parametrize("kind", measure.RIVALS)
def test_rivals_give_gradients_of_everything(kind):
    x = measure._arrays(SMALL, CPU)
    measure._theirs(SMALL, x, kind)()
    assert x.s.grad.shape == x.s.shape and x.s.grad.any()
    assert x.z0.grad.any()


def test_candidates_take_turns_of_equal_time_whose_first_call_is_not_counted(monkeypatch):
    now, order = [0.0], []

    def call(name, seconds):
        order.append(name)
        now[0] += seconds

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    times = timing.interleaved({"a": lambda: call("a", 0.006), "b": lambda: call("b", 1.0)}, 3, CPU)
    assert times["a"].seconds == pytest.approx([0.006] * 3)
    assert times["b"].seconds == pytest.approx([1.0] * 3)
    turns = ["".join(group) for _, group in itertools.groupby(order)]
    # One call to come in, then four of 6 ms fill 20 ms; one second fills them alone.
    assert turns[-6:] == ["aaaaa", "bb"] * 3


def test_ratio_is_the_median_of_the_rounds_ratios():
    a, b = timing.Times((2.0, 30.0, 4.0)), timing.Times((1.0, 10.0, 4.0))
    assert timing.ratio(a, b) == 2.0
    assert b.to_dict() == {"median": 4.0, "min": 1.0, "max": 10.0}


def test_slope_of_linear_and_of_quadratic_time():
    for power in (1, 2):
        times = {str(n): timing.Times((1e-6 * n**power,)) for n in (10, 100, 1000)}
        assert measure._slope(times) == pytest.approx(power)
    assert measure.geometric_mean([2.0, 8.0]) == pytest.approx(4.0)


def test_a_step_of_ours_and_of_theirs_lowers_the_same_loss():
    case = cases.Case("small", 6, 9, 12, 3, 2, 2, each=True)
    stack, batch = measure._stack(case, 2, "cpu", CPU), measure._batch(case, 2, CPU)
    stack.adam._factor = None
    first = stack.step(batch, None, [1e-2, 1e-2])[0].copy()
    for _ in range(20):
        last = stack.step(batch, None, [1e-2, 1e-2])[0]
    assert (last < first).all()
    measure._published_step(case, batch, CPU)()


def test_machine_is_described():
    found = machine.describe(CPU)
    assert found["threads"] == torch.get_num_threads()
    assert found["processor"]


def test_scaling_measures_every_size(monkeypatch):
    asked = []
    monkeypatch.setattr(measure, "_ours", lambda case, x, backend: lambda: asked.append((case.T, case.B)))
    row = measure.scaling("T", "cpu", 2, CPU)
    assert list(row["seconds"]) == ["100", "300", "1000", "3000", "10000"]
    assert dict.fromkeys(asked) == dict.fromkeys((n, 32) for n in (100, 300, 1000, 3000, 10000))
    assert list(measure.scaling("B", "cpu", 1, CPU)["seconds"]) == ["32", "128", "512", "2048"]
