"""The CPU kernel: the recurrence of a tile of trials over all its steps, forwards and backwards, compiled by numba.

A tile is up to 32 trials (rows) that one thread owns from the first step to the last, so that nothing of it leaves the core's
cache but the states and the inputs. Its memory, in floats (rows are padded to a multiple of ROWS = 4; a padded row repeats the
tile's last trial, so it computes the same values again, and backwards it sees zeros):

    forwards    phi   2 x rows x ld      | Φ(z_1) … Φ(z_M) | s_1 … s_K | 0 |    of the step before and of this one, in turn
                w     (M+K) x M          panels of 1 … WIDEST vectors: w[k, :] = W[:, k], then C[:, k], a line for each k
                tail  (M+K) x FEW        the same for the last FEW units, DEPTH of the k in a line
                units 3 x room           h, A, pwl; room: M, rounded up to whole vectors

    backwards   g     (steps+1) x rows x ldg   | dL/d(sum)_1 … _M | ds_1 … ds_K |
                phi   steps x rows x ldp       | Φ(z_1) … Φ(z_M) | s_1 … s_K |    of the step before
                dW    M x ldp                  | dW | dC |  += gᵀ phi, one product every `steps` steps

A vector holds LANES units. Where LANES does not divide M, forwards the last vector of a row starts at M - LANES, or the tail at
M - FEW where that is enough, and a few units are computed twice, the later result standing, so that no store needs a mask;
M >= LANES therefore, and `cpu` pads smaller ones. Backwards the last vector is filled up with the first columns of the input
gradient, and what it reads of the caller's rows beyond M is masked.

Every sum is taken in an order that depends on the shapes and the number of chunks only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types
from numba.np.unsafe.ndarray import to_fixed_tuple

from ._vector import (
    DEPTH,
    FEW,
    LANES,
    ROWS,
    WIDEST,
    add_block,
    add_vector,
    backward_block,
    copy_vector,
    forward_block,
    forward_tail,
    load,
    load_address,
    load_byte,
    prefetch,
    product_block,
    store,
    store_address,
    take,
)

# Called from compiled code only: no ways in from Python are made, which are a third of the time to compile.
_compiled = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
# Rows of one weight-gradient product: large against the load and store of its sums, small against the second-level cache.
_INNER = 128


def _by_width(blocks: dict[int, Any]) -> Any:
    """A block as a compiled function of its width and its arguments."""
    narrow, middle, wide, widest = blocks[1], blocks[2], blocks[3], blocks[WIDEST]

    @_compiled
    def block(n: int, arguments: tuple[int, ...]) -> None:
        if n == WIDEST:
            widest(arguments)
        elif n == 3:
            wide(arguments)
        elif n == 2:
            middle(arguments)
        else:
            narrow(arguments)

    return block


_forward_block, _backward_block = _by_width(forward_block), _by_width(backward_block)
_product_block, _add_block = _by_width(product_block), _by_width(add_block)


@_compiled
def _up(n: int, multiple: int) -> int:
    return (n + multiple - 1) // multiple * multiple


@_compiled
def _panel(left: int) -> int:
    """Vectors of the next panel where `left` remain: as wide as possible, but never so that a single one is left over."""
    if left > WIDEST + 1 or left == WIDEST:
        return WIDEST
    if left == WIDEST + 1:
        return WIDEST - 1
    return left


@_compiled
def _spaced(n: int) -> int:
    """A row length of at least n floats whose multiples do not fall into the same cache sets."""
    n = _up(n, LANES)
    return n + 16 if n % 64 == 0 else n


@_compiled
def _aligned(buffer: Any) -> int:
    """The first address of a cache line in the buffer."""
    return (buffer.ctypes.data + 63) // 64 * 64


@_compiled
def _used(buffer: Any) -> None:
    """Arrays are freed after they are last named, whatever addresses into them are still in use: so they are named here."""


@_compiled
def _chunk(c: int, chunks: int, B: int) -> tuple[int, int]:
    """First and past-the-end trial of a chunk; chunks are multiples of ROWS trials."""
    size = _up((B + chunks - 1) // chunks, ROWS)
    return min(c * size, B), min((c + 1) * size, B)


@_compiled
def _column(slot: int, M: int) -> int:
    """First unit of a vector: the last vector ends with the row."""
    return min(slot * LANES, M - LANES)


@_compiled
def _copy(target: int, source: int, n: int) -> None:
    # Whole vectors by hand: to the compiler, which sees numbers and not arrays, the two might overlap.
    k = 0
    while k + LANES <= n:
        copy_vector((target + 4 * k, source + 4 * k))
        k += LANES
    while k < n:
        store((target + 4 * k, load((source + 4 * k,))))
        k += 1


@_compiled
def _add(target: int, source: int, n: int) -> None:
    """target += source, as `_copy`."""
    k = 0
    while k + LANES <= n:
        add_vector((target + 4 * k, source + 4 * k))
        k += LANES
    while k < n:
        store((target + 4 * k, load((target + 4 * k,)) + load((source + 4 * k,))))
        k += 1


@_compiled
def _move(table: int, n: int, step: int) -> None:
    """Move n addresses on by a number of bytes."""
    for r in range(n):
        store_address((table + 8 * r, load_address((table + 8 * r,)) + step))


@_compiled
def _few(target: int, source: int, n: int) -> None:
    """`_copy` for what is mostly one or two numbers."""
    if n <= 2:
        if n > 0:
            store((target, load((source,))))
        if n > 1:
            store((target + 4, load((source + 4,))))
    else:
        _copy(target, source, n)


@_compiled
def _fill(target: int, n: int) -> None:
    for k in range(n):
        store((target + 4 * k, np.float32(0)))


@_compiled
def _soon(table: int, offset: int, n: int) -> None:
    """Fetch what the next step reads of ROWS rows: they lie too far apart for the processor to foresee it.

    A few rows between two blocks: all rows of a tile at once would fill the queue to memory and hold the sums up.
    """
    for r in range(ROWS):
        row = load_address((table + 8 * r,)) + offset
        for k in range(0, n, 16):
            prefetch((row + 4 * k,))


@_compiled
def _pack_units(units: int, h: int, A: int, pwl: int, M: int, room: int, overlap: bool) -> None:
    """h, A and pwl of a member by vectors; the last vector ends with the units, or is filled up with zeros."""
    for slot in range(room // LANES):
        column = _column(slot, M) if overlap else slot * LANES
        for lane in range(LANES):
            at, unit = units + 4 * (slot * LANES + lane), column + lane
            there = unit < M
            store((at, load((h + 4 * unit,)) if there else np.float32(0)))
            store((at + 4 * room, load((A + 4 * unit,)) if there else np.float32(0)))
            store((at + 8 * room, np.float32(load_byte((pwl + unit,)) if there else 0)))


@_compiled
def _pack_forward(w: int, W: int, C: int, M: int, K: int, slots: int) -> None:
    """Panels of [Wᵀ; Cᵀ]."""
    slot = 0
    while slot < slots:
        n = _panel(slots - slot)
        for v in range(n):
            for lane in range(LANES):
                unit = _column(slot + v, M) + lane
                at = w + 4 * (v * LANES + lane)
                for k in range(M):
                    store((at + 4 * k * n * LANES, load((W + 4 * (unit * M + k),))))
                for k in range(K):
                    store((at + 4 * (M + k) * n * LANES, load((C + 4 * (unit * K + k),))))
        w += 4 * (M + K) * n * LANES
        slot += n


@_compiled
def _pack_tail(w: int, W: int, C: int, M: int, K: int, groups: int) -> None:
    """Lines of [Wᵀ; Cᵀ] for the last FEW units, filled up with zeros."""
    for unit in range(FEW):
        row = M - FEW + unit
        for k in range(groups * DEPTH):
            value = np.float32(0)
            if k < M:
                value = load((W + 4 * (row * M + k),))
            elif k < M + K:
                value = load((C + 4 * (row * K + k - M),))
            store((w + 4 * (k // DEPTH * LANES + unit * DEPTH + k % DEPTH), value))


@_compiled
def _pack_backward(w: int, W: int, C: int, M: int, K: int, first: int, slots: int) -> None:
    """Panels of the columns of [W, C] from vector `first` on, filled up with zeros."""
    slot = 0
    while slot < slots:
        n = _panel(slots - slot)
        for k in range(M):
            for v in range(n):
                for lane in range(LANES):
                    j = (first + slot + v) * LANES + lane
                    value = np.float32(0)
                    if j < M:
                        value = load((W + 4 * (k * M + j),))
                    elif j < M + K:
                        value = load((C + 4 * (k * K + j - M),))
                    store((w + 4 * ((k * n + v) * LANES + lane), value))
        w += 4 * M * n * LANES
        slot += n


@_compiled
def _multiply(
    n_rows: int, a: int, row: int, inner: int, w: int, ldw: int, K: int, c: int, ldc: int, slots: int
) -> None:
    """c += a w for lines w of ldw floats; c = a w for panels (ldw = 0)."""
    slot = 0
    while slot < slots:
        n = _panel(slots - slot)
        for r in range(0, n_rows, ROWS):
            x, y = a + 4 * r * row, c + 4 * (r * ldc + slot * LANES)
            if ldw:
                _add_block(n, (x, row, inner, w, ldw, K, y, ldc))
            else:
                _product_block(n, (x, row, inner, w, n * LANES, K, y, ldc))
        w += 4 * n * LANES * (1 if ldw else K)
        slot += n


@_compiled
def _hand_in(
    item: int, chunks: int, dW: int, dC: int, dA: int, dh: int, parts: int, ended: int, sums: int, ldp: int, sums_A: int, sums_h: int,
    M: int, K: int,
) -> None:  # fmt: skip
    """An item's sums of the four gradients: a member's first chunk's where the whole is to be, another's among the parts, which
    the thread that ends a member's last chunk adds in their order. Addresses as in `backward`; sums: lines of ldp, | dW | dC |."""
    e, size = item // chunks, M * (M + K + 2)
    dW, dC, dA, dh = dW + 4 * e * M * M, dC + 4 * e * M * K, dA + 4 * e * M, dh + 4 * e * M
    into_W, into_C, into_A, into_h = dW, dC, dA, dh
    if item % chunks:
        into_W = parts + 4 * (item - e - 1) * size
        into_C, into_A, into_h = into_W + 4 * M * M, into_W + 4 * M * (M + K), into_W + 4 * M * (M + K + 1)
    for i in range(M):
        _copy(into_W + 4 * i * M, sums + 4 * i * ldp, M)
        _copy(into_C + 4 * i * K, sums + 4 * (i * ldp + M), K)
    _copy(into_A, sums_A, M)
    _copy(into_h, sums_h, M)
    if chunks > 1 and take((ended + 8 * e,)) == chunks - 1:
        for other in range(chunks - 1):
            part = parts + 4 * (e * (chunks - 1) + other) * size
            _add(dW, part, M * M)
            _add(dC, part + 4 * M * M, M * K)
            _add(dA, part + 4 * M * (M + K), M)
            _add(dh, part + 4 * M * (M + K + 1), M)


