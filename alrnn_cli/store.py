"""The only code that reads or writes safetensors and JSON on disk. No torch.

A file is written whole or not at all: bytes to a temporary file beside the target, fsync, rename, fsync of the folder.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import itertools
import json
import math
import os
import tempfile
import tomllib
import types
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_safetensors

from .errors import InputError, MachineError
from .records import (
    ANALYSIS_SCHEMA,
    CHECKPOINT_SCHEMA,
    AnalysisReport,
    Checkpoint,
    CheckpointMeta,
    Parameters,
    Trajectories,
)

RESUME_SCHEMA = "alrnn.resume/1"
TRAJECTORIES_SCHEMA = "alrnn.trajectories/1"
DERIVED_SCHEMA = "alrnn.derived/1"
_KEY = "alrnn"  # safetensors writes several metadata keys in random order, so there is one


def write_atomic(path: Path, data: bytes) -> None:
    """Put `data` at `path` completely or leave what was there. Errors: MachineError (disk full), InputError (cannot write)."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes files private
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError(
                f"No space left to write {path}.", "Free some space and run the same command."
            ) from error
        raise InputError(f"Cannot write {path}: {error.strerror}.", "Choose another place with -o / --out.") from error


def jsonable(value: Any) -> Any:
    """`value` in JSON's types: dataclasses as objects, arrays as lists, NaN and infinities as null, complex as [re, im]."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, complex):
        return [jsonable(value.real), jsonable(value.imag)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} does not belong in a record")


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Sorted JSON text of `jsonable(value)`; never NaN."""
    return _text(jsonable(value), indent)


def _text(value: Any, indent: int | None) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, indent=indent, ensure_ascii=False)


