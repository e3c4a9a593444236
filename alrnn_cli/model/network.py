"""What all models are made of: an encoder, a recurrence and a readout, each with a leading member axis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from ..config import ModelConfig
from ..errors import DeviceError, UsageError
from ..kernels import Choice
from ..records import Tokens
from . import encoders


class Network(nn.Module, ABC):
    """y_t = D x_t + b of a recurrence z_t = F(z_{t-1}, s_t), x what the readout sees of the state z (unless said otherwise z itself).

    Parameters carry a member axis E (one model is E = 1): those of the recurrence first, then D (E, N, X); b (E, N); z0 (E, S) where
    it is learned; those of the encoder last. `inputs` is the number of channels that the task gives; K is what the recurrence sees,
    which the encoder decides; `direct` says that these channels are meant to be the units. S, numbers in a state, and X, numbers that
    are read, are M unless a recurrence says otherwise.
    A recurrence is a class with `build`, `draw` and `states`.
    """

    #: parameters whose learning rate --lr-recurrent scales
    recurrent: ClassVar[tuple[str, ...]] = ()
    #: what computes the states, for the line that says which backend was chosen
    computed: ClassVar[str] = ""

    def __init__(
        self, config: ModelConfig | Sequence[ModelConfig], inputs: int, outputs: int, tokens: Tokens | None = None
    ) -> None:
        """config: one, or one a member; members may differ in what has no shape. tokens: what the inputs are indices of, None: numbers.

        Errors: UsageError for an encoder that does not read such inputs.
        """
        super().__init__()
        self.configs = (config,) if isinstance(config, ModelConfig) else tuple(config)
        self.config = config = self.configs[0]
        self.inputs, self.tokens = inputs, tokens
        E, M = len(self.configs), config.M
        encoder = encoders.make(config.encoder, E, inputs, M, tokens)
        self.stride, self.K, self.direct = encoder.stride, encoder.channels, encoder.direct
        self.S = self.X = M
        self.build()
        self.D = nn.Parameter(torch.zeros(E, outputs, self.X))
        self.b = nn.Parameter(torch.zeros(E, outputs)) if config.readout_bias else None
        self.z0 = nn.Parameter(torch.zeros(E, self.S)) if config.z0 == "learned" else None
        self.encoder = encoder

    @abstractmethod
    def build(self) -> None:
        """Register the recurrence's parameters (E, …), all zero, and set S and X where they are not M."""

    @abstractmethod
    def draw(self, e: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Member e's parameters of the recurrence and D at the start, without a member axis."""

    @abstractmethod
    def states(
        self,
        s: Tensor,
        lengths: Tensor | None = None,
        *,
        z0: Tensor | None = None,
        last: bool = False,
        backend: str = "auto",
    ) -> Tensor:
        """What the readout needs of the states for encoded inputs s (E, B, T, K). Returns: (E, B, T, M), or (E, B, M) with `last`.

        lengths: (E, B); a trial's state stays what it was at its own last step, and padding reaches no value and no gradient.
        """

    def trajectory(self, s: Tensor, lengths: Tensor | None = None, *, z0: Tensor | None = None) -> Tensor:
        """The whole states, for analysis. Returns: (E, B, T, S)."""
        return self.states(s, lengths, z0=z0)

    def choose(
        self, backend: str, device: torch.device | str, dtype: torch.dtype, *, B: int, T: int, last: bool, ragged: bool
    ) -> Choice:
        """What computes the states of a whole run, and why. Errors: UsageError, DeviceError for a backend that cannot."""
        if backend not in ("auto", "torch"):
            raise DeviceError(
                f"--backend {backend} computes almost-linear RNNs; --model {self.config.model} is computed by torch.",
                "Use --backend auto.",
            )
        return Choice("torch", self.computed)

    @property
    def members(self) -> int:
        return len(self.configs)

    @property
    def encoded(self) -> bool:
        """Whether the recurrence sees something else than the task's own channels."""
        return self.config.encoder != "none"

    def arrays(self) -> dict[str, Tensor]:
        """What a checkpoint holds of the model: its parameters and its constants, (E, …) each."""
        return self.state_dict(keep_vars=True)

    def count(self, e: int = 0) -> int:
        """How many numbers of member e are trained."""
        return sum(p[e].numel() for p in self.parameters())

    def part(self, members: Sequence[int]) -> Self:
        """A model of some of the members, with copies of their parameters."""
        out = type(self)([self.configs[e] for e in members], self.inputs, self.D.shape[-2], self.tokens).to(self.D)
        with torch.no_grad():
            for p, mine in zip(out.parameters(), self.parameters(), strict=True):
                p.copy_(mine[list(members)])
        return out

    def initialise(self, e: int, seed: Sequence[int]) -> None:
        """Draw member e's parameters from its own seed, so that a member of a group starts as it would alone.

        Readout bias and learned z_0 begin at zero, also where member e was trained before.
        """
        drawn = self.draw(e, np.random.default_rng(seed))
        with torch.no_grad():
            for name, value in drawn.items():
                if name not in self._parameters:
                    continue  # it is a constant
                getattr(self, name)[e].copy_(torch.from_numpy(value.astype(np.float32)))
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
        """z_0: zero, learned, or `noise` (E, B, S) as drawn by the caller. Returns: (E, B, S)."""
        E = self.members
        if noise is not None:
            return noise
        if self.z0 is not None:
            return self.z0[:, None, :].expand(E, B, self.S)
        return self.D.new_zeros(E, B, self.S)

    def seen(self, z: Tensor) -> Tensor:
        """What the readout sees of states z: (E, rows, …). Returns: (E, rows, X)."""
        return z

    def through_seen(self, z: Tensor, dx: Tensor) -> Tensor:
        """Backwards through `seen`. dx: (E, rows, X). Returns: dL/dz in the shape of z."""
        return dx

    def read(self, z: Tensor) -> Tensor:
        """y = D x + b. z: (E, B, …, S), or what `states` returns. Returns: (E, B, …, N)."""
        x = self.seen(_rows(z, like=z))
        y = x @ self.D.mT if self.b is None else torch.baddbmm(self.b[:, None], x, self.D.mT)
        return _unrowed(y, like=z)

    def read_gradient(self, z: Tensor, dy: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Backwards through `read`. dy: (E, B, …, N). Returns: dL/dz as z, and dL/dD and dL/db by their names."""
        rows, states = _rows(dy, like=z), _rows(z, like=z)
        dz = _unrowed(self.through_seen(states, rows @ self.D), like=z)
        gradients = {"D": rows.mT @ self.seen(states)}
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


def hold(z: Tensor, lengths: Tensor | None, last: bool) -> Tensor:
    """States in whose padding stands whatever came out there, as `Network.states` returns them.

    z: (E, B, T, S) of all steps; lengths: (E, B). Returns: (E, B, T, S), each trial's last state kept on its padding, or (E, B, S)
    with `last`. What stood in the padding has no gradient.
    """
    T = z.shape[2]
    if lengths is None:
        return z[:, :, -1] if last else z
    at = lengths[..., None] - 1
    if not last:
        at = torch.minimum(torch.arange(T, device=z.device), at)
    held = z.gather(2, at[..., None].expand(-1, -1, -1, z.shape[-1]))
    return held[:, :, 0] if last else held


def without_padding(s: Tensor, lengths: Tensor | None) -> Tensor:
    """Inputs with zeros beyond each trial's length, where anything may stand. s: (E, B, T, K)."""
    if lengths is None:
        return s
    return s.masked_fill((torch.arange(s.shape[2], device=s.device) >= lengths[..., None])[..., None], 0)


def readout_start(N: int, X: int, rng: np.random.Generator) -> np.ndarray:
    """D ~ N(0, 0.1²), the same for every model. Returns: (N, X)."""
    return rng.normal(0, 0.1, (N, X))


def torch_start(M: int, rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Weights as torch's recurrent layers of M units draw theirs, U(±1/√M)."""
    return [rng.uniform(-1, 1, shape) / np.sqrt(M) for shape in shapes]
