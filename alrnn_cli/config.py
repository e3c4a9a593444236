"""The configuration of a run: frozen dataclasses, and how flags, files and recipes merge into one.

Precedence: flag > file > task recipe > built-in. Every field is an option of `alrnn train` under the same name in
kebab-case, a key of a TOML or JSON file, and a key of the checkpoint. Nothing here imports torch or numpy.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from . import catalogue
from .errors import UsageError, closest

MODELS = catalogue.names()
PHI = ("relu", "tanh", "gelu")
INITS = ("paper", "identity", "orthogonal", "rotation", "random")
ENCODERS = ("none", "conv1d", "conv1d-short", "token-mlp")
SCHEDULES = ("constant", "cosine")
Z0 = ("zero", "learned", "noise")
READOUTS = ("z", "phi")
#: published code whose transition matrix an analysis can give as well
COMPATS = ("alrnn-dsr",)


def _option(
    default: Any,
    help: str,
    *,
    unit: str = "",
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    own: bool = False,
) -> Any:
    """own: only models that say so take it."""
    limits = {"minimum": minimum, "maximum": maximum, "above": above}
    return field(default=default, metadata={"help": help, "unit": unit, "choices": choices, "own": own, **limits})


@dataclass(frozen=True)
class ModelConfig:
    """What is trained: z_t = A∘z_{t-1} + W Φ(z_{t-1}) + C s_t + h, Φ a ReLU on the last P of M units, or a baseline.

    A model leaves the options that it does not take at their defaults, which then mean nothing.
    """

    model: str = _option("alrnn", "what is trained: the almost-linear RNN or a baseline", choices=MODELS)
    M: int = _option(50, "number of units", minimum=1)
    P: int = _option(1, "number of piecewise-linear (ReLU) units, 0 … M", minimum=0, own=True)
    phi: str = _option("relu", "nonlinearity of these units; regions are exact with relu only", choices=PHI, own=True)
    init: str = _option("paper", "initialisation of A, W and h", choices=INITS, own=True)
    recurrent_scale: float = _option(
        0.01, "standard deviation of A, W and h at the start, with paper and identity", minimum=0, own=True
    )
    period_min: float = _option(
        2.0, "shortest period of a rotation at the start, with rotation", unit="steps", minimum=2, own=True
    )
    input_scale: float = _option(
        0.1, "standard deviation of C at the start, or of learned word vectors", minimum=0, own=True
    )
    readout: str = _option("z", 'what is read out: the state ("z") or Φ of it ("phi")', choices=READOUTS, own=True)
    r_min: float = _option(0.9, "of an lru: smallest |λ| at the start", minimum=0, maximum=1, own=True)
    r_max: float = _option(0.999, "of an lru: largest |λ| at the start, below 1", minimum=0, maximum=1, own=True)
    readout_bias: bool = _option(True, "give the readout a bias b")
    z0: str = _option("zero", "initial state; noise draws it anew at every call, evaluation included", choices=Z0)
    encoder: str = _option("none", "what the inputs pass through first", choices=ENCODERS)


@dataclass(frozen=True)
class TrainingConfig:
    """How it is trained. Lengths of training are in epochs: n_train / batch steps, whether trials are fresh or fixed."""

    epochs: float = _option(100.0, "length of training", unit="epochs", minimum=0)
    batch: int = _option(128, "trials per step", minimum=1)
    lr: float = _option(1e-3, "learning rate of Adam", minimum=0)
    lr_recurrent: float = _option(1.0, "learning rate of A, W and h as a multiple of --lr", minimum=0, own=True)
    schedule: str = _option("constant", "learning rate over training", choices=SCHEDULES)
    warmup: float = _option(0.0, "share of training over which the learning rate rises from 0", minimum=0, maximum=1)
    clip: float = _option(0.0, "largest gradient norm; a larger one is scaled down (0: no limit)", minimum=0)
    weight_decay: float = _option(
        0.0,
        "decay of weights but those of A, W and h: at each step a share of so many times the learning rate",
        minimum=0,
    )
    tau: float = _option(0.0, "weight of the manifold regularisation", minimum=0, own=True)
    M_reg: int = _option(-1, "units that are regularised, the first of the M (-1: M // 2)", minimum=-1, own=True)
    fresh: bool = _option(False, "draw new trials at every step instead of repeating a fixed set")
    curriculum: float = _option(
        0.0,
        "share of training over which trials grow to their full length (0: full from the start)",
        minimum=0,
        maximum=1,
    )
    restarts: int = _option(0, "begin anew up to so many times when training is stuck on a plateau", minimum=0)
    restart_after: float = _option(0.5, "share of training after which a plateau counts as one", minimum=0, maximum=1)
    restart_above: float = _option(
        0.5, "a plateau: no score yet better than this share of the way from perfect to chance", minimum=0, maximum=1
    )
    seed: int = _option(0, "seed of the initialisation and of the training trials and their order", minimum=0)
    eval_seed: int = _option(0, "seed of the validation and test trials", minimum=0)
    eval_every: float = _option(1.0, "between evaluations on the validation trials", unit="epochs", above=0)
    select: str = _option(
        "", "metric of the validation trials by which the best state is kept (default: the task's first)"
    )
    patience: int = _option(0, "stop after so many evaluations without a better one (0: never)", minimum=0)
    target: float | None = _option(None, "stop as soon as the validation score is this good")
    max_steps: int = _option(0, "stop after so many steps (0: no limit)", minimum=0)
    max_seconds: float = _option(0.0, "stop after so much time (0: no limit)", unit="s", minimum=0)


@dataclass(frozen=True)
class RunConfig:
    """A whole run: everything that decides which model comes out, and nothing that does not (device, threads, paths of output)."""

    task: str
    task_options: dict[str, Any]
    model: ModelConfig
    training: TrainingConfig
    data: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As a file or a checkpoint holds it: without the options that the model does not take."""
        content: dict[str, Any] = {"task": self.task, "task_options": dict(self.task_options)}
        for section, cls in SECTIONS.items():
            own = getattr(self, section)
            content[section] = {f.name: getattr(own, f.name) for f in fields(cls) if applies(f, self.model.model)}
        return {**content, "data": self.data}


