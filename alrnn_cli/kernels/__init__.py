"""One question: the states of the recurrence, and their gradients. Backends are the files of this folder.

    z_t = A∘z_{t-1} + W Φ(z_{t-1}) + C s_t + h,   Φ a ReLU on the last P of the M units

`scan` checks shapes once and hands float tensors with a leading member axis to one backend's `run`. A further backend is one further
file with `run` and `refusal`; one that can compute more than the ReLU says what in `PHI`, and gets the name as a last argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

# Importing the backend `kernels.torch` binds that name here, so the library goes by another.
import torch as pt
from torch import Tensor

from ..errors import DeviceError, UsageError, closest
from ._phi import apply as apply_phi
from ._phi import derivative as phi_derivative

__all__ = [
    "Choice", "allow_tf32", "apply_phi", "choose", "chunk_length", "names", "phi_derivative", "pwl_mask", "resolve", "scan",
]  # fmt: skip


@cache
def names() -> tuple[str, ...]:
    """Names of the backends, from the files in this folder; a leading underscore marks a part of one."""
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_")))


@cache
def _module(name: str) -> ModuleType:
    if name not in names():
        raise UsageError(f"Unknown backend {name!r}.", closest(name, ["auto", *names()]))
    return import_module("." + name, __name__)


#: what "auto" tries, fastest first; `torch` runs everywhere
_PREFERENCE = ("cuda", "cpu", "torch")


def resolve(backend: str, device: pt.device | str = "cpu", dtype: pt.dtype = pt.float32, phi: str = "relu") -> str:
    """The backend that `backend` means here. "auto" takes the fastest that can run; an explicit one is never replaced.

    phi: what Φ does on the P units.
    Errors: UsageError for an unknown name, DeviceError with the reason where the backend asked for cannot run.
    """
    return _resolve(backend, pt.device(device), dtype, phi)


@lru_cache(maxsize=64)
def _resolve(backend: str, device: pt.device, dtype: pt.dtype, phi: str) -> str:
    if backend == "auto":
        there = (name for name in _PREFERENCE if name in names())
        return next(name for name in there if not _refusal(name, device, dtype, phi))
    refusal = _refusal(backend, device, dtype, phi)
    if refusal:
        raise DeviceError(f"Backend {backend!r} cannot run here: {refusal}.", "Use --backend auto.")
    return backend


def _refusal(name: str, device: pt.device, dtype: pt.dtype, phi: str) -> str:
    """Why the backend called `name` cannot compute this; "" where it can."""
    module = _module(name)
    if phi not in getattr(module, "PHI", ("relu",)):
        return f"it computes the ReLU only, not {phi}"
    refusal: str = module.refusal(device, dtype)
    return refusal


def chunk_length(B: int, T: int, M: int, P: int, K: int) -> int:
    """Steps of a chunk that the chunked backend takes for this shape; 0 where it is the dense kernel."""
    length: int = _module("chunked").chunk_length(B, T, M, P, K)
    return length


@dataclass(frozen=True)
class Choice:
    """A backend, and why it was taken."""

    name: str
    reason: str


def choose(
    backend: str, device: pt.device | str, dtype: pt.dtype, *, B: int, T: int, M: int, P: int, K: int, last: bool, ragged: bool,
    phi: str = "relu",
) -> Choice:  # fmt: skip
    """The backend for a whole run, as `resolve`, with "auto" knowing what the run is like.

    last: only the state at the end of each trial is needed; ragged: trials end at different steps. P: the smallest of the members.
    Errors: as `resolve`.
    """
    name = resolve(backend, device, dtype, phi)
    if backend == "chunked":
        return Choice(name, f"asked for; {_chunked_here(B, T, M, P, K, last, ragged)}")
    if backend != "auto":
        return Choice(name, "asked for")
    if name != "cpu":
        faster = [n for n in _PREFERENCE[: _PREFERENCE.index(name)] if n in names()]
        refused = (f"{n}: {_refusal(n, pt.device(device), dtype, phi)}" for n in faster)
        return Choice(name, "; ".join(refused) or f"compiled for {pt.device(device).type}")
    saving = _module("chunked").saving(B, T, M, P, K) if last and not ragged else 1.0
    if saving > 1:
        why = f"only the last state is needed and {P} of {M} units are ReLUs, so about {saving:.1f} times cheaper than cpu"
        return Choice("chunked", why)
    return Choice(name, "compiled for this processor")


def _chunked_here(B: int, T: int, M: int, P: int, K: int, last: bool, ragged: bool) -> str:
    """What the chunked backend does with such a run, in words: it goes step by step where chunks do not apply."""
    if not last:
        return "every state is needed, so it goes step by step as cpu does"
    if ragged:
        return "trials end at different steps, so it goes step by step as cpu does"
    length = chunk_length(B, T, M, P, K)
    return (
        f"chunks of {length} steps"
        if length
        else "chunks would not pay at this shape, so it goes step by step as cpu does"
    )


def allow_tf32() -> None:
    """Let products of float32 matrices on a GPU use tensor cores, with 10 bits of mantissa; for this process."""
    matmul = pt.backends.cuda.matmul
    if hasattr(matmul, "fp32_precision"):
        matmul.fp32_precision = "tf32"
    else:
        matmul.allow_tf32 = True


def pwl_mask(P: int | Sequence[int] | Tensor, E: int, M: int, device: pt.device | str = "cpu") -> Tensor:
    """True on the piecewise-linear units, the last P of M, per member. Returns: (E, M) bool, not to be written to.

    Errors: UsageError where P is not within 0 … M or has another length than E.
    """
    values = P.reshape(-1).tolist() if isinstance(P, Tensor) else P if isinstance(P, Sequence) else (P,)
    return _pwl_mask(tuple(int(p) for p in values), E, M, pt.device(device))


@lru_cache(maxsize=64)
def _pwl_mask(values: tuple[int, ...], E: int, M: int, device: pt.device) -> Tensor:
    if len(values) not in (1, E):
        raise UsageError(f"P has {len(values)} values for {E} members.", "Give one P, or one a member.")
    if min(values) < 0 or max(values) > M:
        raise UsageError(f"P must lie within 0 … M = {M}, got {list(values)}.")
    with pt.inference_mode(False):  # it outlives this call
        p = pt.tensor(values, device=device).expand(E)
        return pt.arange(M, device=device)[None, :] >= (M - p)[:, None]


def _check(name: str, tensor: Tensor, shape: tuple[int, ...], like: Tensor) -> None:
    if tuple(tensor.shape) != shape:
        raise UsageError(f"scan: {name} has shape {tuple(tensor.shape)}, expected {shape}.")
    if tensor.dtype != like.dtype or tensor.device != like.device:
        raise UsageError(
            f"scan: {name} is {tensor.dtype} on {tensor.device}, s is {like.dtype} on {like.device}.",
            "Bring all arguments to one dtype and device.",
        )


def scan(
    s: Tensor,
    A: Tensor,
    W: Tensor,
    C: Tensor,
    h: Tensor,
    z0: Tensor,
    *,
    P: int | Sequence[int] | Tensor,
    lengths: Tensor | None = None,
    backend: str = "auto",
    last: bool = False,
    phi: str = "relu",
) -> Tensor:
    """States z_1 … z_T of z_t = A∘z_{t-1} + W Φ(z_{t-1}) + C s_t + h, differentiable in every argument but P and lengths.

    s: (…, B, T, K) inputs, K = 0 allowed; A, h: (…, M); W: (…, M, M); C: (…, M, K); z0: (…, B, M). The optional leading
    axis E is members, who then may differ in P: an int or E ints within 0 … M. A is applied as given, on linear units as well.
    lengths: (…, B) int, steps of each trial; None: all have T. A trial's state stays what it was at its own last step, and no
    value or gradient ever depends on what stands in its padding.
    backend: "auto" or a name from `names()`. last: only the state at each trial's own last step. phi: "relu", or "tanh" or "gelu" in its
    place on the P units.

    Returns: (…, B, T, M), or (…, B, M) with `last`. A bit is z > 0, so the gradient of the ReLU at 0 is 0.
    Errors: UsageError for shapes, dtypes or lengths that do not fit, DeviceError where the backend cannot run.
    Source: arXiv 2506.07919, model definition.
    """
    members = s.dim() == 4
    if s.dim() not in (3, 4):
        raise UsageError(f"scan: s has {s.dim()} axes, expected (B, T, K) or (E, B, T, K).")
    if not members:
        s, A, W, C, h, z0 = (x.unsqueeze(0) for x in (s, A, W, C, h, z0))
        lengths = None if lengths is None else lengths.unsqueeze(0)
    E, B, T, K = s.shape
    M = W.shape[-1]
    if T < 1:
        raise UsageError("scan: T = 0, expected at least one step.")
    _check("A", A, (E, M), s)
    _check("W", W, (E, M, M), s)
    _check("C", C, (E, M, K), s)
    _check("h", h, (E, M), s)
    _check("z0", z0, (E, B, M), s)
    if lengths is not None:
        if lengths.is_floating_point():
            raise UsageError(f"scan: lengths is {lengths.dtype}, expected whole numbers.")
        if tuple(lengths.shape) != (E, B):
            raise UsageError(f"scan: lengths has shape {tuple(lengths.shape)}, expected {(E, B)}.")
        if B and not bool(((lengths >= 1) & (lengths <= T)).all()):
            raise UsageError(f"scan: lengths must lie within 1 … T = {T}.")
        if bool((lengths == T).all()):
            lengths = None
        else:
            # Padding may hold anything, NaN included; zeros keep it from meeting a zero gradient as NaN * 0.
            padded = pt.arange(T, device=s.device) >= lengths[..., None]
            s = s.masked_fill(padded[..., None], 0)
    pwl = pwl_mask(P, E, M, s.device)
    module = _module(resolve(backend, s.device, s.dtype, phi))
    other = () if phi == "relu" else (phi,)
    z: Tensor = module.run(s, A, W, C, h, z0, pwl, lengths, last, *other)
    return z if members else z.squeeze(0)
