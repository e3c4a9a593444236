"""The grid: which values were asked for, and the runs that they make."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any

from .. import config, grid, runs, store, tasks
from ..config import RunConfig
from ..errors import UsageError, closest

#: Task options are axes under this prefix.
TASK = "task."
#: Cells that one sweep may have; more is a slip.
MOST_CELLS = 100_000


@dataclass(frozen=True)
class Cell:
    """One run of a sweep. id: hash of its resolved configuration, so that the same run is the same cell wherever it is asked for;
    axes: its values of what varies, seeds included, by the names of `Plan.axes`."""

    id: str
    config: RunConfig
    axes: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What was asked for.

    task, data, recipe: as of `alrnn train`; settings: options with one value, flat, task options under "task.NAME"; axes: options with
    several; seeds: of training; exclude: settings that rule a combination out; include: settings for runs beside the grid, each with
    all seeds.
    """

    task: str
    data: str | None = None
    recipe: str = "default"
    settings: dict[str, Any] = field(default_factory=dict)
    axes: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    exclude: tuple[dict[str, Any], ...] = ()
    include: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As sweep.toml holds it."""
        content: dict[str, Any] = {"task": self.task, "seeds": list(self.seeds)}
        if self.data is not None:
            content["data"] = self.data
        if self.recipe != "default":
            content["recipe"] = self.recipe
        plain = self.settings | {name: list(values) for name, values in self.axes.items()}
        content |= {k: v for k, v in plain.items() if not k.startswith(TASK)}
        if options := {k.removeprefix(TASK): v for k, v in plain.items() if k.startswith(TASK)}:
            content["task_options"] = options
        for name in ("exclude", "include"):
            if listed := [_nested(one) for one in getattr(self, name)]:
                content[name] = listed
        return content


def values(name: str, given: Any, task: str) -> tuple[Any, ...]:
    """What an option's text or a file's list means: its values, in order, each once.

    A list is joined by commas, numbers may be start:stop:step. Errors: UsageError that names the option.
    """
    if name.startswith(TASK):
        options = {o.name: o for o in tasks.get(task).options}
        bare = name.removeprefix(TASK)
        if bare not in options:
            raise UsageError(f"Unknown option {bare!r} for task {task!r}.", closest(bare, list(options)))
        kind, flag = type(options[bare].default), f"--task-opt {bare}"
    else:
        known = config.options()
        if name not in known:
            raise UsageError(f"Unknown setting {name!r}.", closest(name, list(known)))
        kind, flag = _kind(known[name]), config.flag(name)
    items = list(given) if isinstance(given, list | tuple) else [given]
    found: list[Any] = []
    for item in items:
        found += _items(kind, item, flag)
    if not found:
        raise UsageError(f"{flag}: no value is given.", f"For example {flag} 1,2")
    return tuple(dict.fromkeys(found))


def _kind(option: Field[Any]) -> type:
    return {"int": int, "float": float, "bool": bool, "str": str, "float | None": float}[str(option.type)]


def _items(kind: type, item: Any, flag: str) -> list[Any]:
    if not isinstance(item, str):
        return [item]
    if kind in (int, float):
        numbers = grid.numbers(item, flag)
        if kind is float:
            return list(numbers)
        if wrong := next((x for x in numbers if not x.is_integer()), None):
            raise UsageError(f"{flag} {item}: expected whole numbers, got {wrong:g}.")
        return [int(x) for x in numbers]
    parts = [part.strip() for part in item.split(",")]
    if kind is bool:
        words = {"true": True, "yes": True, "false": False, "no": False}
        if wrong_word := next((part for part in parts if part.lower() not in words), None):
            raise UsageError(f"{flag} {item}: expected true or false, got {wrong_word!r}.")
        return [words[part.lower()] for part in parts]
    return list(parts)


def seeds(given: Any) -> tuple[int, ...]:
    """`--seeds 5` is 0 to 4; a list or a range is itself. Errors: UsageError."""
    if isinstance(given, str) and not given.strip().isdecimal():
        found = grid.numbers(given, "--seeds")
    elif isinstance(given, list | tuple):
        found = tuple(float(x) for x in given)
    else:
        return tuple(range(_counted(given)))
    if any(x < 0 or not x.is_integer() for x in found):
        raise UsageError(f"--seeds {given}: expected whole numbers >= 0.", "For example --seeds 5 or --seeds 0,1,7")
    return tuple(dict.fromkeys(int(x) for x in found))


def _counted(given: Any) -> int:
    number = int(given) if isinstance(given, str) else given
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise UsageError(f"--seeds {given}: expected how many, or a list.", "For example --seeds 5 or --seeds 0,1,7")
    return number


def plan(
    task: str | None,
    given: Mapping[str, Any],
    *,
    seeds_given: Any = None,
    data: str | None = None,
    recipe: str | None = None,
    file: Path | None = None,
) -> Plan:
    """A plan from flags over a file. given: option -> text or list, task options under "task.NAME". Errors: UsageError, InputError."""
    content = _read(file) if file is not None else {}
    task = task or content.pop("task", None)
    content.pop("task", None)
    if task is None:
        raise UsageError("--task is missing.", "For example: alrnn sweep --task addition --P 0,1,2 --seeds 5")
    told = {"seeds": seeds_given, "data": data, "recipe": recipe}
    own = {name: content.pop(name, None) for name in told}
    own |= {name: value for name, value in told.items() if value is not None}
    lists = {name: tuple(_flat(one, task, file) for one in content.pop(name, ())) for name in ("exclude", "include")}
    every = {name: values(name, value, task) for name, value in {**_flat(content, task, file), **given}.items()}
    if "seed" in every:
        raise UsageError("--seed is for one run.", f"Use --seeds {','.join(map(str, every['seed']))}")
    return Plan(
        task=task,
        data=own["data"],
        recipe=own["recipe"] or "default",
        settings={name: v[0] for name, v in every.items() if len(v) == 1},
        axes={name: v for name, v in every.items() if len(v) > 1},
        seeds=seeds(1 if own["seeds"] is None else own["seeds"]),
        **lists,
    )


def _read(file: Path) -> dict[str, Any]:
    return dict(store.read_config(file))


def _flat(content: Mapping[str, Any], task: str, where: Path | None) -> dict[str, Any]:
    """Settings of a file under flat names. Errors: UsageError for an unknown key."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if key == "task_options":
            flat |= {TASK + name: v for name, v in value.items()}
        elif key in config.SECTIONS and isinstance(value, Mapping):
            flat |= dict(value)
        else:
            flat[key] = value
    known = [*config.options(), *(TASK + o.name for o in tasks.get(task).options)]
    for name in flat:
        if name not in known:
            raise UsageError(f"{where}: unknown key {name!r}.", closest(name, known))
    return flat


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    options = {k.removeprefix(TASK): v for k, v in flat.items() if k.startswith(TASK)}
    plain = {k: v for k, v in flat.items() if not k.startswith(TASK)}
    return plain | ({"task_options": options} if options else {})


