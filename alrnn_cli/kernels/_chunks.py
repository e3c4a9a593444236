"""The chunked kernel: only the P piecewise-linear units go step by step, everything linear goes L steps at a time.

With G = W + diag(A) and u = relu(-z) on the PWL units, relu(z) = z + u, so a step is linear in the state and a kick:

    z_t = G z_{t-1} + B v_t,      B = [W_P | C | h],      v_t = [u_{t-1}, s_t, 1]      Q = P + K + 1 numbers

From the state z_0 at the start of a chunk, with R_d = G^d B (M, Q), O_d = G^d on the PWL units (P, M), k_d = R_d on the PWL
units (P, Q), the PWL units y_j before step j + 1 and the state after L steps are

    y_j = O_j z_0 + Σ_{i<j} k_{j-1-i} v_i          a product for all j, then j by j: u_j = relu(-y_j) closes the recurrence
    z_L = G^L z_0 + Σ_i R_{L-1-i} v_i              one product

A tile's rows hold, in floats:   x   | z_0 (M) | v_0 … v_{L-1} (Q each) |        y   | y_0 … y_{L-1} (P each) |
and backwards:                   l   | λ = dL/dz_L (M) | μ_0 … μ_{L-1} = dL/dy (P each) |     hx   | dL/dv_0 … dL/dv_{L-1} |

The matrices come from the caller, who differentiates through the powers of G.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray
from numba.np.unsafe.ndarray import to_fixed_tuple

from ._tiles import (
    _INNER,
    _aligned,
    _chunk,
    _compiled,
    _copy,
    _fill,
    _multiply,
    _panel,
    _spaced,
    _up,
    _used,
    as_c_function,
)
from ._vector import LANES, ROWS, load, load_byte, store, take


@_compiled
def _vectors(columns: int) -> int:
    return (columns + LANES - 1) // LANES


@_compiled
def _pack(w: int, x: int, lines: int, columns: int) -> None:
    """Panels of a matrix x (lines, columns), filled up with zeros."""
    slot, slots = 0, _vectors(columns)
    while slot < slots:
        n = _panel(slots - slot)
        for k in range(lines):
            for lane in range(n * LANES):
                j = slot * LANES + lane
                value = load((x + 4 * (k * columns + j),)) if j < columns else np.float32(0)
                store((w + 4 * (k * n * LANES + lane), value))
        w += 4 * lines * n * LANES
        slot += n


@_compiled
def forward(
    taken: int, items: int, chunks: int, rows: int,
    s: int, s_member: int, s_trial: int, s_step: int,
    z0: int, z0_member: int, z0_trial: int,
    to_y: int, to_z: int, kicks: int, pwl: int,
    saved: int, z: int,
    B: int, T: int, M: int, K: int, P: int, L: int,
) -> None:  # fmt: skip
    """The last state of the next items until none is left; items and strides as in `_tiles.forward`.

    to_y: (E, M, L·P) O_j by columns; to_z: (E, M + L·Q, M) G^L and R_{L-1} … R_0 by lines; kicks: (E, (L-1)·Q, up(P)) k_{L-2} …
    k_0, a line for each of the Q; pwl: (E, P) bool; saved: (E, T/L, B, M + L·Q) x of every chunk, or 0; z: (E, B, M).
    """
    Q = P + K + 1
    D = M + L * Q
    ldx, ldy = _spaced(D + LANES), _spaced(L * P + LANES)
    wide = _vectors(P) * LANES
    to_z_room = D * _up(M, LANES)
    buffer = np.zeros(16 + 2 * rows * ldx + rows * ldy + M * _up(L * P, LANES) + to_z_room, np.float32)
    x = _aligned(buffer)
    y = x + 4 * 2 * rows * ldx
    w_y = y + 4 * rows * ldy
    w_z = w_y + 4 * M * _up(L * P, LANES)
    packed = -1
    while True:
        item = take((taken,))
        if item >= items:
            break
        e = item // chunks
        if e != packed:
            _pack(w_y, to_y + 4 * e * M * L * P, M, L * P)
            _pack(w_z, to_z + 4 * e * D * M, D, M)
            packed = e
        start, stop = _chunk(item % chunks, chunks, B)
        for b in range(start, stop, rows):
            here = min(rows, stop - b)
            padded = _up(here, ROWS)
            _fill(x, 2 * rows * ldx)
            for r in range(here):
                _copy(x + 4 * r * ldx, z0 + 4 * (e * z0_member + (b + r) * z0_trial), M)
            for c in range(T // L):
                now = x + 4 * (c % 2) * rows * ldx
                after = x + 4 * ((c + 1) % 2) * rows * ldx
                _multiply(padded, now, ldx, 1, w_y, 0, M, y, ldy, _vectors(L * P))
                for j in range(L):
                    if j:
                        weights = kicks + 4 * (e * (L - 1) + L - 1 - j) * Q * wide
                        _multiply(padded, now + 4 * M, ldx, 1, weights, wide, j * Q, y + 4 * j * P, ldy, _vectors(P))
                    for r in range(here):
                        v, at = now + 4 * (r * ldx + M + j * Q), y + 4 * (r * ldy + j * P)
                        for p in range(P):
                            value = load((at + 4 * p,))
                            # Not y > 0 rather than y <= 0: a NaN stays one. At 0 the unit is closed, which -0 keeps in mind.
                            kick = load_byte((pwl + e * P + p,)) != 0 and not value > 0
                            store(
                                (v + 4 * p, -abs(value) if value == 0 and kick else -value if kick else np.float32(0))
                            )
                        _copy(v + 4 * P, s + 4 * (e * s_member + (b + r) * s_trial + (c * L + j) * s_step), K)
                        store((v + 4 * (P + K), np.float32(1)))
                if saved:
                    for r in range(here):
                        _copy(saved + 4 * ((e * (T // L) + c) * B + b + r) * D, now + 4 * r * ldx, D)
                _multiply(padded, now, ldx, 1, w_z, 0, D, after, ldx, _vectors(M))
            for r in range(here):
                _copy(z + 4 * (e * B + b + r) * M, x + 4 * (((T // L) % 2) * rows + r) * ldx, M)
    _used(buffer)


@_compiled
def backward(
    taken: int, items: int, chunks: int, rows: int,
    grad: int, grad_member: int, grad_trial: int,
    to_v: int, to_z: int, kicks: int,
    saved: int, parts: int, dz0: int, ds: int, ds_member: int, ds_trial: int, ds_step: int,
    B: int, T: int, M: int, K: int, P: int, L: int,
) -> None:  # fmt: skip
    """Gradients of the next items until none is left.

    grad: dL/dz at the last step. to_v: (E, M, L·Q) R_{L-1} … R_0 by columns; to_z: (E, M + L·P, M) G^L and O_0 … O_{L-1} by lines;
    kicks: (E, (L-1)·P, up(Q)) k_0 … k_{L-2}, a line for each of the P.
    parts: (items, D·M + L·P·D), D = M + L·Q: Σ xᵀ λ and Σ μᵀ x; dz0: (E, B, M); ds: (E, B, T, K) by its strides, or 0.
    """
    Q = P + K + 1
    D = M + L * Q
    D4, LP4 = _up(D, ROWS), _up(L * P, ROWS)
    ldx, ldl, ldh = _spaced(D + LANES), _spaced(M + LP4 + LANES), _spaced(L * Q + LANES)
    ldm = _spaced(M)
    wide = _vectors(Q) * LANES
    depth = max(1, _INNER // rows)
    sizes = (
        depth * rows * ldx, (depth + 1) * rows * ldl, rows * ldh, D4 * ldm, LP4 * ldx,
        M * _up(L * Q, LANES), (M + L * P) * _up(M, LANES),
    )  # fmt: skip
    total = 16
    for size in sizes:
        total += size
    buffer = np.zeros(total, np.float32)
    x = _aligned(buffer)
    l = x + 4 * sizes[0]
    h = l + 4 * sizes[1]
    sum_x = h + 4 * sizes[2]
    sum_m = sum_x + 4 * sizes[3]
    w_v = sum_m + 4 * sizes[4]
    w_z = w_v + 4 * sizes[5]
    packed = -1
    while True:
        item = take((taken,))
        if item >= items:
            break
        e = item // chunks
        if e != packed:
            _pack(w_v, to_v + 4 * e * M * L * Q, M, L * Q)
            _pack(w_z, to_z + 4 * e * (M + L * P) * M, M + L * P, M)
            packed = e
        _fill(sum_x, D4 * ldm)
        _fill(sum_m, LP4 * ldx)
        start, stop = _chunk(item % chunks, chunks, B)
        for b in range(start, stop, rows):
            here = min(rows, stop - b)
            padded = _up(here, ROWS)
            _fill(x, depth * rows * ldx)
            _fill(l, (depth + 1) * rows * ldl)
            for r in range(here):
                _copy(l + 4 * r * ldl, grad + 4 * (e * grad_member + (b + r) * grad_trial), M)
            done = 0
            for c in range(T // L - 1, -1, -1):
                xs, lam = x + 4 * done * padded * ldx, l + 4 * done * padded * ldl
                before = lam + 4 * padded * ldl
                for r in range(here):
                    _copy(xs + 4 * r * ldx, saved + 4 * ((e * (T // L) + c) * B + b + r) * D, D)
                for r in range(padded):
                    _fill(lam + 4 * (r * ldl + M), L * P)
                _multiply(padded, lam, ldl, 1, w_v, 0, M, h, ldh, _vectors(L * Q))
                for j in range(L - 1, -1, -1):
                    if j < L - 1:
                        _multiply(padded, lam + 4 * (M + (j + 1) * P), ldl, 1, kicks + 4 * e * (L - 1) * P * wide, wide,
                                  (L - 1 - j) * P, h + 4 * j * Q, ldh, _vectors(Q))  # fmt: skip
                    for r in range(here):
                        own, mu = h + 4 * (r * ldh + j * Q), lam + 4 * (r * ldl + M + j * P)
                        kick = xs + 4 * (r * ldx + M + j * Q)
                        for p in range(P):
                            u = load((kick + 4 * p,))
                            kicked = u > 0 or np.signbit(u) or u != u
                            store((mu + 4 * p, -load((own + 4 * p,)) if kicked else np.float32(0)))
                        if ds:
                            _copy(ds + 4 * (e * ds_member + (b + r) * ds_trial + (c * L + j) * ds_step), own + 4 * P, K)
                _multiply(padded, lam, ldl, 1, w_z, 0, M + L * P, before, ldl, _vectors(M))
                done += 1
                if done == depth or c == 0:
                    _multiply(D4, x, 1, ldx, l, ldl, done * padded, sum_x, ldm, _vectors(M))
                    _multiply(LP4, l + 4 * M, 1, ldl, x, ldx, done * padded, sum_m, ldx, _vectors(D))
                    _copy(l, before, padded * ldl)
                    done = 0
            for r in range(here):
                _copy(dz0 + 4 * (e * B + b + r) * M, l + 4 * r * ldl, M)
        part = parts + 4 * item * (D * M + L * P * D)
        for i in range(D):
            _copy(part + 4 * i * M, sum_x + 4 * i * ldm, M)
        for i in range(L * P):
            _copy(part + 4 * (D * M + i * D), sum_m + 4 * i * ldx, D)
    _used(buffer)


FORWARD_NUMBERS = forward.py_func.__code__.co_argcount
BACKWARD_NUMBERS = backward.py_func.__code__.co_argcount


def entries(stamp: int) -> tuple[Any, Any]:
    """As `_tiles.entries`."""

    def enter_forward(numbers):  # type: ignore[no-untyped-def]
        if stamp:
            forward(*to_fixed_tuple(carray(numbers, (FORWARD_NUMBERS,)), FORWARD_NUMBERS))

    def enter_backward(numbers):  # type: ignore[no-untyped-def]
        if stamp:
            backward(*to_fixed_tuple(carray(numbers, (BACKWARD_NUMBERS,)), BACKWARD_NUMBERS))

    return as_c_function(enter_forward), as_c_function(enter_backward)
