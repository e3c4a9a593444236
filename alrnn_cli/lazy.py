"""A module that is imported when it is first used: task files say what options they take without loading numpy."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


class _Lazy(ModuleType):
    def __getattr__(self, name: str) -> Any:
        module = import_module(self.__name__)
        # From now on attributes are found without coming here.
        self.__dict__.update(module.__dict__)
        return getattr(module, name)


def lazy(name: str) -> Any:
    """A stand-in for the module `name`; it is not put into sys.modules, so nobody else meets it."""
    return _Lazy(name)
