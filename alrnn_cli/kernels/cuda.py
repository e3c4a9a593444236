"""The recurrence on NVIDIA GPUs: one persistent Triton kernel for all steps forward, one for all steps back.

A step is too small for a GPU: launched one by one, steps cost what launching costs. Here a launch covers all of them, and what
is not sequential is left to large products of cuBLAS:

    forward     X = s C^T                       one product over all E·B·T rows
                z_1 … z_T in the place of X     `_triton.forward`, so that the states are all the memory it takes
    backward    g_T … g_1, Φ(z_{T-1}) … Φ(z_0)  `_triton.backward`, which also sums dA and dh
                dW = Σ g Φ^T, dC = Σ g s^T, ds = g C    products over all rows, in slices of fixed order

Where the last state is all that is wanted, and for the backward pass, time goes in pieces of at most `PIECE` bytes, so that
beyond the states (none for the last state without gradients) memory does not grow with T. Up to `MAX_UNITS` units W stays on
chip or is streamed through it; with more, a step is a product large enough for cuBLAS, and the step loop of the backend
`torch` runs instead. Not measured on a GPU yet: see docs/kernels-cuda.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

#: Most units that the persistent kernels take.
MAX_UNITS = 256
#: Bytes of the buffers that hold a piece of time.
PIECE = 128 << 20


def refusal(device: torch.device, dtype: torch.dtype) -> str:
    """Why this backend cannot run on `device` with `dtype`; "" where it can."""
    if device.type != "cuda":
        return f"the device is {device.type}, and its kernels run on NVIDIA GPUs only"
    if torch.version.hip is not None:
        return "this torch is built for AMD GPUs, and the kernels are written for NVIDIA's"
    if not torch.cuda.is_available():
        return "torch sees no GPU"
    if find_spec("triton") is None:
        return "this torch comes without Triton, which compiles the kernels; torch's CUDA wheels for Linux bring it"
    capability = torch.cuda.get_device_capability(device)
    if capability < (8, 0):
        return f"the GPU has compute capability {capability[0]}.{capability[1]}, expected 8.0 (Ampere) or newer"
    if dtype != torch.float32:
        return f"the dtype is {dtype}, and its kernels compute in float32"
    return ""


@dataclass(frozen=True)
class Plan:
    """How a launch divides the work. block: M padded to a power of two; rows: trials of a tile; panel: rows of W streamed at a
    time, 0 where W stays on chip; warps: of a program; precision: of tl.dot."""

    block: int
    rows: int
    panel: int
    warps: int
    precision: str

    def tiles(self, B: int) -> int:
        """Programs that B trials of one member take."""
        return -(-B // self.rows)


def plan(E: int, B: int, M: int, multiprocessors: int, tf32: bool = False) -> Plan:
    """The division of E·B trials of M units over the GPU; a rule, no measurement at run time.

    - Few trials: one to a tile. A step's latency counts, and more programs, each with fewer operations in a row, hide more of it.
      From 4 trials a multiprocessor on, 4 to a tile share what a step costs besides its product.
    - From 16 trials a multiprocessor on, so that none is idle, 16 to a tile: tl.dot issues the fewest instructions a trial. With
      `tf32`, 8 are enough, because tensor cores take 16 trials in less time than the other path takes 8; smaller tiles are bound
      by latency, not by the product, and stay IEEE. Blocks of 32 and less gain nothing from either.
    - W (block² numbers) is spread over so many warps that a thread keeps at most 64 of its numbers in registers. At block 256 it
      fits neither the registers nor, on most GPUs, the shared memory of one multiprocessor (256 KiB against 228 KiB on an H100,
      164 on an A100, 100 on consumer cards): panels of it are streamed from the L2 cache, which only 16 trials at once repay.
    """
    block = max(16, 1 << (M - 1).bit_length())
    warps = {16: 1, 32: 2, 64: 4, 128: 8, 256: 8}[block]
    panel = 16 if block > 128 else 0
    each = E * B / multiprocessors
    if panel or (block > 32 and each >= (8 if tf32 else 16)):
        return Plan(block, 16, panel, warps, "tf32" if tf32 else "ieee")
    return Plan(block, 4 if each >= 4 else 1, panel, warps, "ieee")


def run(
    s: Tensor, A: Tensor, W: Tensor, C: Tensor, h: Tensor, z0: Tensor, pwl: Tensor, lengths: Tensor | None, last: bool
) -> Tensor:
    """As `reference.run`. Returns: (E, B, T, M), or (E, B, M) with `last`. More than `MAX_UNITS` units, and an empty batch, go
    through `torch.run`."""
    E, B, _, _ = s.shape
    M = W.shape[-1]
    if M > MAX_UNITS or not E * B * M:
        from . import torch as loop

        return loop.run(s, A, W, C, h, z0, pwl, lengths, last)
    arrangement = plan(E, B, M, _multiprocessors(s.device), _tf32())
    contiguous = (None if x is None else x.contiguous() for x in (A, W, h, z0, pwl, lengths))
    A, W, h, z0, pwl, lengths = contiguous  # type: ignore[assignment]
    z: Tensor = _Scan.apply(s, A, W, C, h, z0, pwl, lengths, last, arrangement)  # type: ignore[no-untyped-call]
    return z


def _multiprocessors(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count


def _tf32() -> bool:
    """Whether torch may use TF32 in products of float32 matrices; the same setting decides for cuBLAS."""
    matmul = torch.backends.cuda.matmul
    # The newer name also follows what is set for all backends, and reading it never warns.
    return matmul.fp32_precision == "tf32" if hasattr(matmul, "fp32_precision") else matmul.allow_tf32


def _pieces(T: int, step_bytes: int) -> list[tuple[int, int]]:
    """[start, stop) of the pieces of time whose buffers stay within `PIECE` bytes."""
    size = max(1, min(T, PIECE // step_bytes))
    return [(start, min(start + size, T)) for start in range(0, T, size)]


def _inputs(s: Tensor, C: Tensor) -> Tensor:
    """C s_t. s: (E, B, n, K). Returns: (E, B, n, M), a new tensor."""
    E, B, n, K = s.shape
    return torch.bmm(s.reshape(E, B * n, K), C.mT).view(E, B, n, -1)


def _slices(rows: int, wanted: int) -> int:
    """The largest divisor of `rows` that is at most `wanted`."""
    return next(d for d in range(max(1, min(rows, wanted)), 0, -1) if rows % d == 0)


def _over_rows(g: Tensor, x: Tensor, multiprocessors: int) -> Tensor:
    """Σ g x^T over all rows. g: (E, R, M), x: (E, R, K). Returns: (E, M, K).

    One product per member leaves most of the GPU idle: R is large, M and K are not. Slices of the rows give every
    multiprocessor one, and their sums are added in one order.
    """
    E, R, M = g.shape
    S = _slices(R, multiprocessors // E)
    parts = torch.bmm(g.view(E * S, R // S, M).mT, x.view(E * S, R // S, -1))
    return parts.view(E, S, M, -1).sum(1)


def _weights(W: Tensor, arrangement: Plan, back: bool) -> tuple[Tensor, int, int, int]:
    """W as a kernel reads it, with the strides between members, from unit and to unit; streamed panels must be padded."""
    M, block = W.shape[-1], arrangement.block
    if not arrangement.panel:
        return (W, M * M, M, 1) if back else (W, M * M, 1, M)
    padded = W.new_zeros(W.shape[0], block, block)
    padded[:, :M, :M] = W if back else W.mT
    return padded, block * block, block, 1


def _options(arrangement: Plan) -> dict[str, Any]:
    return {
        "BM": arrangement.block,
        "ROWS": arrangement.rows,
        "PANEL": arrangement.panel,
        "PRECISION": arrangement.precision,
        "num_warps": arrangement.warps,
        # Stages of the loop over panels, whose next one is on its way while one is used; no other loop has a use for them.
        "num_stages": 2 if arrangement.panel else 1,
    }


class _Scan(torch.autograd.Function):
    """Shapes as in `reference.run`."""

    @staticmethod
    def forward(
        ctx: Any,
        s: Tensor,
        A: Tensor,
        W: Tensor,
        C: Tensor,
        h: Tensor,
        z0: Tensor,
        pwl: Tensor,
        lengths: Tensor | None,
        last: bool,
        arrangement: Plan,
    ) -> Tensor:
        from . import _triton

        E, B, T, _ = s.shape
        M = W.shape[-1]
        need = any(ctx.needs_input_grad)
        store = need or not last
        weights = _weights(W, arrangement, back=False)
        options = _options(arrangement)
        z, end = z0, torch.empty_like(z0)
        pieces = [(0, T)] if store else _pieces(T, 4 * E * B * M)
        # Triton launches on the current device.
        with torch.cuda.device_of(s):  # type: ignore[no-untyped-call]
            for start, stop in pieces:
                x = _inputs(s[:, :, start:stop], C)
                _triton.forward[(E * arrangement.tiles(B),)](
                    x, end, weights[0], A, h, z, pwl, lengths, B, stop - start, start, M, *weights[1:],
                    STORE=store, **options,
                )  # fmt: skip
                z = end
        if need:
            ctx.save_for_backward(s, A, W, C, z0, pwl, lengths, x)
            ctx.last, ctx.arrangement = last, arrangement
        return end if last else x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        from . import _triton

        s, A, W, C, z0, pwl, lengths, states = ctx.saved_tensors
        E, B, T, K = s.shape
        M = W.shape[-1]
        arrangement: Plan = ctx.arrangement
        need_s, _, need_W, need_C, *_ = ctx.needs_input_grad
        lam = (grad if ctx.last else grad[:, :, -1]).clone(memory_format=torch.contiguous_format)
        outer = None if ctx.last else grad.contiguous()
        weights = _weights(W, arrangement, back=True)
        options = _options(arrangement)
        multiprocessors = _multiprocessors(s.device)

        sums = s.new_zeros(2, E, arrangement.tiles(B), M)
        ds = torch.empty_like(s) if need_s else None
        dW = torch.zeros_like(W) if need_W else None
        dC = C.new_zeros(E, M, K) if need_C else None
        with torch.cuda.device_of(s):  # type: ignore[no-untyped-call]
            for start, stop in reversed(_pieces(T, 2 * 4 * E * B * M)):
                n = stop - start
                # Two allocations, each aligned: Triton compiles a kernel anew for a pointer that is not.
                g, phi = (s.new_empty(E, n * B, M) for _ in range(2))
                _triton.backward[(E * arrangement.tiles(B),)](
                    states, outer, lam, g, phi, sums, weights[0], A, z0, pwl, lengths,
                    B, T, n, start, M, *weights[1:], **options,
                )  # fmt: skip
                if dW is not None:
                    dW += _over_rows(g, phi, multiprocessors)
                if dC is not None and K:
                    inputs = s[:, :, start:stop].transpose(1, 2).reshape(E, n * B, K)
                    dC += _over_rows(g, inputs, multiprocessors)
                if ds is not None:
                    ds[:, :, start:stop] = torch.bmm(g, C).view(E, n, B, K).transpose(1, 2)
        dA, dh = sums.sum(2)
        return ds, dA, dW, dC, dh, lam, None, None, None, None
