"""The vector code of the CPU kernel, and the only place where machine code is emitted by hand.

A block is ROWS rows times 1 … WIDEST vectors of LANES columns. Its sums stay in registers over the whole inner dimension,
which no compiler does reliably from a loop; everything else of the kernel is ordinary compiled Python in `_tiles`. The interface:

    forward_block[n], backward_block[n], product_block[n], add_block[n]       n = 1 … WIDEST vectors
    forward_tail                                                              FEW units
    load, store, load_address, store_address, load_byte, copy_vector, add_vector, prefetch, take

All arguments are int64: byte addresses, and counts of floats. With rows i and vectors v of a block, and Φ closed where a
piecewise-linear unit is at z <= 0:

    forward_block     z[i, v] = h + A∘z_before + Σ_k phi[i, k] w[k, v];   out[i, v] = Φ(z[i, v])
    forward_tail      the same for the last FEW units, so that a few units beyond whole vectors do not cost a vector: its lanes
                      are FEW units times DEPTH consecutive k, w[k // DEPTH, unit·DEPTH + k mod DEPTH], added up at the end
    backward_block    out[i, v] = bits(z_before)∘Σ_k g[i, k] w[k, v] + A∘g[i, v] + outer[i, v];   phi[i, v] = Φ(z_before);
                      dh[v] += Σ_i g[i, v];   dA[v] += Σ_i g[i, v] z_before[i, v]
    product_block     c[i, v] = Σ_k a[i, k] w[k, v];   add_block adds to c

The plain twin of the whole is `reference`, whose values and gradients the tests compare by name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_FEATURES = llvm.get_host_cpu_features()
#: floats in a vector register: AVX-512, AVX2, else 128 bits (SSE, NEON); ALRNN_LANES is there to test the others' code
LANES = int(os.environ.get("ALRNN_LANES", 0)) or (16 if _FEATURES.get("avx512f") else 8 if _FEATURES.get("avx2") else 4)
#: vectors in a block. ROWS x WIDEST sums, WIDEST weights and one broadcast fit 32 registers (AVX-512, NEON) or 16 (AVX2, SSE).
WIDEST = 3 if LANES == 8 or (LANES == 4 and "sse2" in _FEATURES) else 4
ROWS = 4
#: units of a tail, and how many terms of each unit's sum lie in its vector
FEW, DEPTH = 4, LANES // 4

_FLOAT, _BYTE, _I32, _I64 = ir.FloatType(), ir.IntType(8), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_FLOAT, LANES)
_SHORT = ir.VectorType(_FLOAT, FEW)
_BYTES = 4  # of a float
_ALIGN = {_VECTOR: 4, _SHORT: 4, _FLOAT: 4, _BYTE: 1, _I64: 8}


class _Emitter:
    """Vector instructions at int64 byte addresses."""

    def __init__(self, builder: ir.IRBuilder) -> None:
        self.b = builder
        self._fma = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fmuladd.v{LANES}f32"
        )
        self.zero = ir.Constant(_VECTOR, [0.0] * LANES)

    def int(self, n: int) -> ir.Constant:
        return ir.Constant(_I64, n)

    def floats(self, address: Any, count: Any) -> Any:
        """The address `count` floats further on."""
        return self.b.add(address, self.b.mul(count, self.int(_BYTES)))

    def at(self, address: Any, kind: ir.Type) -> Any:
        return self.b.inttoptr(address, kind.as_pointer())

    def load(self, address: Any, kind: ir.Type = _VECTOR) -> Any:
        return self.b.load(self.at(address, kind), align=_ALIGN[kind])

    def lanes_below(self, count: Any) -> Callable[[Any], Any]:
        """A load of the first `count` lanes that leaves the rest zero and unread."""
        b = self.b
        lanes = ir.VectorType(_I64, LANES)
        undefined = ir.Constant(lanes, ir.Undefined)
        spread = b.shuffle_vector(
            b.insert_element(undefined, count, ir.Constant(_I32, 0)),
            undefined,
            ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES),
        )
        mask = b.icmp_signed("<", ir.Constant(lanes, list(range(LANES))), spread)
        kind = ir.FunctionType(_VECTOR, [_VECTOR.as_pointer(), _I32, mask.type, _VECTOR])
        call = cgutils.get_or_insert_function(b.module, kind, f"llvm.masked.load.v{LANES}f32.p0")
        return lambda address: b.call(call, [self.at(address, _VECTOR), ir.Constant(_I32, 4), mask, self.zero])

    def store(self, value: Any, address: Any) -> None:
        self.b.store(value, self.at(address, value.type), align=4)

    def spread(self, address: Any) -> Any:
        """One float in all lanes."""
        one = self.b.insert_element(
            ir.Constant(_VECTOR, ir.Undefined), self.load(address, _FLOAT), ir.Constant(_I32, 0)
        )
        lanes = ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
        return self.b.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), lanes)

    def fma(self, x: Any, y: Any, z: Any) -> Any:
        return self.b.call(self._fma, [x, y, z])

    def sum_products(
        self, sums: list[list[Any]], rows: list[Any], stride: Any, weights: Any, width: Any, n: Any
    ) -> Any:
        """sums[i][v] += Σ_k a_i[k] w[k, v]: a_i[k] at rows[i] + k·stride, w[k, v] at weights + k·width + v·LANES (floats).

        Returns: the sums as registers after the loop.
        """
        b = self.b
        start, loop, done = b.block, b.append_basic_block("sum"), b.append_basic_block("summed")
        stride, width = b.mul(stride, self.int(_BYTES)), b.mul(width, self.int(_BYTES))
        b.cbranch(b.icmp_signed(">", n, self.int(0)), loop, done)
        b.position_at_end(loop)
        k, offset, line = b.phi(_I64), b.phi(_I64), b.phi(_I64)
        for counter in (k, offset, line):
            counter.add_incoming(self.int(0), start)
        carried = [[b.phi(_VECTOR) for _ in row] for row in sums]
        at = b.add(weights, line)
        w = [self.load(b.add(at, self.int(v * LANES * _BYTES))) for v in range(len(sums[0]))]
        new = []
        for row, address in zip(carried, rows, strict=True):
            a = self.spread(b.add(address, offset))
            new.append([self.fma(a, x, total) for x, total in zip(w, row, strict=True)])
        further = b.add(k, self.int(1))
        k.add_incoming(further, b.block)
        offset.add_incoming(b.add(offset, stride), b.block)
        line.add_incoming(b.add(line, width), b.block)
        end = b.block
        b.cbranch(b.icmp_signed("<", further, n), loop, done)
        b.position_at_end(done)
        out: list[list[Any]] = []
        for i, row in enumerate(sums):
            out.append([])
            for v, before in enumerate(row):
                carried[i][v].add_incoming(before, start)
                carried[i][v].add_incoming(new[i][v], end)
                after = b.phi(_VECTOR)
                after.add_incoming(before, start)
                after.add_incoming(new[i][v], end)
                out[-1].append(after)
        return out

    def closed(self, z: Any, pwl: Any) -> Any:
        """Lanes whose unit is piecewise linear and at z <= 0. A NaN is not closed, so that it stays visible."""
        return self.b.and_(self.b.fcmp_ordered("<=", z, self.zero), self.b.fcmp_unordered("!=", pwl, self.zero))


def _instruction(name: str, emit: Callable[..., Any], result: types.Type = types.void) -> Any:
    """A function for compiled code that takes one tuple of int64, or of int64 and one float, and runs `emit(emitter, *values)`."""

    def make(typing_context: Any, arguments: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            out = emit(_Emitter(builder), *cgutils.unpack_tuple(builder, values[0], len(arguments)))
            return context.get_dummy_value() if out is None else out

        return result(arguments), generate

    make.__name__ = make.__qualname__ = name
    return intrinsic(make)


def _tables(e: _Emitter, table: Any) -> list[Any]:
    """ROWS row addresses from a table of int64."""
    return [e.load(e.b.add(table, e.int(8 * i)), _I64) for i in range(ROWS)]


def _strided(e: _Emitter, address: Any, stride: Any) -> list[Any]:
    return [e.floats(address, e.b.mul(stride, e.int(i))) for i in range(ROWS)]


def _columns(e: _Emitter, n: int, column: Any, last: Any) -> list[Any]:
    """First columns of n vectors: contiguous, but the last may overlap its neighbour at the end of a row."""
    return [e.b.add(column, e.int(v * LANES)) for v in range(n - 1)] + [last]


def _forward(n: int) -> Callable[..., None]:
    def emit(
        e: _Emitter, phi: Any, ld: Any, inner: Any, w: Any, before: Any, now: Any, units: Any, room: Any, column: Any, last: Any,
        out: Any,
    ) -> None:  # fmt: skip
        columns = _columns(e, n, column, last)
        old, new = _tables(e, before), _tables(e, now)
        h = [e.load(e.floats(units, e.int(v * LANES))) for v in range(n)]
        A = [e.load(e.floats(e.floats(units, room), e.int(v * LANES))) for v in range(n)]
        sums = [[e.fma(A[v], e.load(e.floats(row, columns[v])), h[v]) for v in range(n)] for row in old]
        sums = e.sum_products(sums, _strided(e, phi, ld), e.int(1), w, e.int(n * LANES), inner)
        pwl = [e.load(e.floats(e.floats(units, e.b.mul(room, e.int(2))), e.int(v * LANES))) for v in range(n)]
        for row, written, target in zip(sums, new, _strided(e, out, ld), strict=True):
            for v, z in enumerate(row):
                e.store(z, e.floats(written, columns[v]))
                e.store(e.b.select(e.closed(z, pwl[v]), e.zero, z), e.floats(target, columns[v]))

    return emit


def _shuffle(e: _Emitter, x: Any, lanes: list[int]) -> Any:
    kind = ir.VectorType(_I32, len(lanes))
    return e.b.shuffle_vector(x, ir.Constant(x.type, ir.Undefined), ir.Constant(kind, lanes))


def _forward_tail(
    e: _Emitter, phi: Any, ld: Any, groups: Any, w: Any, before: Any, now: Any, units: Any, room: Any, column: Any, out: Any
) -> None:  # fmt: skip
    """groups: lines of w, an even number; phi has DEPTH numbers for each, zeros beyond those of the model."""
    b = e.b
    rows = _strided(e, phi, ld)
    start, loop, done = b.block, b.append_basic_block("tail"), b.append_basic_block("tailed")
    b.branch(loop)
    b.position_at_end(loop)
    j = b.phi(_I64)
    j.add_incoming(e.int(0), start)
    # Two sums a row: one after the other, ROWS additions would not keep the units that multiply busy.
    carried = [[b.phi(_VECTOR) for _ in range(2)] for _ in rows]
    terms = ir.VectorType(_FLOAT, DEPTH)
    new: list[list[Any]] = [[] for _ in rows]
    for half in range(2):
        group = b.add(j, e.int(half))
        line = e.load(e.floats(w, b.mul(group, e.int(LANES))))
        for i, row in enumerate(rows):
            few = b.load(e.at(e.floats(row, b.mul(group, e.int(DEPTH))), terms), align=4)
            spread = _shuffle(e, few, list(range(DEPTH)) * FEW)
            new[i].append(e.fma(spread, line, carried[i][half]))
    further = b.add(j, e.int(2))
    j.add_incoming(further, b.block)
    for sums, following in zip(carried, new, strict=True):
        for x, value in zip(sums, following, strict=True):
            x.add_incoming(e.zero, start)
            x.add_incoming(value, b.block)
    b.cbranch(b.icmp_signed("<", further, groups), loop, done)
    b.position_at_end(done)
    h, A, pwl = (e.load(e.floats(units, b.mul(room, e.int(i))), _SHORT) for i in range(3))
    zero = ir.Constant(_SHORT, [0.0] * FEW)
    for (one, other), old, written, target in zip(
        new, _tables(e, before), _tables(e, now), _strided(e, out, ld), strict=True
    ):
        total, apart = b.fadd(one, other), 1
        while apart < DEPTH:
            total = b.fadd(total, _shuffle(e, total, [lane ^ apart for lane in range(LANES)]))
            apart *= 2
        kept = b.fadd(h, b.fmul(A, e.load(e.floats(old, column), _SHORT)))
        z = b.fadd(_shuffle(e, total, [unit * DEPTH for unit in range(FEW)]), kept)
        e.store(z, e.floats(written, column))
        closed = b.and_(b.fcmp_ordered("<=", z, zero), b.fcmp_unordered("!=", pwl, zero))
        e.store(b.select(closed, zero, z), e.floats(target, column))


def _backward(n: int) -> Callable[..., None]:
    def emit(
        e: _Emitter, g: Any, ldg: Any, M: Any, w: Any, before: Any, outer: Any, units: Any, room: Any, column: Any,
        phi: Any, ldp: Any, out: Any, dh: Any, dA: Any,
    ) -> None:  # fmt: skip
        gs = _strided(e, g, ldg)
        zero = [[e.zero] * n for _ in range(ROWS)]
        sums = e.sum_products(zero, gs, e.int(1), w, e.int(n * LANES), M)
        states, grads, phis, outs = (
            _tables(e, before), _tables(e, outer), _strided(e, phi, ldp), _strided(e, out, ldg)
        )  # fmt: skip
        for v in range(n):
            slot, at = e.int(v * LANES), e.b.add(column, e.int(v * LANES))
            # Only the last vector may reach beyond the units, where the rows of the caller's arrays may end.
            read = e.load if v < n - 1 else e.lanes_below(e.b.sub(M, at))
            A = e.load(e.floats(e.floats(units, room), slot))
            pwl = e.load(e.floats(e.floats(units, e.b.mul(room, e.int(2))), slot))
            dh_v, dA_v = e.load(e.floats(dh, slot)), e.load(e.floats(dA, slot))
            for i in range(ROWS):
                z, own = read(e.floats(states[i], at)), read(e.floats(gs[i], at))
                closed = e.closed(z, pwl)
                e.store(e.b.select(closed, e.zero, z), e.floats(phis[i], at))
                through = e.fma(A, own, e.b.select(closed, e.zero, sums[i][v]))
                e.store(e.b.fadd(through, read(e.floats(grads[i], at))), e.floats(outs[i], at))
                dh_v, dA_v = e.b.fadd(dh_v, own), e.fma(own, z, dA_v)
            e.store(dh_v, e.floats(dh, slot))
            e.store(dA_v, e.floats(dA, slot))

    return emit


def _product(n: int, add: bool) -> Callable[..., None]:
    def emit(e: _Emitter, a: Any, row: Any, inner: Any, w: Any, ldw: Any, K: Any, c: Any, ldc: Any) -> None:
        targets = [[e.floats(t, e.int(v * LANES)) for v in range(n)] for t in _strided(e, c, ldc)]
        sums = [[e.load(t) if add else e.zero for t in line] for line in targets]
        sums = e.sum_products(sums, _strided(e, a, row), inner, w, ldw, K)
        for line, values in zip(targets, sums, strict=True):
            for t, value in zip(line, values, strict=True):
                e.store(value, t)

    return emit


def _prefetch(e: _Emitter, address: Any) -> None:
    kind = ir.IntType(8).as_pointer()
    signature = ir.FunctionType(ir.VoidType(), [kind, _I32, _I32, _I32])
    call = cgutils.get_or_insert_function(e.b.module, signature, "llvm.prefetch.p0")
    flags = [ir.Constant(_I32, x) for x in (0, 3, 1)]  # to read, into all caches, data
    e.b.call(call, [e.b.inttoptr(address, kind), *flags])


_WIDTHS = range(1, WIDEST + 1)
forward_block = {n: _instruction(f"forward_{n}", _forward(n)) for n in _WIDTHS}
forward_tail = _instruction("forward_tail", _forward_tail)
backward_block = {n: _instruction(f"backward_{n}", _backward(n)) for n in _WIDTHS}
product_block = {n: _instruction(f"product_{n}", _product(n, add=False)) for n in _WIDTHS}
add_block = {n: _instruction(f"add_{n}", _product(n, add=True)) for n in _WIDTHS}
load = _instruction("load", lambda e, address: e.load(address, _FLOAT), types.float32)
load_byte = _instruction("load_byte", lambda e, address: e.load(address, _BYTE), types.uint8)
load_address = _instruction("load_address", lambda e, address: e.load(address, _I64), types.int64)
copy_vector = _instruction("copy_vector", lambda e, target, source: e.store(e.load(source), target))
add_vector = _instruction(
    "add_vector", lambda e, target, source: e.store(e.b.fadd(e.load(target), e.load(source)), target)
)
store = _instruction("store", lambda e, address, value: e.store(value, address))
store_address = _instruction("store_address", lambda e, address, value: e.store(value, address))
take = _instruction(
    "take", lambda e, address: e.b.atomic_rmw("add", e.at(address, _I64), e.int(1), "acq_rel"), types.int64
)
prefetch = _instruction("prefetch", _prefetch)
