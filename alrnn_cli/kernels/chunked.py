"""The almost-linear shortcut: where only the last state is needed, only P of the M units have to go step by step.

No other recurrent network has this: between two switches an AL-RNN is linear, and a ReLU that opens is a kick of one number. A
chunk of L steps then costs M²/L + M·P + (P + K + 1)·M + L·P·(P + K + 1)/2 products a step instead of M·(M + K), and gives the same
states and gradients up to rounding. `_chunks` has the equations and the loops; here are the powers of G = W + diag(A), which
autograd differentiates, and the decision when the shortcut is worth it.

Where all states are wanted, trials end at different steps, the shortcut does not pay, powers grow large or a state is not finite,
this backend is `cpu`. Each member of a group is treated as it would be alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from . import cpu
from ._memory import empty

_LENGTHS = (4, 8, 16, 32)
#: how much longer a multiply-add takes here than in the dense kernel, the products being smaller; measured
_SLOWER = 1.4
#: what a call costs besides, mostly in forming powers and differentiating them, in multiply-adds; measured
_CALL = 27e6
#: largest growth of a state over a chunk; beyond, rounding errors of what cancels would show in the fifth digit
_GROWTH = 30.0

refusal = cpu.refusal


def run(
    s: Tensor, A: Tensor, W: Tensor, C: Tensor, h: Tensor, z0: Tensor, pwl: Tensor, lengths: Tensor | None, last: bool
) -> Tensor:
    """As `reference.run`. Returns: (E, B, T, M), or (E, B, M) with `last`."""
    if len(s) > 1 and last and lengths is None:
        # One by one: what pays, and whether it is safe, is each member's own affair.
        each = [
            run(s[e, None], A[e, None], W[e, None], C[e, None], h[e, None], z0[e, None], pwl[e, None], None, True)
            for e in range(len(s))
        ]
        return torch.cat(each)
    E, B, T, K = s.shape
    M = W.shape[-1]
    P = int(pwl.sum(-1).max()) if E else 0
    L = chunk_length(B, T, M, P, K) if last and lengths is None and E * B else 0
    if L:
        rest = T % L
        need = torch.is_grad_enabled() and any(x.requires_grad for x in (s, A, W, C, h, z0))
        powers, growth = _powers(A, W, C, h, P, L)
        if growth <= _GROWTH:
            start = cpu.run(s[:, :, :rest], A, W, C, h, z0, pwl, None, True) if rest else z0
            own = pwl[:, M - P :].contiguous()
            z: Tensor = _Scan.apply(s[:, :, rest:], start, *powers, own, need)  # type: ignore[no-untyped-call]
            # Infinities that the switches would keep apart meet in a product of powers: then the definition decides.
            if bool(torch.isfinite(z.detach()).all()):
                return z
    return cpu.run(s, A, W, C, h, z0, pwl, lengths, last)


def chunk_length(B: int, T: int, M: int, P: int, K: int) -> int:
    """The length of chunk that costs least, or 0 where the dense kernel does."""
    return _cheapest(B, T, M, P, K)[0]


def saving(B: int, T: int, M: int, P: int, K: int) -> float:
    """How many times cheaper than the dense kernel this is expected to be; 1 where it is not used."""
    return _cheapest(B, T, M, P, K)[1]


def _cheapest(B: int, T: int, M: int, P: int, K: int) -> tuple[int, float]:
    Q = P + K + 1
    dense = M * (M + K)
    best, length = float(dense), 0
    for L in _LENGTHS:
        if L > T:
            break
        powers = (2 * (L.bit_length() - 1) * M**3 + L * M * M * (P + Q)) / (B * T)
        cost = _SLOWER * (M * M / L + M * (P + Q) + L * P * Q / 2 + powers + _CALL / (B * T))
        if cost < best:
            best, length = cost, L
    return length, dense / best


def _powers(A: Tensor, W: Tensor, C: Tensor, h: Tensor, P: int, L: int) -> tuple[tuple[Tensor, Tensor, Tensor], float]:
    """G^L (E, M, M), R_d = G^d [W_P, C, h] (E, M, L·Q) side by side, O_d = G^d on the PWL units (E, L·P, M) one below the other.

    By doubling: G^l applied to the first l gives the next l. Returns: these, and the largest number in the powers of G, in O and
    in what a kick does, R on W_P.
    """
    M = W.shape[-1]
    doubled = _Doubled.apply(W + torch.diag_embed(A), L.bit_length() - 1)  # type: ignore[no-untyped-call]
    R = torch.cat([W[..., M - P :], C, h[..., None]], -1)
    O = torch.eye(M, dtype=W.dtype)[M - P :].expand(len(W), P, M)
    for G in doubled[:-1]:
        R = torch.cat([R, G @ R], -1)
        O = torch.cat([O, O @ G], -2)
    kicks = R.view(*R.shape[:-1], L, -1)[..., :P]
    growth = max(float(x.detach().abs().max()) for x in (*doubled, O, kicks) if x.numel())
    return (doubled[-1], R, O), growth


class _Doubled(torch.autograd.Function):
    """G, G², G⁴, … by `times` squarings in float64: an error in G^L would come back with every chunk and grow with time."""

    @staticmethod
    def forward(ctx: Any, G: Tensor, times: int) -> tuple[Tensor, ...]:
        powers, exact = [G.clone()], G.double()
        for _ in range(times):
            exact = exact @ exact
            powers.append(exact.to(G.dtype))
        ctx.save_for_backward(*powers)
        return tuple(powers)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        total = grads[-1]
        for power, own in zip(ctx.saved_tensors[-2::-1], grads[-2::-1], strict=True):
            total = own + total @ power.mT + power.mT @ total
        return total, None


class _Scan(torch.autograd.Function):
    """s: (E, B, T, K) with L dividing T, z0: (E, B, M), powers as above, pwl: (E, P). Returns: (E, B, M)."""

    @staticmethod
    def forward(
        ctx: Any, s: Tensor, z0: Tensor, G: Tensor, R: Tensor, O: Tensor, pwl: Tensor, need: bool
    ) -> Tensor:  # fmt: skip
        E, B, T, K = s.shape
        M, P = G.shape[-1], pwl.shape[-1]
        Q = P + K + 1
        L = R.shape[-1] // Q
        s, z0 = cpu.rows_of(s), cpu.rows_of(z0)
        later = R.view(E, M, L, Q).flip(2)  # R_{L-1} … R_0: an earlier kick has longer to act
        to_y = O.mT.contiguous()
        to_z = torch.cat([G.mT, later.permute(0, 2, 3, 1).reshape(E, L * Q, M)], 1).contiguous()
        kicks = _lines(later[:, M - P :, 1:].permute(0, 2, 3, 1))
        saved = empty(E, T // L, B, M + L * Q) if need else None
        z = s.new_empty(E, B, M)
        threads = torch.get_num_threads()
        chunks, rows = cpu.plan(B, T, M, P + K, threads)
        cpu.launch(cpu.compiled("_chunks")[0], (
            chunks, rows,
            s.data_ptr(), *s.stride()[:3],
            z0.data_ptr(), *z0.stride()[:2],
            to_y.data_ptr(), to_z.data_ptr(), kicks.data_ptr(), pwl.data_ptr(),
            0 if saved is None else saved.data_ptr(), z.data_ptr(),
            B, T, M, K, P, L,
        ), E * chunks, threads)  # fmt: skip
        if need:
            ctx.save_for_backward(G, R, O, saved)
            ctx.shape = (E, B, T, K, M, P, L)
            ctx.steps_outermost = cpu.steps_outermost(s)
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        G, R, O, saved = ctx.saved_tensors
        E, B, T, K, M, P, L = ctx.shape
        Q, D = P + K + 1, saved.shape[-1]
        grad = cpu.rows_of(grad)
        now = R.view(E, M, L, Q)
        to_v = now.flip(2).contiguous()
        to_z = torch.cat([G, O], 1).contiguous()
        kicks = _lines(now[:, M - P :, : L - 1].permute(0, 2, 1, 3))
        threads = torch.get_num_threads()
        chunks, rows = cpu.plan(B, T, M, P + K, threads)
        parts = grad.new_empty(E, chunks, D * M + L * P * D)
        dz0 = grad.new_empty(E, B, M)
        ds = cpu.empty_inputs(E, B, T, K, ctx.steps_outermost) if ctx.needs_input_grad[0] and K else None
        cpu.launch(cpu.compiled("_chunks")[1], (
            chunks, rows,
            grad.data_ptr(), *grad.stride()[:2],
            to_v.data_ptr(), to_z.data_ptr(), kicks.data_ptr(),
            saved.data_ptr(), parts.data_ptr(), dz0.data_ptr(), *cpu.address_of(ds),
            B, T, M, K, P, L,
        ), E * chunks, threads)  # fmt: skip
        sums = parts[:, 0] if chunks == 1 else parts.sum(1)
        by_x, by_mu = sums[:, : D * M].view(E, D, M), sums[:, D * M :].view(E, L, P, D)
        dG, dO = by_x[:, :M].mT, by_mu[..., :M].reshape(E, L * P, M)
        dR = by_x[:, M:].view(E, L, Q, M).flip(1).permute(0, 3, 1, 2).contiguous()
        # Kick i met the PWL units before step j + 1 through k_{j-1-i}: gather what belongs to the same lag.
        j, i = torch.tril_indices(L, L, -1)
        met = by_mu[..., M:].view(E, L, P, L, Q).permute(1, 3, 0, 2, 4)[j, i]
        lags = met.new_zeros(L, E, P, Q).index_add_(0, j - 1 - i, met)
        dR[:, M - P :] += lags.permute(1, 2, 0, 3)
        if ds is None and ctx.needs_input_grad[0]:
            ds = grad.new_zeros(E, B, T, K)
        return ds, dz0, dG, dR.view(E, M, L * Q), dO, None, None


def _lines(x: Tensor) -> Tensor:
    """x (E, n, lines, columns) as one matrix (E, n·lines, columns) whose lines are filled up to whole vectors with zeros."""
    from ._vector import LANES

    x = torch.nn.functional.pad(x, (0, -x.shape[-1] % LANES))
    return x.flatten(1, 2).contiguous()