@dataclass(frozen=True)
class AnalysisConfig:
    """What an analysis is asked for beyond what it always tells. Every field is an option of `alrnn analyze`.

    inputs: more constant inputs for fixed points and cycles, "0.5,0" or "mask=1"; input_sweep: an input to follow fixed points along,
    "mask=0:1:0.05", the others held at the first of `inputs`, or at 0; virtual: list virtual fixed points; lesions, linearise_until:
    causal tests; compat: the transition matrix as published code has it; lyapunov: exponents; limits: by name, as of
    `analysis.limits.Limits`. Errors: UsageError for compat with unknown code.
    """

    inputs: tuple[str, ...] = ()
    input_sweep: str | None = None
    virtual: bool = False
    lesions: bool = False
    linearise_until: float | None = None
    compat: str | None = None
    lyapunov: bool = False
    limits: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.compat is not None and self.compat not in COMPATS:
            raise UsageError(f"--compat {self.compat}: expected {' or '.join(COMPATS)}.", closest(self.compat, COMPATS))

    @property
    def causal(self) -> bool:
        """Whether the task's score is needed."""
        return self.lesions or self.linearise_until is not None

    def fixed_points_only(self) -> AnalysisConfig:
        """The same inputs and limits, and nothing that costs more than fixed points."""
        return AnalysisConfig(inputs=self.inputs, limits={**self.limits, "max_period": 1})


SECTIONS: dict[str, type] = {"model": ModelConfig, "training": TrainingConfig}


@functools.cache
def options() -> dict[str, Field[Any]]:
    """Flat name -> dataclass field of every model and training option, in order."""
    return {f.name: f for cls in SECTIONS.values() for f in fields(cls)}


def applies(option: Field[Any], model: str) -> bool:
    """Whether the option has a meaning for the model. Errors: UsageError for an unknown model."""
    return not option.metadata["own"] or option.name in catalogue.takes(model)


def flag(name: str) -> str:
    """The option's spelling on the command line: M_reg -> --M-reg, max_steps -> --max-steps."""
    return "--" + name.replace("_", "-")