def cells(asked: Plan) -> list[Cell]:
    """Every run of the plan once, seeds innermost.

    Of an axis that a model does not take (P of a gru) one value is as good as any: such runs are one cell. Errors: UsageError.
    """
    size = len(asked.seeds) * (_product(len(v) for v in asked.axes.values()) + len(asked.include))
    if size > MOST_CELLS:
        raise UsageError(f"This grid has {size:,} cells, more than {MOST_CELLS:,}.", "Give fewer values.")
    names = list(asked.axes)
    combinations = [dict(zip(names, point, strict=True)) for point in itertools.product(*asked.axes.values())]
    combinations = [c for c in combinations if not any(_matches(asked.settings | c, out) for out in asked.exclude)]
    varied = [*names, *(name for one in asked.include for name in one)]
    found: dict[str, Cell] = {}
    for own in [*combinations, *asked.include]:
        for seed in asked.seeds:
            cell = _cell(asked, own, seed, varied)
            found.setdefault(cell.id, cell)
    if not found:
        raise UsageError("Every combination of the grid is excluded.", "Exclude fewer.")
    return list(found.values())


def _product(numbers: Any) -> int:
    total = 1
    for n in numbers:
        total *= n
    return total


def _matches(settings: Mapping[str, Any], pattern: Mapping[str, Any]) -> bool:
    """Whether a combination has all values of a pattern; a list in it stands for any of its values."""
    return all(settings.get(k) in (v if isinstance(v, list) else [v]) for k, v in pattern.items())


def _cell(asked: Plan, own: Mapping[str, Any], seed: int, names: Sequence[str]) -> Cell:
    settings = {**asked.settings, **own, "seed": seed}
    options = {k.removeprefix(TASK): v for k, v in settings.items() if k.startswith(TASK)}
    plain = {k: v for k, v in settings.items() if not k.startswith(TASK)}
    model = plain.get("model", config.ModelConfig.model)
    known = config.options()
    # What every run was given is refused where it means nothing; what varies is left out for the models that do not take it.
    varied = set(asked.axes) | set(own)
    plain = {k: v for k, v in plain.items() if k not in varied or config.applies(known[k], model)}
    _, run = runs.request(asked.task, options, plain, data=asked.data, recipe=asked.recipe)
    content = run.to_dict()
    return Cell(_id(content), run, {**axes_of(content, names), "seed": seed})


def axes_of(content: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """A run's values of some options, None for one that its model does not take.

    content: its configuration as `RunConfig.to_dict` has it; names: as of `Plan.axes`.
    """
    flat = flat_of(content)
    return {name: flat.get(name) for name in dict.fromkeys(names) if name != "seed"}


def flat_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """A run's configuration without sections: task, data, options, and task options under "task.NAME"."""
    options = {TASK + k: v for k, v in content["task_options"].items()}
    return {"task": content["task"], "data": content["data"], **content["model"], **content["training"], **options}


def _id(content: Mapping[str, Any]) -> str:
    """First 12 hex digits of the sha256 of the resolved configuration."""
    return store.sha256(store.to_json(content).encode())[:12]
