"""A linear recurrent unit: a diagonal linear state-space layer of M complex units, read out linearly."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .network import Network, hold, readout_start, without_padding

TAKES = ("r_min", "r_max")


class LRU(Network):
    """x_t = Λ x_{t-1} + γ ∘ (B s_t), y_t = Re(D_c x_t) + b with Λ = diag(e^(-e^ν + i e^θ)), so that |λ| < 1 whatever is learned.

    The state z is (Re x, Im x), of 2 M real numbers, all of which are read: D = (Re D_c, -Im D_c). nu, theta, log_gamma: (E, M);
    B: (E, 2 M, K), real parts first. At the start λ is uniform on the ring r_min <= |λ| <= r_max, γ = √(1 - |λ|²) keeps the variance of
    x at that of B s whatever |λ|, and B has entries of variance 1/(2K), real and imaginary.
    This is one such layer alone: the skip connection and the nonlinear layers between several of them are left out, so that what it
    cannot do, a recurrence without nonlinearity cannot do.
    Source: Orvieto et al. 2023, arXiv 2303.06349, section 3 and appendix A.
    """

    computed = "the diagonal recurrence, step by step"

    def build(self) -> None:
        E, M = self.members, self.config.M
        self.S = self.X = 2 * M
        self.nu = nn.Parameter(torch.zeros(E, M))
        self.theta = nn.Parameter(torch.zeros(E, M))
        self.log_gamma = nn.Parameter(torch.zeros(E, M))
        self.B = nn.Parameter(torch.zeros(E, 2 * M, self.K))

    def draw(self, e: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        config, K = self.configs[e], self.K
        # 1 - random() is never 0, whose logarithm there is not.
        u, v = 1 - rng.random((2, config.M))
        squared = config.r_min**2 + u * (config.r_max**2 - config.r_min**2)
        squared = np.maximum(squared, np.finfo(np.float32).tiny)
        return {
            "nu": np.log(-0.5 * np.log(squared)),
            "theta": np.log(2 * np.pi * v),
            "log_gamma": 0.5 * np.log1p(-squared),
            "B": rng.normal(0, 1, (2 * config.M, K)) / np.sqrt(2 * max(K, 1)),
            "D": readout_start(self.D.shape[-2], self.X, rng),
        }

    def states(
        self,
        s: Tensor,
        lengths: Tensor | None = None,
        *,
        z0: Tensor | None = None,
        last: bool = False,
        backend: str = "auto",
    ) -> Tensor:
        s, start = without_padding(s, lengths), self.initial_state(s.shape[1], z0)
        # One member after the other, so that each rounds as it would alone.
        members = zip(s, start, self.nu, self.theta, self.log_gamma, self.B, strict=True)
        return hold(torch.stack([_one(*member) for member in members]), lengths, last)


def _one(x: Tensor, start: Tensor, nu: Tensor, theta: Tensor, log_gamma: Tensor, B: Tensor) -> Tensor:
    """States (B, T, 2 M) of one member. x: (B, T, K); start: (B, 2 M)."""
    modes = torch.exp(torch.complex(-nu.exp(), theta.exp()))
    drive = (x.transpose(0, 1) @ B.mT) * log_gamma.exp().tile(2)
    z: Tensor = _Recurrence.apply(_complex(drive), modes, _complex(start))  # type: ignore[no-untyped-call]
    return torch.cat([z.real, z.imag], -1).transpose(0, 1)


def _complex(z: Tensor) -> Tensor:
    """(…, 2 M), real parts first, as (…, M) complex."""
    return torch.complex(*(part.contiguous() for part in z.chunk(2, -1)))


class _Recurrence(torch.autograd.Function):
    """x_t = λ ∘ x_{t-1} + u_t, with the adjoint a_t = dL/dx_t + λ* ∘ a_{t+1}: dL/du_t = a_t, dL/dλ = Σ x*_{t-1} ∘ a_t.

    u: (T, B, M), λ: (M,), x_0: (B, M), complex; dL/dx of a complex x is dL/dRe x + i dL/dIm x. Returns: (T, B, M).
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, modes: Tensor, start: Tensor) -> Tensor:
        x, before = torch.empty_like(u), start
        for now, new in zip(u.unbind(0), x.unbind(0), strict=True):
            before = torch.addcmul(now, modes, before, out=new)
        ctx.save_for_backward(modes, start, x)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        modes, start, x = ctx.saved_tensors
        back = modes.conj().resolve_conj()
        adjoint = torch.empty_like(x)
        adjoint[-1] = grad[-1]
        steps = adjoint.unbind(0)
        for t in range(len(x) - 1, 0, -1):
            torch.addcmul(grad[t - 1], back, steps[t], out=steps[t - 1])
        before = torch.cat([start[None], x[:-1]])
        return adjoint, (before.conj() * adjoint).sum((0, 1)), back * steps[0]


MODEL = LRU
