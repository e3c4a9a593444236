"""The .npz format of `custom`: read without pickle, checked key by key, a clear error for each way to get it wrong."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, MachineError, closest
from ..lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_PREFIX = {"train": "", "validation": "validation_", "test": "test_"}
_PART_KEYS = ("inputs", "targets", "mask", "lengths", "conditions")
_FILE_KEYS = ("input_names", "output_names", "dt", "dt_unit")
KEYS = tuple(prefix + key for prefix in _PREFIX.values() for key in _PART_KEYS) + _FILE_KEYS
_FORMAT = "docs/tasks.md describes the format, with an example."


@dataclass(frozen=True)
class Part:
    """The trials under one prefix. Steps beyond a trial's length are zero, whatever the file holds there.

    inputs: (n, T, K) float32; targets: (n,) int64 or (n, N) float32 where scored at the last step, else (n, T) int64 or
    (n, T, N) float32; counted: (n, T) bool, the steps that are scored; lengths: (n,) int64; conditions: (n,) int64.
    """

    inputs: np.ndarray
    targets: np.ndarray
    counted: np.ndarray
    lengths: np.ndarray
    conditions: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, index: np.ndarray) -> Part:
        """The trials at `index`, in that order."""
        return Part(*(x[index] for x in (self.inputs, self.targets, self.counted, self.lengths, self.conditions)))

    @property
    def valid(self) -> np.ndarray:
        """(n, T) bool: True on steps that belong to a trial, False on its padding."""
        return np.arange(self.inputs.shape[1])[None, :] < self.lengths[:, None]

    @property
    def counted_targets(self) -> np.ndarray:
        """The targets that are scored, one row each: (m,) int64 or (m, N) float32."""
        per_step = self.targets.ndim == (2 if self.targets.dtype == np.int64 else 3)
        scored: np.ndarray = self.targets[self.counted] if per_step else self.targets
        return scored


@dataclass(frozen=True)
class Data:
    """A file's whole content.

    parts: by split, "train" always, "validation" and "test" where given; the rest is what they share.
    """

    parts: dict[str, Part]
    classes: bool
    per_step: bool
    K: int
    N: int
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    condition_names: tuple[str, ...]
    dt: float
    dt_unit: str
    sha256: str


def read(path: Path) -> Data:
    """The data in an .npz file. Errors: InputError that names the key, what was found, and what to do."""
    return _Reader(path, _load(path)).data()


def _load(path: Path) -> dict[str, np.ndarray]:
    """The arrays by key, all keys known. Errors: InputError."""
    if not path.is_file():
        state = "is a folder" if path.is_dir() else "no such file"
        raise InputError(f"--data {path}: {state}.", "Give the path of an .npz file: --data FILE.npz")
    key = None
    try:
        # numpy is handed the open file: by path, it would leave a damaged one open.
        with path.open("rb") as raw:
            if raw.read(2) != b"PK":
                raise InputError(f"{path}: not an .npz file.", "Write one with numpy.savez(...): " + _FORMAT)
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                for name in file.files:
                    if name not in KEYS:
                        raise InputError(f"{path}: unknown key {name!r}.", closest(name, KEYS))
                arrays = {}
                for key in file.files:
                    arrays[key] = np.asarray(file[key])
    except MemoryError:
        raise MachineError(f"{path}: does not fit into memory.", "Give fewer or shorter trials.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        if key is not None and "pickle" in str(error):
            raise InputError(
                f"{path}: {key}: an object array, which only pickle could read.",
                "Trials of different length go into one array (n, T, K), padded, with their lengths in `lengths`.",
            ) from None
        where = f"{path}: {key}" if key else str(path)
        hint = "Write the file again, or check the copy."
        raise InputError(f"{where}: damaged or unreadable ({error}).", hint) from None
    return arrays


class _Reader:
    """The checks, key by key, in the order in which they can rely on each other."""

    def __init__(self, path: Path, arrays: dict[str, np.ndarray]) -> None:
        self.path = path
        self.arrays = arrays

    def error(self, key: str, what: str, hint: str = _FORMAT) -> InputError:
        return InputError(f"{self.path}: {key}: {what}.", hint)

    def data(self) -> Data:
        splits = ["train"] + [
            s for s in ("validation", "test") if any(_PREFIX[s] + key in self.arrays for key in _PART_KEYS)
        ]
        for split in splits:
            for key in ("inputs", "targets"):
                if _PREFIX[split] + key not in self.arrays:
                    found = ", ".join(sorted(self.arrays)) or "none"
                    raise InputError(f"{self.path}: key {_PREFIX[split] + key!r} is missing; found: {found}.", _FORMAT)
        classes, per_step = self.kind("targets")
        names, conditions = self.conditions(splits)
        parts = {}
        for split in splits:
            prefix = _PREFIX[split]
            if self.kind(prefix + "targets") != (classes, per_step):
                key = prefix + "targets"
                raise self.error(key, f"{self.shown(key)}, another kind than targets: {self.shown('targets')}")
            parts[split] = self.part(prefix, classes, per_step, conditions[split])
            self.same_channels(_PREFIX[split], classes)
        K = parts["train"].inputs.shape[2]
        output_names = self.names("output_names")
        N = self.classes(parts, output_names) if classes else parts["train"].targets.shape[-1]
        dt, dt_unit = self.clock()
        return Data(
            {split: self.cleaned(part, N) if classes else part for split, part in parts.items()},
            classes,
            per_step,
            K,
            N,
            self.named("input_names", K, "input {}"),
            self.named("output_names", N, "class {}" if classes else "target {}"),
            names,
            dt,
            dt_unit,
            self.digest(),
        )

    def same_channels(self, prefix: str, classes: bool) -> None:
        """Errors: InputError where a split has other numbers of inputs or outputs than the training data."""
        for key in ("inputs",) if classes else ("inputs", "targets"):
            got, expected = self.arrays[prefix + key].shape[-1], self.arrays[key].shape[-1]
            if got != expected:
                raise self.error(prefix + key, f"{got} channels, but {key} has {expected}")

    def shown(self, key: str) -> str:
        x = self.arrays[key]
        return f"{x.dtype} of shape {x.shape}"

    def kind(self, key: str) -> tuple[bool, bool]:
        """(classes?, per step?) from the type and the number of dimensions of targets."""
        x = self.arrays[key]
        number = {"i": "int", "u": "int", "f": "float"}.get(x.dtype.kind, "")
        first = {"int": 1, "float": 2}.get(number)  # dimensions where scored at the last step
        if first is not None and x.ndim - first in (0, 1):
            return number == "int", x.ndim > first
        raise self.error(
            key,
            f"{self.shown(key)}; expected integers (n,) or (n, T) for classes, floats (n, N) or (n, T, N) for values",
            "One value per trial is (n, 1): targets[:, None]."
            if (number, x.ndim) == ("float", 1)
            else "Convert with targets.astype(int) for classes, targets.astype(float) for values.",
        )

    def shapes(self, prefix: str, classes: bool, per_step: bool) -> tuple[int, int]:
        """(n, T) once inputs and targets fit together. Errors: InputError."""
        x, y = self.arrays[prefix + "inputs"], self.arrays[prefix + "targets"]
        key = prefix + "inputs"
        if x.dtype.kind not in "fiub":
            raise self.error(key, f"{x.dtype}, expected real numbers")
        if x.ndim != 3:
            raise self.error(
                key,
                f"shape {x.shape}, expected (n, T, K): trials, steps, channels",
                "A single channel is inputs[:, :, None].",
            )
        n, T, _ = x.shape
        if n == 0 or T == 0:
            raise self.error(key, f"shape {x.shape} holds no {'trials' if n == 0 else 'steps'}", "Give at least one.")
        shape = (n, T) if per_step else (n,)
        if y.shape[: len(shape)] != shape or 0 in y.shape:
            expected = str(shape) if classes else f"({', '.join(map(str, shape))}, N)"
            raise self.error(
                prefix + "targets",
                f"shape {y.shape}, expected {expected} to go with inputs of shape {x.shape}",
                "Integers (n,) and floats (n, N) are scored at the last step, (n, T) and (n, T, N) at every step.",
            )
        if not per_step and prefix + "mask" in self.arrays:
            raise self.error(
                prefix + "mask",
                f"of no use, since targets of shape {y.shape} are scored at each trial's last step",
                "Leave it out, or give targets for every step: integers (n, T) or floats (n, T, N).",
            )
        return n, T

    def part(self, prefix: str, classes: bool, per_step: bool, conditions: np.ndarray | None) -> Part:
        n, T = self.shapes(prefix, classes, per_step)
        y = self.arrays[prefix + "targets"]
        lengths = self.lengths(prefix, n, T)
        valid = np.arange(T)[None, :] < lengths[:, None]
        counted = self.mask(prefix, valid) if per_step else np.arange(T)[None, :] == lengths[:, None] - 1
        if conditions is None:
            conditions = np.zeros(n, np.int64)
        elif len(conditions) != n:
            raise self.error(prefix + "conditions", f"{len(conditions)} entries for {n} trials")
        at = counted if per_step else np.ones(n, bool)
        if classes:
            # Above 2^31 no label is meant, and an unsigned one could wrap to a negative below.
            bad = at & ((y < 0) | (y > 2**31))
            if bad.any():
                where = np.argwhere(bad)[0]
                raise self.error(
                    prefix + "targets",
                    f"label {int(y[tuple(where)])} {_place(where)}; labels are 0 … C-1",
                    "Steps without a target are False in `mask`." if per_step else "Number the classes from 0.",
                )
            targets = y.astype(np.int64)
        else:
            targets = self.finite(prefix + "targets", y, at, valid if per_step else at)
        inputs = self.finite(prefix + "inputs", self.arrays[prefix + "inputs"], valid, valid)
        return Part(inputs, targets, counted, lengths, conditions)

    def finite(self, key: str, x: np.ndarray, needed: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """x as float32, zero outside `kept` and where it is not finite and not needed.

        Errors: InputError where it is not finite though needed.
        """
        with np.errstate(all="ignore"):
            y = x.astype(np.float32)
        fine = np.isfinite(y)
        bad = needed[..., None] & ~fine
        if bad.any():
            where = np.argwhere(bad)[0]
            value = x[tuple(where)]
            what = f"{value:g} is too large for float32" if np.isfinite(value) else f"{value:g}"
            hint = "Padding belongs beyond `lengths`; elsewhere fill or remove missing values."
            raise self.error(key, f"{what} {_place(where, 'channel')}", hint)
        y[~(kept[..., None] & fine)] = 0
        return y

    def lengths(self, prefix: str, n: int, T: int) -> np.ndarray:
        key = prefix + "lengths"
        if key not in self.arrays:
            return np.full(n, T, np.int64)
        x = self.arrays[key]
        if x.dtype.kind not in "iu" or x.shape != (n,):
            raise self.error(key, f"{self.shown(key)}, expected integers of shape ({n},)")
        bad = (x < 1) | (x > T)
        if bad.any():
            i = int(np.argmax(bad))
            raise self.error(key, f"{x[i]} in trial {i} (counting from 0), expected 1 to {T}", "Lengths count steps.")
        return x.astype(np.int64)

    def mask(self, prefix: str, valid: np.ndarray) -> np.ndarray:
        key = prefix + "mask"
        if key not in self.arrays:
            return valid
        x = self.arrays[key]
        if x.dtype.kind not in "biuf" or x.shape != valid.shape:
            raise self.error(key, f"{self.shown(key)}, expected booleans of shape {valid.shape}")
        if not ((x == 0) | (x == 1) | ~valid).all():
            raise self.error(key, "values other than 0 and 1", "True, or 1, marks the steps that are scored.")
        counted: np.ndarray = valid & (x == 1)
        if not counted.any():
            raise self.error(key, "no step is scored", "True, or 1, marks the steps that are scored.")
        return counted

    def conditions(self, splits: list[str]) -> tuple[tuple[str, ...], dict[str, np.ndarray | None]]:
        """The conditions' names, sorted, and by split the index of each trial's (None: not given)."""
        given = [s for s in splits if _PREFIX[s] + "conditions" in self.arrays]
        if not given:
            return ("all",), dict.fromkeys(splits)
        for split in splits:
            key = _PREFIX[split] + "conditions"
            if split not in given:
                raise self.error(key, f"missing, while {_PREFIX[given[0]]}conditions is there", "Give all or none.")
            x = self.arrays[key]
            if x.dtype.kind not in "iuUS" or x.ndim != 1:
                raise self.error(key, f"{self.shown(key)}, expected integers or text of shape (n,)")
        as_text = {self.arrays[_PREFIX[s] + "conditions"].dtype.kind in "US" for s in splits}
        if len(as_text) > 1:
            raise self.error("conditions", "text in one split and integers in another", "Use one kind.")
        raw = {s: self.text(_PREFIX[s] + "conditions") for s in splits}
        known = np.unique(np.concatenate(list(raw.values())))
        return tuple(str(x) for x in known), {s: np.searchsorted(known, x).astype(np.int64) for s, x in raw.items()}

    def classes(self, parts: dict[str, Part], output_names: tuple[str, ...] | None) -> int:
        """How many classes there are: as many as `output_names`, else the largest label + 1, none left out."""
        found = np.unique(np.concatenate([part.counted_targets for part in parts.values()]))
        top = int(found[-1])
        if output_names is not None:
            if top >= len(output_names):
                raise self.error("output_names", f"{len(output_names)} names, but label {top} occurs in targets")
            if len(output_names) < 2:
                raise self.error("output_names", "a single class leaves nothing to tell apart", "Name at least two.")
            return len(output_names)
        if top + 1 != len(found):
            gap = int(np.argmax(found != np.arange(len(found))))
            raise self.error(
                "targets",
                f"label {gap} never occurs, but {top} does; labels are 0 … C-1",
                "Number the classes from 0 without gaps, or name all of them in `output_names`.",
            )
        if top == 0:
            raise self.error("targets", "all labels are 0", "Give at least two classes, or floats to predict values.")
        return top + 1

    def cleaned(self, part: Part, N: int) -> Part:
        """Labels that are not counted may be anything in the file; here they are 0 where they name no class."""
        known = (part.targets >= 0) & (part.targets < N)
        if part.targets.ndim == 2:
            known &= part.valid
        return Part(part.inputs, np.where(known, part.targets, 0), part.counted, part.lengths, part.conditions)

    def text(self, key: str) -> np.ndarray:
        x = self.arrays[key]
        try:
            decoded: np.ndarray = np.char.decode(x, "utf-8") if x.dtype.kind == "S" else x
        except UnicodeDecodeError:
            raise self.error(key, "bytes that are not UTF-8", "Save text as numpy strings (dtype U).") from None
        return decoded

    def names(self, key: str) -> tuple[str, ...] | None:
        if key not in self.arrays:
            return None
        if self.arrays[key].dtype.kind not in "US" or self.arrays[key].ndim != 1:
            raise self.error(key, f"{self.shown(key)}, expected text of shape (number of names,)")
        return tuple(str(x) for x in self.text(key))

    def named(self, key: str, count: int, pattern: str) -> tuple[str, ...]:
        names = self.names(key)
        if names is None:
            return tuple(pattern.format(i) for i in range(count))
        if len(names) != count:
            raise self.error(key, f"{len(names)} names for {count}", "Give one name for each.")
        return names

    def clock(self) -> tuple[float, str]:
        dt, unit = 1.0, "step"
        if "dt" in self.arrays:
            x = self.arrays["dt"]
            if x.dtype.kind not in "fiu" or x.size != 1 or not np.isfinite(x).all() or not (x > 0).all():
                got = x.item() if x.size == 1 else self.shown("dt")
                raise self.error("dt", f"{got}, expected one number above 0", "dt is the length of a step.")
            dt = float(x.reshape(()))
        if "dt_unit" in self.arrays:
            if self.arrays["dt_unit"].dtype.kind not in "US" or self.arrays["dt_unit"].size != 1:
                raise self.error("dt_unit", f"{self.shown('dt_unit')}, expected one text", 'For example dt_unit="ms".')
            unit = str(self.text("dt_unit").reshape(())[()])
        return dt, unit

    def digest(self) -> str:
        """sha256 over keys, types, shapes and values; how the file was packed does not matter."""
        digest = hashlib.sha256()
        for key in sorted(self.arrays):
            x = self.arrays[key]
            digest.update(f"{key} {x.dtype.str} {x.shape}\n".encode())
            digest.update(x.tobytes())
        return digest.hexdigest()


def _place(where: np.ndarray, last: str = "") -> str:
    """An index into a part's array in words. last: what the last axis is called, where it is not trials or steps."""
    words = ("trial", "step")[: len(where) - bool(last)] + ((last,) if last else ())
    return "in " + ", ".join(f"{w} {i}" for w, i in zip(words, where, strict=True)) + " (counting from 0)"
