"""Which plane a phase portrait shows: principal components, units, slow modes or what the readout sees."""

from __future__ import annotations

import numpy as np

from ..dynamics import jacobian, parse_code
from ..errors import InputError, UsageError
from ..records import AnalysisReport
from . import _plane
from ._plane import Plane
from ._words import by_use

_PARALLEL = 1e8  # condition number of the eigenvectors beyond which coordinates of modes say nothing


def plane_of(report: AnalysisReport, axes: str, d: int = 2) -> Plane:
    """The plane, or for d = 3 the space, asked for: see the option `axes` of `phase`. Of one unit it is the unit itself.

    Errors: UsageError for what is none; InputError where the report lacks it.
    """
    M = report.model["M"]
    if min(d, M) < d and d > 2:
        raise UsageError(
            f"Figure 'phase', view=3d: a model of {M} unit{'s' * (M > 1)} has no three axes.", "Leave it out."
        )
    kind, colon, text = axes.partition(":")
    mean = _mean(report)
    if kind == "pc":
        wanted = _numbers(report, axes, text, 1, d) if colon else tuple(range(1, min(d, M) + 1))
        return _components(report, mean, wanted, asked=bool(colon))
    if kind == "units":
        return _units(mean, _numbers(report, axes, text, 0, d))
    if kind == "slow" and M > 1:
        return _slow(report, mean, text if colon else None, d)
    if kind == "readout" and M > 1:
        N = report.model["N"]
        return _readout(report, mean, _numbers(report, axes, text, 0, d, N) if colon else tuple(range(min(d, N))), d)
    raise _refusal(report, axes, d)


def _refusal(report: AnalysisReport, axes: str, d: int) -> UsageError:
    M, N = report.model["M"], report.model["N"]
    indices = ",".join("ijk"[:d])
    known = [
        "pc", f"pc:{indices} (components from 1)", f"units:{indices} (units of 0 to {M - 1})", "slow or slow:BITCODE", "readout",
        *[f"readout:{indices} (outputs of 0 to {N - 1})"] * (d <= N),
    ]  # fmt: skip
    if M == 1:
        known = ["pc"]
    return UsageError(
        f"Figure 'phase', option 'axes': got {axes!r}, expected {'one of ' * (len(known) > 1)}{', '.join(known)}.",
        f"Try axes={'units:' + ','.join(map(str, range(d))) if M > 1 else 'pc'}.",
    )


def _numbers(
    report: AnalysisReport, axes: str, text: str, first: int, d: int, count: int | None = None
) -> tuple[int, ...]:
    """Different numbers, `first` or more, as many as there are axes."""
    last = first + (report.model["M"] if count is None else count) - 1
    parts = text.split(",")
    chosen = tuple(int(part) for part in parts) if all(part.strip().isdecimal() for part in parts) else ()
    if len(chosen) != d or len(set(chosen)) != d or not all(first <= i <= last for i in chosen):
        raise _refusal(report, axes, d)
    return chosen


def _mean(report: AnalysisReport) -> np.ndarray:
    """The mean state, (M,); zero where there are no states."""
    M = report.model["M"]
    mean = np.asarray(report.arrays.get("pca.mean", np.full(M, np.nan)), np.float64)
    if mean.shape == (M,) and np.isfinite(mean).all():
        return mean
    z = _plane.states(report)[0].reshape(-1, M)
    z = z[np.isfinite(z).all(-1)]
    return np.asarray(z.mean(0)) if len(z) else np.zeros(M)


def _pcs(report: AnalysisReport) -> np.ndarray:
    """Principal components that the report has and that are finite, (c, M)."""
    M = report.model["M"]
    found = np.asarray(report.arrays.get("pca.components", np.zeros((0, M))), np.float64)
    good = np.isfinite(found).all(1) & found.any(1) if found.shape[1:] == (M,) else np.zeros(0, bool)
    return found[: int(np.argmin(np.append(good, False)))]