@_compiled
def forward(
    taken: int, items: int, chunks: int, rows: int,
    s: int, s_member: int, s_trial: int, s_step: int,
    A: int, W: int, C: int, h: int, pwl: int,
    z0: int, z0_member: int, z0_trial: int,
    z: int, z_member: int, z_trial: int, z_step: int, kept: int, lengths: int,
    B: int, T: int, M: int, K: int,
) -> None:  # fmt: skip
    """States of the next items until none is left; an item is one of `chunks` runs of a member's tiles of `rows` trials.

    taken: address of the count of items that threads have taken so far.
    kept: how many states z holds, T, or 2 where only the last one counts: then z_t stands at (t - 1) mod 2.
    lengths: address of (E, B) int64, or 0. Strides are in floats.
    """
    few = DEPTH > 1 and 0 < M % LANES <= FEW
    room = _up(M, LANES)
    slots = M // LANES if few else room // LANES
    groups = _up(M + K, 2 * DEPTH) // DEPTH if few else 0
    ld = _spaced(M + K)
    buffer = np.empty(16 + 2 * rows * ld + (M + K) * slots * LANES + groups * LANES + 3 * room, np.float32)
    phi = _aligned(buffer)
    w = phi + 4 * 2 * rows * ld
    tail = w + 4 * (M + K) * slots * LANES
    units = tail + 4 * groups * LANES
    few_units = units + 4 * (room - FEW)
    _fill(phi, 2 * rows * ld)
    tables = np.empty(3 * rows, np.int64)
    before = tables.ctypes.data
    now, inputs = before + 8 * rows, before + 16 * rows
    packed = -1
    while True:
        item = take((taken,))
        if item >= items:
            break
        e = item // chunks
        if e != packed:
            _pack_forward(w, W + 4 * e * M * M, C + 4 * e * M * K, M, K, slots)
            _pack_tail(tail, W + 4 * e * M * M, C + 4 * e * M * K, M, K, groups)
            _pack_units(units, h + 4 * e * M, A + 4 * e * M, pwl + e * M, M, room, True)
            packed = e
        start, stop = _chunk(item % chunks, chunks, B)
        for b in range(start, stop, rows):
            here = min(rows, stop - b)
            padded = _up(here, ROWS)
            shortest = T
            for r in range(padded):
                trial = b + min(r, here - 1)
                store_address((before + 8 * r, z0 + 4 * (e * z0_member + trial * z0_trial)))
                store_address((now + 8 * r, z + 4 * (e * z_member + trial * z_trial)))
                following = s + 4 * (e * s_member + trial * s_trial)
                _copy(phi + 4 * (r * ld + M), following, K)
                store_address((inputs + 8 * r, following + 4 * s_step if T > 1 else following))
                if lengths:
                    shortest = min(shortest, load_address((lengths + 8 * (e * B + trial),)))
                state = load_address((before + 8 * r,))
                for j in range(M):
                    x = load((state + 4 * j,))
                    closed = x <= 0 and load_byte((pwl + e * M + j,)) != 0
                    store((phi + 4 * (r * ld + j), np.float32(0) if closed else x))
            for t in range(T):
                old = phi + 4 * (t % 2) * rows * ld
                new = phi + 4 * ((t + 1) % 2) * rows * ld
                slot, panel = 0, w
                while slot < slots:
                    n = _panel(slots - slot)
                    column, end = slot * LANES, _column(slot + n - 1, M)
                    for r in range(0, padded, ROWS):
                        at = 8 * r
                        if slot == 0:
                            _soon(inputs + at, 0, K)
                        _forward_block(n, (old + 4 * r * ld, ld, M + K, panel, before + at, now + at,
                                           units + 4 * column, room, column, end, new + 4 * r * ld))  # fmt: skip
                    panel += 4 * (M + K) * n * LANES
                    slot += n
                if few:
                    for r in range(0, padded, ROWS):
                        at = 8 * r
                        forward_tail((old + 4 * r * ld, ld, groups, tail, before + at, now + at,
                                      few_units, room, M - FEW, new + 4 * r * ld))  # fmt: skip
                for r in range(padded):
                    state, previous = load_address((now + 8 * r,)), load_address((before + 8 * r,))
                    if t >= shortest and t >= load_address((lengths + 8 * (e * B + b + min(r, here - 1)),)):
                        # The trial is over: its state stays.
                        _copy(state, previous, M)
                        _copy(new + 4 * r * ld, old + 4 * r * ld, M)
                    store_address((before + 8 * r, state))
                    following = state + 4 * z_step * (1 if kept == T or t % 2 == 0 else -1)
                    store_address((now + 8 * r, following))
                    if t + 1 < T:
                        following = load_address((inputs + 8 * r,))
                        _few(new + 4 * (r * ld + M), following, K)
                        store_address((inputs + 8 * r, following + 4 * s_step if t + 2 < T else following))
    _used(buffer)
    _used(tables)


