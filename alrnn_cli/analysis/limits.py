"""How much an analysis looks at: defaults, and what a caller may set instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import UsageError, closest

#: Up to this M the usual number of subregions is examined; the cost of one grows with M cubed.
_FULL_M = 64


@dataclass(frozen=True)
class Limits:
    """Limits that keep an analysis within seconds and its files within megabytes.

    budget: seconds for the search of fixed points, and a third as many for that of cycles; max_period: of cycles; max_regions: visited
    subregions that are described, the most used ones (scaled down by (64/M)^3 for M > 64, never below 64); max_points: fixed points
    listed for one input; max_enumerated_P: up to this P virtual ones can be listed for all 2^P subregions; max_modes: eigenvalues
    listed in full, after which a subregion lists its leading one only; max_trials, max_trajectory_bytes: example trajectories kept;
    max_exponents, max_lyapunov_steps: leading Lyapunov exponents, and steps of the first trials that they are averaged over.
    """

    budget: int = 30
    max_period: int = 10
    max_points: int = 10_000
    max_enumerated_P: int = 12
    max_regions: int = 4096
    max_modes: int = 50_000
    max_trials: int = 64
    max_trajectory_bytes: int = 20_000_000
    max_exponents: int = 64
    max_lyapunov_steps: int = 20_000

    @classmethod
    def resolve(cls, settings: Mapping[str, Any], M: int) -> Limits:
        """Defaults for M units, overlaid with those of `settings`.

        Returns: Limits. Errors: UsageError for an unknown name, and for a limit that is not a whole number >= 0.
        """
        found: dict[str, int] = {}
        known = [f.name for f in fields(cls)]
        for name, value in settings.items():
            if name not in known:
                raise UsageError(f"An analysis has no setting {name!r}.", closest(name, known))
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                message = f"Analysis setting {name}={value!r}: expected a whole number >= 0."
                raise UsageError(message, f"The default is {name}={getattr(cls, name)}.")
            found[name] = value
        if M > _FULL_M and "max_regions" not in found:
            found["max_regions"] = max(64, int(cls.max_regions * (_FULL_M / M) ** 3))
        return cls(**found)

    def to_dict(self) -> dict[str, int]:
        """The limits by name, for the report's settings."""
        return asdict(self)