def _components(report: AnalysisReport, mean: np.ndarray, wanted: tuple[int, ...], *, asked: bool) -> Plane:
    """asked: by number; else units take their place where they are all of the state, or there are no components."""
    M, there = report.model["M"], _pcs(report)
    if not asked and (M <= 2 or max(wanted) > len(there)):
        return _units(mean, tuple(range(min(len(wanted), M))))
    if max(wanted) > len(there):
        raise InputError(f"The report has no principal component {max(wanted)}.", "Take units: --option axes=units:0,1")
    basis = there[[i - 1 for i in wanted]]
    variance = np.asarray(report.arrays.get("pca.variance", np.zeros(0)), np.float64)
    total = variance.sum() if len(variance) >= M and np.isfinite(variance).all() else 0.0
    shares = [f"{100 * variance[i - 1] / total:.0f}% of variance" if total > 0 else "state" for i in wanted]
    return Plane(mean, basis, basis, tuple(f"PC {i} ({share})" for i, share in zip(wanted, shares, strict=True)))


def _units(mean: np.ndarray, chosen: tuple[int, ...]) -> Plane:
    origin = mean.copy()
    origin[list(chosen)] = 0  # so that coordinates are the units' own values
    basis = np.eye(len(mean))[list(chosen)]
    return Plane(origin, basis, basis, tuple(f"$z_{{{i}}}$ (state)" for i in chosen))


def _slow(report: AnalysisReport, mean: np.ndarray, bitcode: str | None, d: int) -> Plane:
    """Coordinates lᵀ (z - mean) of one subregion's modes with |λ| nearest 1, lᵀ r = |r| = 1; of a pair, real and imaginary part."""
    P, used = report.model["P"], by_use(report)
    if bitcode is None:
        bitcode = used[0].bitcode if used else "0" * P
    if len(bitcode) != P or set(bitcode) - {"0", "1"}:
        raise UsageError(
            f"Figure 'phase', option 'axes': {bitcode!r} is no bitcode of {P} bits.",
            f"Try axes=slow:{used[0].bitcode if used else '0' * P}.",
        )
    values, vectors = np.linalg.eig(jacobian(_plane.parameters(report), parse_code(bitcode)))
    with np.errstate(divide="ignore"):
        slowness = np.abs(np.log(np.abs(values)))
    columns, names = [], []
    for i in np.argsort(slowness, kind="stable"):
        value = complex(values[i])
        if value.imag < 0:  # its conjugate stands for both
            continue
        if value.imag == 0:
            columns.append(vectors[:, i].real)
            names.append(f"mode λ = {value.real:.4g} (state)".replace("-", "−"))
        else:
            columns += [vectors[:, i].real, vectors[:, i].imag]
            names += [f"{part} of pair |λ| = {abs(value):.4g} (state)" for part in ("Re", "Im")]
    whole = np.array(columns).T
    if np.linalg.cond(whole) > _PARALLEL:
        raise InputError(
            f"The modes of subregion {bitcode or '(P = 0)'} are too nearly parallel to be coordinates.",
            "Take principal components: --option axes=pc",
        )
    return Plane(mean, np.linalg.inv(whole)[:d], whole.T[:d], tuple(names[:d]))


def _readout(report: AnalysisReport, mean: np.ndarray, chosen: tuple[int, ...], d: int) -> Plane:
    """Outputs themselves, D z + b; where there are fewer than axes, then the principal components' parts at right angles to them."""
    params = _plane.parameters(report)
    if params.readout == "phi":
        raise UsageError("Figure 'phase', option 'axes': this model's outputs read Φ(z), not z.", "Try axes=pc.")
    given = [str(n) for n in (report.task or {}).get("output_names") or ()]
    names = [f"{given[i] if i < len(given) else f'output {i}'} (output)" for i in chosen]
    rows, offsets = [params.D[i] for i in chosen], [float(params.b[i]) for i in chosen]
    for number, component in enumerate(_pcs(report), 1):
        if len(rows) == d:
            break
        known, _ = np.linalg.qr(np.array(rows).T)
        rest = component - known @ (known.T @ component)
        if np.linalg.norm(rest) > 1e-6:
            rest /= np.linalg.norm(rest)
            rows, offsets = [*rows, rest], [*offsets, -float(rest @ mean)]
            names.append(f"PC {number}, unseen part (state)")
    basis = np.array(rows)
    if len(basis) < d or np.linalg.cond(basis) > _PARALLEL:
        raise InputError(
            f"The outputs {', '.join(map(str, chosen))} give no {'plane' if d == 2 else 'three axes'}: they are parallel, or the report "
            "has no principal components.", "Take units: --option axes=units:0,1",
        )  # fmt: skip
    up = np.linalg.pinv(basis).T
    # Through the mean state, and so placed that coordinates are the outputs' own values.
    return Plane(mean - (basis @ mean + np.array(offsets)) @ up, basis, up, tuple(names))
