"""The recurrence compiled for this processor: a tile of trials stays in cache over all its steps.

`_tiles` holds the loops and draws the memory, `_vector` the blocks they are made of. Here: what the kernel is called with, how
work is cut up, and the link to autograd. Nothing has to be installed but numba; the code is compiled on first use, for the
processor at hand, and kept on disk.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import threading
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ._memory import empty
from ._threads import team

_TILE = 32
_ROW = 400  # what a row costs at a step besides its products, in multiply-adds
_SMALL = 4e6  # multiply-adds (0.1 ms on a core) below which a second thread is hardly worth waking
_log = logging.getLogger(__name__)


def refusal(device: torch.device, dtype: torch.dtype) -> str:
    """Why this backend cannot run on `device` with `dtype`; "" where it can."""
    if device.type != "cpu":
        return f"it computes on the CPU, not on {device.type}"
    if dtype != torch.float32:
        return f"it computes in float32, not in {str(dtype).removeprefix('torch.')}"
    try:
        import numba  # noqa: F401
    except Exception as error:  # missing, or not made for this numpy
        return f"it needs the package numba, which cannot be imported ({error})"
    return ""


def run(
    s: Tensor, A: Tensor, W: Tensor, C: Tensor, h: Tensor, z0: Tensor, pwl: Tensor, lengths: Tensor | None, last: bool
) -> Tensor:
    """As `reference.run`. Returns: (E, B, T, M), or (E, B, M) with `last`."""
    if not s.shape[0] * s.shape[1]:
        from . import reference

        return reference.run(s, A, W, C, h, z0, pwl, lengths, last)
    # Inside the function autograd is off, whether somebody wants gradients or not.
    need = torch.is_grad_enabled() and any(x.requires_grad for x in (s, A, W, C, h, z0))
    return _Scan.apply(s, A, W, C, h, z0, pwl, lengths, last, need)  # type: ignore[no-any-return, no-untyped-call]


@cache
def compiled(name: str) -> tuple[Any, Any]:
    """Forward and backward C functions of the module `name` of this folder; says so on stderr where that takes long."""
    import numba  # noqa: F401  # a second or more on a busy machine, which is not compiling

    slow = threading.Timer(3.0, lambda: _log.warning("compiling the CPU kernel, once: about 12 s"))
    slow.daemon = True
    slow.start()
    try:
        from . import _tiles, _vector

        module = import_module("." + name, __package__)
        sources = b"".join(Path(str(m.__file__)).read_bytes() for m in (_vector, _tiles, module))
        digest = hashlib.sha256(sources + bytes([_vector.LANES, _vector.WIDEST])).digest()
        forward, backward = module.entries(int.from_bytes(digest[:7], "big") | 1)
        return forward.ctypes, backward.ctypes
    finally:
        slow.cancel()


def launch(function: Any, numbers: Sequence[int], items: int, threads: int) -> None:
    """Run a compiled function over all items, on up to `threads` threads."""
    taken = ctypes.c_int64(0)
    packed = (ctypes.c_int64 * (len(numbers) + 2))(ctypes.addressof(taken), items, *numbers)
    team.run(function, packed, min(threads, items))
    if taken.value < items:
        # A thread that gets no memory for its tile takes no item, and its exception cannot leave the compiled code.
        raise MemoryError("the kernel found no memory for its tiles")


def plan(B: int, T: int, M: int, K: int, threads: int) -> tuple[int, int]:
    """How the trials of one member are cut up: chunks, and rows of a tile.

    A chunk is what one thread does and sums gradients over, so there are as many as threads where the work is worth more than
    waking one. Never by the number of members: a member's numbers do not depend on how many others are computed with it.
    Tiles are even parts of a chunk, at most 32 rows: enough that the weights are read from the second-level cache once for many
    rows, few enough that what a tile carries from step to step stays in the first level up to M = 128.
    """
    worth = B * T * (M * (M + K) + _ROW) > _SMALL
    chunk = _up(-(-B // (threads if worth else 1)), 4)
    return -(-B // chunk), _up(-(-chunk // -(-chunk // _TILE)), 4)


def _up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


class _Scan(torch.autograd.Function):
    """Shapes as in `reference.run`."""

    @staticmethod
    def forward(
        ctx: Any, s: Tensor, A: Tensor, W: Tensor, C: Tensor, h: Tensor, z0: Tensor, pwl: Tensor, lengths: Tensor | None, last: bool,
        need: bool,
    ) -> Tensor:  # fmt: skip
        from ._vector import LANES

        E, B, T, K = s.shape
        units = W.shape[-1]
        s, z0 = rows_of(s), rows_of(z0)
        A, W, C, h = (x.resolve_neg().contiguous() for x in (A, W, C, h))
        given = s, A, W, C, z0, pwl
        if units < LANES:
            A, W, C, h, z0, pwl = _widened(A, W, C, h, z0, pwl, LANES)
        M = W.shape[-1]
        lengths = None if lengths is None else lengths.to(torch.int64).contiguous()
        kept = T if need or not last else min(T, 2)
        # Steps outermost: then a tile writes and reads one run of memory at a step.
        z = empty(E, kept, B, M).transpose(1, 2)
        threads = torch.get_num_threads()
        chunks, rows = plan(B, T, M, K, threads)
        launch(compiled("_tiles")[0], (
            chunks, rows,
            s.data_ptr(), *s.stride()[:3],
            A.data_ptr(), W.data_ptr(), C.data_ptr(), h.data_ptr(), pwl.data_ptr(),
            z0.data_ptr(), *z0.stride()[:2],
            z.data_ptr(), *z.stride()[:3], kept, 0 if lengths is None else lengths.data_ptr(),
            B, T, M, K,
        ), E * chunks, threads)  # fmt: skip
        if need:
            ctx.save_for_backward(*given, lengths, z)
            ctx.last = last
        if last:
            z = z[:, :, (T - 1) % kept].clone()
        return z[..., :units]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        s, A, W, C, z0, pwl, lengths, z = ctx.saved_tensors
        E, B, T, K = s.shape
        M = W.shape[-1]
        if lengths is not None and not ctx.last:
            grad = _to_own_last(grad, lengths)
        grad = rows_of(grad)
        strides = (*grad.stride()[:2], 0) if ctx.last else grad.stride()[:3]
        threads = torch.get_num_threads()
        chunks, rows = plan(B, T, M, K, threads)
        items = E * chunks
        dW, dC, dA, dh = s.new_empty(E, M, M), s.new_empty(E, M, K), s.new_empty(E, M), s.new_empty(E, M)
        parts = s.new_empty(E * (chunks - 1) * M * (M + K + 2))
        ended = (ctypes.c_int64 * E)()
        dz0 = s.new_empty(E, B, M)
        ds = empty_inputs(E, B, T, K, steps_outermost(s)) if ctx.needs_input_grad[0] and K else None
        launch(compiled("_tiles")[1], (
            chunks, rows,
            s.data_ptr(), *s.stride()[:3],
            A.data_ptr(), W.data_ptr(), C.data_ptr(), pwl.data_ptr(),
            z0.data_ptr(), *z0.stride()[:2],
            z.data_ptr(), *z.stride()[:3], 0 if lengths is None else lengths.data_ptr(),
            grad.data_ptr(), *strides, int(ctx.last),
            dW.data_ptr(), dC.data_ptr(), dA.data_ptr(), dh.data_ptr(), parts.data_ptr(), ctypes.addressof(ended),
            dz0.data_ptr(), *address_of(ds),
            B, T, M, K,
        ), items, threads)  # fmt: skip
        if ds is None and ctx.needs_input_grad[0]:
            ds = s.new_zeros(E, B, T, K)
        return ds, dA, dW, dC, dh, dz0, None, None, None, None


def _widened(A: Tensor, W: Tensor, C: Tensor, h: Tensor, z0: Tensor, pwl: Tensor, M: int) -> tuple[Tensor, ...]:
    """A model of fewer units than a vector holds, with linear units behind that stay at zero; backwards they are masked."""
    units, lines = (0, M - W.shape[-1]), (0, 0, 0, M - W.shape[-1])
    pad = torch.nn.functional.pad
    return pad(A, units), pad(W, (*units, *units)), pad(C, lines), pad(h, units), pad(z0, units), pad(pwl, units)


def rows_of(x: Tensor) -> Tensor:
    """x with its last axis contiguous; other strides may be anything."""
    x = x.resolve_neg()
    return x if x.stride(-1) == 1 or x.shape[-1] <= 1 else x.contiguous()


def steps_outermost(s: Tensor) -> bool:
    """Whether s (E, B, T, K) holds the trials of a step together, and not the steps of a trial. Its gradient does likewise."""
    return s.stride(1) < s.stride(2)


def empty_inputs(E: int, B: int, T: int, K: int, steps_outermost: bool) -> Tensor:
    """(E, B, T, K) for the gradient of the inputs. In the order of the inputs autograd adds it up without a copy."""
    return empty(E, T, B, K).transpose(1, 2) if steps_outermost else empty(E, B, T, K)


def address_of(ds: Tensor | None) -> tuple[int, int, int, int]:
    """Address and strides of the gradient of the inputs for the compiled code; zeros where nobody wants it."""
    return (0, 0, 0, 0) if ds is None else (ds.data_ptr(), ds.stride(0), ds.stride(1), ds.stride(2))


def _to_own_last(grad: Tensor, lengths: Tensor) -> Tensor:
    """Gradients of states beyond a trial's length, added where the state stopped: at the trial's own last step."""
    beyond = torch.arange(grad.shape[2]) >= lengths[..., None]
    kept = grad.masked_fill(beyond[..., None], 0)
    more = torch.where(beyond[..., None], grad, torch.zeros_like(grad)).sum(2)
    at = (lengths - 1)[..., None, None].expand(-1, -1, 1, grad.shape[-1])
    return kept.scatter_add(2, at, more[:, :, None])
