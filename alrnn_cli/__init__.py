"""Almost-linear RNNs: train them, take them apart, show what is inside. The Python names are those of the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "analyze",
    "data",
    "example",
    "import_model",
    "load",
    "plot",
    "plot_all",
    "report",
    "train",
    "trajectories",
]

if TYPE_CHECKING:
    from . import data
    from .api import analyze, example, import_model, load, plot, plot_all, report, train, trajectories


def __getattr__(name: str) -> Any:
    """Load the API when it is asked for: `alrnn --help` must not wait for it."""
    if name == "data":
        from importlib import import_module

        return import_module(".data", __name__)
    if name in __all__:
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