@_compiled
def backward(
    taken: int, items: int, chunks: int, rows: int,
    s: int, s_member: int, s_trial: int, s_step: int,
    A: int, W: int, C: int, pwl: int,
    z0: int, z0_member: int, z0_trial: int,
    z: int, z_member: int, z_trial: int, z_step: int, lengths: int,
    grad: int, grad_member: int, grad_trial: int, grad_step: int, only_last: int,
    dW: int, dC: int, dA: int, dh: int, parts: int, ended: int, dz0: int, ds: int, ds_member: int, ds_trial: int, ds_step: int,
    B: int, T: int, M: int, K: int,
) -> None:  # fmt: skip
    """Gradients of the next items until none is left, from the stored states z.

    grad: dL/dz, at every step, or (only_last) at each trial's last one. Beyond a trial's length it must be zero, whatever
    came in there having been added at the trial's last step: a state that stays passes its gradient on unchanged.
    dW (E, M, M), dC (E, M, K), dA, dh (E, M): contiguous. parts: (E·(chunks - 1), M·(M + K + 2)), the sums of each chunk but a
    member's first, see `_hand_in`; ended: (E,) int64, zero, counts a member's chunks that are done. dz0: (E, B, M);
    ds: (E, B, T, K) by its strides, or 0.
    """
    slots = _up(M, LANES) // LANES
    room = slots * LANES
    # The input gradient's columns follow the units' in the same vector; these are the vectors that it needs beyond.
    extra = _up(M + K, LANES) // LANES - slots if ds else 0
    M4 = _up(M, ROWS)
    ldg = _spaced((slots + extra) * LANES)
    ldp = _spaced(M + K)
    columns = _up(M + K, LANES) // LANES
    steps = max(1, min(T, _INNER // rows))
    sizes = (
        (steps + 1) * rows * ldg, steps * rows * ldp, M4 * ldp, M * (slots + extra) * LANES, 3 * room, 2 * room, M
    )  # fmt: skip
    total = 16
    for size in sizes:
        total += size
    buffer = np.zeros(total, np.float32)
    g = _aligned(buffer)
    phi = g + 4 * sizes[0]
    sums = phi + 4 * sizes[1]
    w = sums + 4 * sizes[2]
    units = w + 4 * sizes[3]
    sums_h = units + 4 * sizes[4]
    sums_A = sums_h + 4 * room
    zeros = sums_h + 4 * sizes[5]
    wC = w + 4 * M * room
    tables = np.empty(3 * rows, np.int64)
    before = tables.ctypes.data
    outer, inputs = before + 8 * rows, before + 16 * rows
    packed = -1
    while True:
        item = take((taken,))
        if item >= items:
            break
        e = item // chunks
        if e != packed:
            _pack_backward(w, W + 4 * e * M * M, C + 4 * e * M * K, M, K, 0, slots)
            _pack_backward(wC, W + 4 * e * M * M, C + 4 * e * M * K, M, K, slots, extra)
            _pack_units(units, A + 4 * e * M, A + 4 * e * M, pwl + e * M, M, room, False)
            packed = e
        _fill(sums, M4 * ldp)
        _fill(sums_h, 2 * room)
        start, stop = _chunk(item % chunks, chunks, B)
        for b in range(start, stop, rows):
            here = min(rows, stop - b)
            padded = _up(here, ROWS)
            _fill(g, padded * ldg)
            _fill(phi, steps * rows * ldp)
            for r in range(here):
                trial = e * B + b + r
                own = load_address((lengths + 8 * trial,)) if lengths else T
                if not only_last or own == T:
                    at = grad + 4 * (e * grad_member + (b + r) * grad_trial + (0 if only_last else (T - 1) * grad_step))
                    _copy(g + 4 * r * ldg, at, M)
            for r in range(padded):
                # Where the step before the last finds its state, the gradient from outside, and its inputs.
                trial = b + min(r, here - 1)
                state, gradient = zeros, zeros
                if r < here:
                    state = z + 4 * (e * z_member + trial * z_trial + (T - 2) * z_step)
                    if not only_last:
                        gradient = grad + 4 * (e * grad_member + trial * grad_trial + (T - 2) * grad_step)
                store_address((before + 8 * r, state))
                store_address((outer + 8 * r, gradient))
                store_address((inputs + 8 * r, s + 4 * (e * s_member + trial * s_trial + (T - 1) * s_step)))
            done = 0
            for t in range(T - 1, -1, -1):
                current, line = g + 4 * done * padded * ldg, phi + 4 * done * padded * ldp
                following = current + 4 * padded * ldg
                if t == 0:
                    for r in range(here):
                        store_address((before + 8 * r, z0 + 4 * (e * z0_member + (b + r) * z0_trial)))
                        store_address((outer + 8 * r, zeros))
                elif t < T - 1:
                    _move(before, here, -4 * z_step)
                    if not only_last:
                        _move(outer, here, -4 * grad_step)
                if t < T - 1:
                    _move(inputs, padded, -4 * s_step)
                if only_last and lengths and t:
                    for r in range(here):
                        ends = load_address((lengths + 8 * (e * B + b + r),)) == t
                        own = grad + 4 * (e * grad_member + (b + r) * grad_trial)
                        store_address((outer + 8 * r, own if ends else zeros))
                slot, panel = 0, w
                while slot < slots:
                    n = _panel(slots - slot)
                    column = slot * LANES
                    for r in range(0, padded, ROWS):
                        at = 8 * r
                        if slot == 0:
                            _soon(inputs + at, 0, K)
                        elif t > 1 and not only_last and slot + n == slots:
                            _soon(outer + at, -4 * grad_step, M)
                        _backward_block(n, (current + 4 * r * ldg, ldg, M, panel, before + at, outer + at, units + 4 * column,
                                            room, column, line + 4 * r * ldp, ldp, following + 4 * r * ldg,
                                            sums_h + 4 * column, sums_A + 4 * column))  # fmt: skip
                    panel += 4 * M * n * LANES
                    slot += n
                if ds:
                    _multiply(padded, current, ldg, 1, wC, 0, M, following + 4 * room, ldg, extra)
                for r in range(here):
                    _few(line + 4 * (r * ldp + M), load_address((inputs + 8 * r,)), K)
                    if ds:
                        _few(
                            ds + 4 * (e * ds_member + (b + r) * ds_trial + t * ds_step),
                            following + 4 * (r * ldg + M),
                            K,
                        )
                done += 1
                if done == steps or t == 0:
                    _multiply(M4, g, 1, ldg, phi, ldp, done * padded, sums, ldp, columns)
                    _copy(g, following, padded * ldg)
                    done = 0
            for r in range(here):
                _copy(dz0 + 4 * (e * B + b + r) * M, g + 4 * r * ldg, M)
        _hand_in(item, chunks, dW, dC, dA, dh, parts, ended, sums, ldp, sums_A, sums_h, M, K)
    _used(buffer)
    _used(tables)


def entries(stamp: int) -> tuple[Any, Any]:
    """`forward` and `backward` as C functions void(int64 *numbers) of their arguments, compiled or read from disk.

    stamp: of the sources. What is on disk is told apart by what the entries close over, so that code compiled from other
    sources is never taken.
    """

    def enter_forward(numbers):  # type: ignore[no-untyped-def]
        if stamp:
            forward(*to_fixed_tuple(carray(numbers, (FORWARD_NUMBERS,)), FORWARD_NUMBERS))

    def enter_backward(numbers):  # type: ignore[no-untyped-def]
        if stamp:
            backward(*to_fixed_tuple(carray(numbers, (BACKWARD_NUMBERS,)), BACKWARD_NUMBERS))

    return as_c_function(enter_forward), as_c_function(enter_backward)


def as_c_function(function: Any) -> Any:
    """void(int64 *numbers), compiled, or read from the folder where numba keeps compiled code."""
    signature = types.void(types.CPointer(types.int64))
    try:
        return cfunc(signature, cache=True)(function)
    except RuntimeError:  # there is no such folder
        return cfunc(signature)(function)


FORWARD_NUMBERS = forward.py_func.__code__.co_argcount
BACKWARD_NUMBERS = backward.py_func.__code__.co_argcount
