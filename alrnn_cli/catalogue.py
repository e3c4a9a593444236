"""Which models there are and which options each takes, read from their files without importing them: torch would come along.

A model is a file of `model/` with TAKES, the names of those options of ModelConfig and TrainingConfig marked `own` that have a
meaning for it, and MODEL, its class; every model takes all other options. A file of the same name in `maps/` is its twin for analysis.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from .errors import UsageError, closest

_FOLDER = Path(__file__).parent / "model"
_NOT_MODELS = {"__init__", "encoders", "gated", "network", "penalty"}


@cache
def names() -> tuple[str, ...]:
    """Names of all models, the almost-linear RNN first."""
    return tuple(sorted({p.stem for p in _FOLDER.glob("*.py")} - _NOT_MODELS, key=lambda name: (name != "alrnn", name)))


@cache
def takes(name: str) -> frozenset[str]:
    """The options of its own that the model takes. Errors: UsageError for an unknown one."""
    for statement in _parsed(name).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "TAKES":
            return frozenset(ast.literal_eval(statement.value))
    raise AssertionError(f"model/{name}.py has no TAKES")  # a mistake in our own file


def _parsed(name: str) -> ast.Module:
    if name not in names():
        raise UsageError(f"--model {name}: expected one of {', '.join(names())}.", closest(name, names()))
    return ast.parse((_FOLDER / f"{name}.py").read_text(encoding="utf8"))