def flatten(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """{task, data, task_options, model: {…}, training: {…}} from a file as flat names. Keys may also stand flat.

    Errors: UsageError that names an unknown key and the closest known one.
    """
    flat: dict[str, Any] = {}
    top = {"task", "data", "task_options", *SECTIONS}
    for key, value in content.items():
        if key in SECTIONS and not (
            key in options() and isinstance(value, str)
        ):  # the model's name may stand flat as well
            if not isinstance(value, Mapping):
                raise UsageError(f"{where}: {key} must be a table of settings, got {value!r}.")
            members = [f.name for f in fields(SECTIONS[key])]
            for name in value:
                if name not in members:
                    raise UsageError(f"{where}: unknown key {key}.{name}.", closest(name, members))
            flat.update(value)
        elif key in top or key in options():
            flat[key] = value
        else:
            raise UsageError(f"{where}: unknown key {key!r}.", closest(key, [*top, *options()]))
    return flat


def resolve(
    task: str, task_options: Mapping[str, Any], layers: Sequence[Mapping[str, Any]], data: str | None = None
) -> RunConfig:
    """One run from layers of flat settings, later ones winning, on top of the built-in defaults.

    The last layer that names the model, and those after it, are about that model: what it does not take is refused there. What stands
    in earlier layers, a recipe above all, is a template for any model, of which each takes what it knows.
    Errors: UsageError that names the flag, what was expected and what was got.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
    known = options()
    for name in merged:
        if name not in known:
            raise UsageError(f"Unknown setting {name!r}.", closest(name, list(known)))
    values = {name: _checked(known[name], value) for name, value in merged.items()}
    name = values.get("model", "alrnn")
    about = max((i for i, layer in enumerate(layers) if "model" in layer), default=0)
    for layer in layers[about:]:
        _refuse_foreign(name, layer)
    values = {key: value for key, value in values.items() if applies(known[key], name)}
    model = ModelConfig(**{k: v for k, v in values.items() if k in ModelConfig.__dataclass_fields__})
    training = TrainingConfig(**{k: v for k, v in values.items() if k in TrainingConfig.__dataclass_fields__})
    if model.P > model.M:
        raise UsageError(f"--P {model.P} exceeds --M {model.M}.", "Lower P or raise M.")
    if training.M_reg > model.M:
        raise UsageError(f"--M-reg {training.M_reg} exceeds --M {model.M}.", "Lower it or raise M.")
    if not model.r_min <= model.r_max < 1:
        raise UsageError(
            f"--r-min {model.r_min:g}, --r-max {model.r_max:g}: expected r_min <= r_max < 1.",
            "For example --r-max 0.999",
        )
    if training.M_reg < 0:
        training = replace(training, M_reg=model.M // 2)
    return RunConfig(task, dict(task_options), model, training, data)


def _refuse_foreign(model: str, layer: Mapping[str, Any]) -> None:
    """Errors: UsageError for a setting that the model does not take."""
    for key in layer:
        if not applies(options()[key], model):
            takers = [other for other in MODELS if key in catalogue.takes(other)]
            raise UsageError(
                f"{flag(key)} has no meaning for --model {model}.",
                f"Leave it out; it is for --model {' or '.join(takers)}.",
            )


def completed(content: Mapping[str, Any]) -> dict[str, Any]:
    """A stored configuration with those options that are younger than it at their defaults, which is what it was trained with."""
    out = dict(content)
    name = out["model"].get("model", "alrnn")
    for section, cls in SECTIONS.items():
        out[section] = {f.name: f.default for f in fields(cls) if applies(f, name)} | dict(out[section])
    return out


def differences(a: Mapping[str, Any], b: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Where two configurations differ, as "name: a -> b", nested names joined by dots."""
    out = []
    for key in sorted(set(a) | set(b)):
        x, y = a.get(key), b.get(key)
        if isinstance(x, Mapping) and isinstance(y, Mapping):
            out += differences(x, y, f"{prefix}{key}.")
        elif x != y:
            out.append(f"{prefix}{key}: {x} -> {y}")
    return out


def _checked(option: Field[Any], value: Any) -> Any:
    kind: Any = {"int": int, "float": float, "bool": bool, "str": str, "float | None": float}[str(option.type)]
    name, meta = f"{flag(option.name)} {value}", option.metadata
    if value is None and "None" in str(option.type):
        return None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        word = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[kind]
        raise UsageError(f"{name}: expected {word}, got {type(value).__name__} {value!r}.")
    if kind is float and not math.isfinite(value):
        raise UsageError(f"{name}: expected a finite number.")
    if meta["choices"] and value not in meta["choices"]:
        raise UsageError(
            f"{name}: expected one of {', '.join(meta['choices'])}.", closest(str(value), meta["choices"], otherwise="")
        )
    limits = {
        "minimum": ("at least", operator.lt),
        "maximum": ("at most", operator.gt),
        "above": ("above", operator.le),
    }
    for key, (word, beyond) in limits.items():
        if meta[key] is not None and beyond(value, meta[key]):
            raise UsageError(f"{name}: must be {word} {meta[key]}.")
    return value