def sha256(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, read in pieces. Errors: InputError where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    return digest.hexdigest()


def _pack(tensors: dict[str, np.ndarray], meta: dict[str, Any]) -> bytes:
    # safetensors scrambles arrays that are not C-contiguous, and ascontiguousarray makes 0-d arrays 1-d.
    packed = {k: v if v.ndim == 0 else np.ascontiguousarray(v) for k, v in sorted(tensors.items())}
    hashes = {k: sha256(v.data) for k, v in packed.items()}
    return to_safetensors(packed, metadata={_KEY: to_json({**meta, "sha256": hashes})})


def _unpack(path: Path, schema: str, what: str, remedy: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Tensors and metadata of one of our files, every hash checked. Errors: InputError, one for each thing that can be wrong."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such {what}.", remedy)
    try:
        with safe_open(str(path), framework="numpy") as file:
            text = (file.metadata() or {}).get(_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is not a readable safetensors file ({error}).", remedy) from error
    if text is None:
        raise InputError(f"{path} is a safetensors file, but not a {what} of alrnn.", remedy)
    try:
        meta = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: its metadata is not JSON ({error}).", remedy) from error
    if meta.get("schema") != schema:
        raise InputError(f"{path}: got schema {meta.get('schema')!r}, expected {schema!r}.", remedy)
    hashes = meta.pop("sha256", {})
    for name, tensor in tensors.items():
        if hashes.get(name) != sha256(np.ascontiguousarray(tensor).data):
            raise InputError(f"{path}: tensor {name!r} does not match its recorded hash; the file is corrupt.", remedy)
    if set(hashes) != set(tensors):
        raise InputError(f"{path}: tensors {sorted(set(hashes) ^ set(tensors))} are missing or unexpected.", remedy)
    return tensors, meta


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> str:
    """Write X.safetensors. Returns: sha256 of the file."""
    data = _pack(checkpoint.tensors, jsonable(checkpoint.meta))
    write_atomic(path, data)
    return sha256(data)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read X.safetensors. Errors: InputError where it is missing, corrupt or of another schema."""
    tensors, meta = _unpack(path, CHECKPOINT_SCHEMA, "checkpoint", "Train one: alrnn train --task addition")
    try:
        return Checkpoint(tensors, CheckpointMeta(**meta))
    except TypeError as error:
        raise InputError(f"{path}: its metadata does not fit the schema ({error}).") from error


def resume_path(path: Path) -> Path:
    """X.safetensors -> X.resume.safetensors."""
    return Path(path).with_suffix(".resume.safetensors")


def save_resume(path: Path, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
    """Write the state that lets training go on exactly where it was. path: the resume file itself."""
    write_atomic(path, _pack(tensors, {**state, "schema": RESUME_SCHEMA}))


def load_resume(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What `save_resume` wrote. Errors: InputError."""
    return _unpack(path, RESUME_SCHEMA, "resume file", "Start again with --overwrite.")


def save_derived(path: Path, arrays: dict[str, np.ndarray], key: str) -> None:
    """Write arrays made from a dataset. key: text that says what they depend on."""
    write_atomic(path, _pack(arrays, {"schema": DERIVED_SCHEMA, "key": key}))


def load_derived(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """What `save_derived` wrote: the arrays and their key. Errors: InputError."""
    arrays, meta = _unpack(path, DERIVED_SCHEMA, "derived file", "It can be deleted.")
    return arrays, meta.get("key", "")


def parameters_of(checkpoint: Checkpoint) -> Parameters:
    """The recurrence and readout of an AL-RNN's checkpoint (`maps.of` reads those of other models). Errors: as `parameters`."""
    model = checkpoint.meta.config["model"]
    return parameters(checkpoint.tensors, model["P"], model["readout"])


def parameters(tensors: Mapping[str, np.ndarray], P: int, readout: str) -> Parameters:
    """An AL-RNN's recurrence and readout in float64, with b = 0 and z0 = 0 where it has none. tensors: by name; an encoder's are ignored.

    Errors: InputError where a tensor is missing or does not fit the others.
    """
    t = {k: v.astype(np.float64) for k, v in tensors.items() if not k.startswith("encoder.")}
    M, K, N = (t[k].shape[axis] if k in t and t[k].ndim == 2 else 0 for k, axis in (("W", 0), ("C", 1), ("D", 0)))
    shapes = {"W": (M, M), "A": (M,), "C": (M, K), "h": (M,), "D": (N, M), "b": (N,), "z0": (M,)}
    for name, shape in shapes.items():
        if name not in t and name not in ("b", "z0"):
            raise InputError(f"The checkpoint has no tensor {name!r}.", "Train or import the model again.")
        if name in t and t[name].shape != shape:
            message = f"The checkpoint's tensor {name!r} is of shape {t[name].shape}, expected {shape}."
            raise InputError(message, "Train or import the model again.")
    return Parameters(
        P=P,
        A=t["A"],
        W=t["W"],
        C=t["C"],
        h=t["h"],
        D=t["D"],
        b=t.get("b", np.zeros(t["D"].shape[0])),
        z0=t.get("z0", np.zeros(M)),
        readout=readout,
    )


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of an .npz or safetensors file, whoever wrote it; which of the two it is, its content says.

    Returns: arrays by name, and what a safetensors file of ours says besides ({}: nothing, or it is not of ours).
    Errors: InputError where it is missing, damaged, of another kind, or holds what only pickle could read.
    """
    path = Path(path)
    if not path.is_file():
        state = "is a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {state}.", "Give the path of an .npz or .safetensors file.")
    name = None
    try:
        # numpy is handed the open file: by path, it would leave a damaged one open.
        with open(path, "rb") as raw:
            if raw.read(2) == b"PK":
                raw.seek(0)
                with np.load(raw, allow_pickle=False) as file:
                    arrays = {}
                    for name in file.files:
                        arrays[name] = np.asarray(file[name])
                return arrays, {}
        with safe_open(str(path), framework="numpy") as file:
            text = (file.metadata() or {}).get(_KEY)
            found = {}
            for name in file.keys():  # noqa: SIM118 (not a dict)
                found[name] = file.get_tensor(name)
        return found, json.loads(text) if text else {}
    except SafetensorError as error:
        raise InputError(
            f"{path} is neither an .npz nor a safetensors file ({error}).", "Write it with numpy.savez or safetensors."
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, TypeError, AttributeError) as error:
        where = f"{path}: {name}" if name else str(path)
        hint = "Write it again, as plain numbers or text: objects are not read, for reading them can run code."
        raise InputError(f"{where}: cannot be read ({str(error).splitlines()[0]}).", hint) from None


_ARRAYS = ("z", "s", "z0", "outputs", "targets", "mask", "lengths", "conditions", "phases", "phase_inputs")
_NAMES = ("condition_names", "phase_names", "input_names", "output_names")


def save_trajectories(path: Path, trajectories: Trajectories) -> None:
    """Write a rollout, .npz or .safetensors by its suffix. Errors: InputError for another one, or where it cannot be written."""
    path = Path(path)
    arrays: dict[str, Any] = {name: getattr(trajectories, name) for name in _ARRAYS}
    names = {name: list(getattr(trajectories, name)) for name in _NAMES}
    if path.suffix == ".safetensors":
        told = {"schema": TRAJECTORIES_SCHEMA, **names, "dt_unit": trajectories.dt_unit}
        write_atomic(path, _pack({**arrays, "dt": np.asarray(trajectories.dt, np.float64)}, told))
    elif path.suffix == ".npz":
        buffer = io.BytesIO()
        arrays |= {name: np.array(value, dtype=str) for name, value in names.items()}
        np.savez_compressed(buffer, **arrays, dt=trajectories.dt, dt_unit=trajectories.dt_unit)
        write_atomic(path, buffer.getvalue())
    else:
        raise InputError(f"{path}: trajectories go into .npz or .safetensors.", f"For example {path.stem}.npz")


def analysis_paths(path: Path) -> tuple[Path, Path]:
    """X.safetensors -> (X.analysis.json, X.analysis.safetensors). An *.analysis.json stands for itself."""
    path = Path(path)
    if path.name.endswith(".analysis.json"):
        return path, path.with_suffix(".safetensors")
    base = path.with_suffix("") if path.suffix == ".safetensors" else path
    return base.with_name(base.name + ".analysis.json"), base.with_name(base.name + ".analysis.safetensors")


def save_analysis(path: Path, report: AnalysisReport) -> None:
    """Write the arrays, then X.analysis.json, whose presence says that both are whole. path: X.analysis.json."""
    json_path, array_path = analysis_paths(path)
    data = _pack(report.arrays, {"schema": report.schema})
    content = jsonable(dataclasses.replace(report, arrays={}))
    content["arrays"] = {
        "file": array_path.name,
        "sha256": sha256(data),
        "index": {k: {"shape": list(v.shape), "dtype": str(v.dtype)} for k, v in report.arrays.items()},
    }
    write_atomic(array_path, data)
    write_atomic(json_path, (_text(content, 1) + "\n").encode())


def load_analysis(path: Path) -> AnalysisReport:
    """Read X.analysis.json and the arrays beside it. Errors: InputError where they are missing, torn apart or of another schema."""
    json_path, array_path = analysis_paths(path)
    remedy = "Make it: alrnn analyze CHECKPOINT"
    if not json_path.is_file():
        raise InputError(f"{json_path}: no such analysis.", remedy)
    try:
        content = json.loads(json_path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{json_path} is not readable JSON ({error}).", remedy) from error
    if not isinstance(content, dict) or content.get("schema") != ANALYSIS_SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise InputError(f"{json_path}: got schema {found!r}, expected {ANALYSIS_SCHEMA!r}.", remedy)
    index = content.pop("arrays", {})
    if not array_path.is_file() or file_sha256(array_path) != index.get("sha256"):
        raise InputError(f"{array_path} is missing or does not belong to {json_path.name}.", remedy)
    arrays, _ = _unpack(array_path, ANALYSIS_SCHEMA, "analysis", remedy)
    try:
        return _decoded(AnalysisReport, {**content, "arrays": arrays})
    except (TypeError, KeyError) as error:
        raise InputError(f"{json_path}: its content does not fit the schema ({error!r}).", remedy) from error


def _decoded(kind: Any, value: Any) -> Any:
    """A value of JSON as the type that a record declares: lists as tuples, objects as their records. Errors: TypeError, KeyError."""
    if value is None:
        return None
    if get_origin(kind) in (types.UnionType, Union):  # the latter where a Literal is in it
        return _decoded(next(k for k in get_args(kind) if k is not type(None)), value)
    origin, args = get_origin(kind), get_args(kind)
    if origin is tuple:
        each = itertools.repeat(args[0]) if args[1:] == (...,) else args
        return tuple(_decoded(k, v) for k, v in zip(each, value, strict=False))
    if origin is dict:
        return {k: _decoded(args[1], v) for k, v in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{k: _decoded(hints[k], v) for k, v in value.items()})
    return value


def read_config(path: Path) -> dict[str, Any]:
    """A configuration from TOML, JSON or a checkpoint, as `RunConfig.to_dict` shapes it. Errors: InputError."""
    path = Path(path)
    remedy = "--config takes TOML, JSON or a checkpoint."
    if path.suffix == ".safetensors":
        return load_checkpoint(path).meta.config
    try:
        text = path.read_text(encoding="utf8")
        content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except FileNotFoundError:
        raise InputError(f"{path}: no such configuration.", remedy) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}).", remedy) from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a table of settings, got {type(content).__name__}.", remedy)
    return content


def is_analysis(path: Path) -> bool:
    """Whether the file is an analysis of ours, of any version: one that `analyze` may replace."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and str(content.get("schema", "")).startswith("alrnn.analysis/")
