"""The almost-linear RNN: M units of which the last P pass through a ReLU, or through tanh or gelu in its place."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from .. import kernels
from ..config import ModelConfig
from ..kernels import Choice, pwl_mask, scan
from .network import Network, readout_start

TAKES = ("P", "phi", "init", "recurrent_scale", "period_min", "input_scale", "readout", "lr_recurrent", "tau", "M_reg")


class ALRNN(Network):
    """z_t = A∘z_{t-1} + W Φ(z_{t-1}) + C s_t + h, y_t = D z_t + b (readout "phi": D Φ(z_t) + b).

    A, h: (E, M); W: (E, M, M); C: (E, M, K). Members may differ in P. A is masked to the P units: a linear unit's self-connection
    is its W_ii. Where the encoder's channels are the units, C is the identity: a constant, not a parameter, and in a checkpoint like
    any other C.
    Source: arXiv 2506.07919.
    """

    recurrent: ClassVar[tuple[str, ...]] = ("A", "W", "h")

    def build(self) -> None:
        E, M = self.members, self.config.M
        self.A = nn.Parameter(torch.zeros(E, M))
        self.W = nn.Parameter(torch.zeros(E, M, M))
        self.C: Tensor
        if self.direct:
            self.register_buffer("C", torch.eye(M).repeat(E, 1, 1))
        else:
            self.C = nn.Parameter(torch.zeros(E, M, self.K))
        self.h = nn.Parameter(torch.zeros(E, M))
        self.set_units(tuple(c.P for c in self.configs), self.config.readout)

    def set_units(self, P: tuple[int, ...], readout: str) -> None:
        """P: of each member; readout: "z" or "phi"."""
        self.P, self.readout = P, readout
        self.pwl: Tensor
        self.register_buffer("pwl", pwl_mask(P, self.members, self.config.M), persistent=False)

    def draw(self, e: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return draw(self.configs[e], self.K, self.D.shape[-2], rng)

    def count(self, e: int = 0) -> int:
        """A of a linear unit is no parameter."""
        return super().count(e) - (self.config.M - self.P[e])

    def choose(
        self, backend: str, device: torch.device | str, dtype: torch.dtype, *, B: int, T: int, last: bool, ragged: bool
    ) -> Choice:
        return kernels.choose(
            backend, device, dtype, B=B, T=T, M=self.config.M, P=min(self.P), K=self.K, last=last, ragged=ragged,
            phi=self.config.phi,
        )  # fmt: skip

    def diagonal(self) -> Tensor:
        """A where it acts. Returns: (E, M)."""
        return self.A * self.pwl

    def states(
        self,
        s: Tensor,
        lengths: Tensor | None = None,
        *,
        z0: Tensor | None = None,
        last: bool = False,
        backend: str = "auto",
    ) -> Tensor:
        start = self.initial_state(s.shape[1], z0)
        return scan(
            s, self.diagonal(), self.W, self.C, self.h, start, P=list(self.P), lengths=lengths, last=last,
            backend=backend, phi=self.config.phi,
        )  # fmt: skip

    def seen(self, z: Tensor) -> Tensor:
        return kernels.apply_phi(self.config.phi, z, self.pwl[:, None, :]) if self.readout == "phi" else z

    def through_seen(self, z: Tensor, dx: Tensor) -> Tensor:
        if self.readout != "phi":
            return dx
        return torch.where(self.pwl[:, None, :], dx * kernels.phi_derivative(self.config.phi, z), dx)


def draw(config: ModelConfig, K: int, N: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One member's parameters at the start.

    "paper": A, W, h ~ N(0, recurrent_scale²), D ~ N(0, 0.1²), C ~ N(0, input_scale²). "identity": the same, with W_ii = 1 on the
    first M // 2 units, where the manifold regularisation would pull them. "orthogonal": a random orthogonal W, h = 0.
    "rotation": the linear units turn in pairs, by angles uniform between 0 and 2π / period_min a step, and a unit left over stays;
    the PWL units' rows of W ~ N(0, 1/M); A, h = 0. "random": W ~ N(0, 1/M).
    Source: arXiv 2506.07919 for "paper"; the ablation's "random" likewise. Small angles: Orvieto et al. 2023, arXiv 2303.06349.
    """
    M = config.M
    pwl = np.arange(M) >= M - config.P
    A = rng.normal(0, config.recurrent_scale, M) * pwl
    W = rng.normal(0, config.recurrent_scale, (M, M))
    h = rng.normal(0, config.recurrent_scale, M)
    C = rng.normal(0, 1, (M, K)) * config.input_scale
    D = readout_start(N, M, rng)
    if config.init == "identity":
        kept = np.arange(M // 2)
        W[kept, kept] = 1
    elif config.init == "orthogonal":
        q, r = np.linalg.qr(rng.normal(0, 1, (M, M)))
        # Signs from R's diagonal make the distribution uniform over the orthogonal group.
        W = q * np.sign(np.diag(r))
        h = np.zeros(M)
    elif config.init == "rotation":
        W = _rotations(M - config.P, config.period_min, rng)
        A, h = np.zeros(M), np.zeros(M)
        W = np.block([[W, np.zeros((M - config.P, config.P))], [rng.normal(0, M**-0.5, (config.P, M))]])
    elif config.init == "random":
        W = rng.normal(0, M**-0.5, (M, M))
    return {"A": A, "W": W, "C": C, "h": h, "D": D}


def _rotations(n: int, period_min: float, rng: np.random.Generator) -> np.ndarray:
    """n units in pairs that turn, each by an angle of its own; the last of an odd number stays. Returns: (n, n)."""
    W = np.eye(n)
    first = np.arange(0, n - 1, 2)
    angle = 2 * np.pi / period_min * rng.random(len(first))
    W[first, first] = W[first + 1, first + 1] = np.cos(angle)
    W[first + 1, first] = np.sin(angle)
    W[first, first + 1] = -np.sin(angle)
    return W


MODEL = ALRNN
