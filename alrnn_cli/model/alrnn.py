"""The almost-linear RNN as a torch module: parameters with a leading member axis, their initialisation, the readout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..config import ModelConfig
from ..errors import UsageError
from ..kernels import pwl_mask, scan
from ..records import Tokens
from . import encoders


class ALRNN(nn.Module):
    """z_t = A∘z_{t-1} + W Φ(z_{t-1}) + C s_t + h, y_t = D z_t + b (readout "phi": D Φ(z_t) + b).

    Parameters carry a member axis E (one model is E = 1): A, h (E, M); W (E, M, M); C (E, M, K); D (E, N, M); b (E, N);
    z0 (E, M) where it is learned. A is masked to the PWL units: a linear unit's self-connection is its W_ii.
    `inputs` is the number of channels that the task gives; K is what the recurrence sees, which the encoder decides. Where the
    encoder's channels are the units, C is the identity: a constant, not a parameter, and in a checkpoint like any other C.
    Source: arXiv 2506.07919.
    """

    def __init__(
        self, config: ModelConfig | Sequence[ModelConfig], inputs: int, outputs: int, tokens: Tokens | None = None
    ) -> None:
        """config: one, or one a member; members may differ in P and in how they are initialised. tokens: what inputs are indices of.

        Errors: UsageError for an encoder that cannot read the inputs.
        """
        super().__init__()
        self.configs = (config,) if isinstance(config, ModelConfig) else tuple(config)
        self.config = config = self.configs[0]
        self.inputs, self.tokens = inputs, tokens
        self.P = tuple(c.P for c in self.configs)
        E, M = len(self.P), config.M
        self.encoder = encoders.make(config.encoder, E, inputs, M, tokens)
        self.stride, K = self.encoder.stride, self.encoder.channels
        self.A = nn.Parameter(torch.zeros(E, M))
        self.W = nn.Parameter(torch.zeros(E, M, M))
        self.C: Tensor
        if self.encoder.direct:
            self.register_buffer("C", torch.eye(M).repeat(E, 1, 1))
        else:
            self.C = nn.Parameter(torch.zeros(E, M, K))
        self.h = nn.Parameter(torch.zeros(E, M))
        self.D = nn.Parameter(torch.zeros(E, outputs, M))
        self.b = nn.Parameter(torch.zeros(E, outputs)) if config.readout_bias else None
        self.z0 = nn.Parameter(torch.zeros(E, M)) if config.z0 == "learned" else None
        self.pwl: Tensor
        self.register_buffer("pwl", pwl_mask(self.P, E, M), persistent=False)

    @property
    def members(self) -> int:
        return len(self.P)

    @property
    def encoded(self) -> bool:
        """Whether the recurrence sees something else than the task's own channels."""
        return self.config.encoder != "none"

    def arrays(self) -> dict[str, Tensor]:
        """What a checkpoint holds of the model: its parameters and its constants, (E, …) each."""
        constants = {name: x for name, x in self.named_buffers() if name != "pwl"}
        return dict(self.named_parameters()) | constants

    def part(self, members: Sequence[int]) -> ALRNN:
        """A model of some of the members, with copies of their parameters."""
        out = ALRNN([self.configs[e] for e in members], self.inputs, self.D.shape[-2], self.tokens).to(self.h)
        with torch.no_grad():
            for p, mine in zip(out.parameters(), self.parameters(), strict=True):
                p.copy_(mine[list(members)])
        return out

    def initialise(self, e: int, seed: Sequence[int]) -> None:
        """Draw member e's parameters from its own seed, so that a member of a group starts as it would alone.

        Readout bias and learned z_0 begin at zero, also where member e was trained before.
        """
        drawn = draw(self.configs[e], self.C.shape[-1], self.D.shape[-2], np.random.default_rng(seed))
        with torch.no_grad():
            for name, value in drawn.items():
                if name in self._parameters:  # a constant C is as it is
                    getattr(self, name)[e].copy_(torch.from_numpy(value))
            for zero in (self.b, self.z0):
                if zero is not None:
                    zero[e] = 0
        self.encoder.initialise(e, np.random.SeedSequence(seed), self.configs[e].input_scale)

    def encode(self, s: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """What the recurrence sees. s: (E, B, T, inputs), lengths: (E, B). Returns: (E, B, T', K) and the lengths there.

        Errors: UsageError where a trial is too short for the encoder.
        """
        if not self.encoded:
            return s, lengths
        if s.shape[2] < self.stride or (lengths is not None and bool((lengths < self.stride).any())):
            raise UsageError(
                f"Encoder {self.config.encoder!r} needs trials of at least {self.stride} steps.", "Use --encoder none."
            )
        return self.encoder(s, lengths), None if lengths is None else lengths // self.stride

    def initial_state(self, B: int, noise: Tensor | None = None) -> Tensor:
        """z_0: zero, learned, or `noise` (E, B, M) as drawn by the caller. Returns: (E, B, M)."""
        E, M = self.h.shape
        if noise is not None:
            return noise
        if self.z0 is not None:
            return self.z0[:, None, :].expand(E, B, M)
        return self.h.new_zeros(E, B, M)

    def states(
        self,
        s: Tensor,
        lengths: Tensor | None = None,
        *,
        z0: Tensor | None = None,
        last: bool = False,
        backend: str = "auto",
    ) -> Tensor:
        """States for encoded inputs s (E, B, T, K). Returns: (E, B, T, M), or (E, B, M) with `last`."""
        A = self.A * self.pwl
        start = self.initial_state(s.shape[1], z0)
        return scan(s, A, self.W, self.C, self.h, start, P=list(self.P), lengths=lengths, last=last, backend=backend)

    def _seen(self, z: Tensor) -> Tensor:
        """What the readout sees: the states, or Φ of them. z: (E, B, …, M). Returns: (E, rows, M), rows as they lie in memory."""
        rows = _rows(z, like=z)
        if self.config.readout == "phi":
            rows = torch.where(self.pwl[:, None, :] & (rows <= 0), 0, rows)
        return rows

    def read(self, z: Tensor) -> Tensor:
        """y = D z + b, or D Φ(z) + b. z: (E, B, …, M). Returns: (E, B, …, N)."""
        y = self._seen(z) @ self.D.mT if self.b is None else torch.baddbmm(self.b[:, None], self._seen(z), self.D.mT)
        return _unrowed(y, like=z)

    def read_gradient(self, z: Tensor, dy: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Backwards through `read`. dy: (E, B, …, N). Returns: dL/dz (E, B, …, M), and dL/dD and dL/db by their names."""
        rows = _rows(dy, like=z)
        dz = _unrowed(rows @ self.D, like=z)
        if self.config.readout == "phi":
            closed = self.pwl.view(self.members, *(1,) * (z.dim() - 2), -1) & (z <= 0)
            dz = dz.masked_fill_(closed, 0)
        gradients = {"D": rows.mT @ self._seen(z)}
        if self.b is not None:
            gradients["b"] = rows.sum(1)
        return dz, gradients


def _steps_first(z: Tensor) -> bool:
    """Whether states (E, B, T, M) lie in memory step by step, as kernels leave them."""
    return z.dim() == 4 and z.transpose(1, 2).is_contiguous()


def _rows(x: Tensor, like: Tensor) -> Tensor:
    """x (E, B, …, n) as (E, rows, n), in the order in which the states `like` lie in memory: then those need no copy."""
    return (x.transpose(1, 2) if _steps_first(like) else x).reshape(len(x), -1, x.shape[-1])


def _unrowed(rows: Tensor, like: Tensor) -> Tensor:
    """The inverse of `_rows`."""
    if not _steps_first(like):
        return rows.reshape(*like.shape[:-1], -1)
    E, B, T, _ = like.shape
    return rows.reshape(E, T, B, -1).transpose(1, 2)


def draw(config: ModelConfig, K: int, N: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One member's parameters at the start, float32.

    "paper": A, W, h ~ N(0, 0.01²), D ~ N(0, 0.1²), C ~ N(0, input_scale²). "identity": the same, with W_ii = 1 on the
    first M // 2 units, where the manifold regularisation would pull them. "orthogonal": a random orthogonal W, h = 0.
    "random": W ~ N(0, 1/M).
    Source: arXiv 2506.07919 for "paper"; the ablation's "random" likewise.
    """
    M = config.M
    pwl = np.arange(M) >= M - config.P
    A = rng.normal(0, 0.01, M) * pwl
    W = rng.normal(0, 0.01, (M, M))
    h = rng.normal(0, 0.01, M)
    C = rng.normal(0, 1, (M, K)) * config.input_scale
    D = rng.normal(0, 0.1, (N, M))
    if config.init == "identity":
        kept = np.arange(M // 2)
        W[kept, kept] = 1
    elif config.init == "orthogonal":
        q, r = np.linalg.qr(rng.normal(0, 1, (M, M)))
        # Signs from R's diagonal make the distribution uniform over the orthogonal group.
        W = q * np.sign(np.diag(r))
        h = np.zeros(M)
    elif config.init == "random":
        W = rng.normal(0, M**-0.5, (M, M))
    drawn = {"A": A, "W": W, "C": C, "h": h, "D": D}
    return {name: value.astype(np.float32) for name, value in drawn.items()}
