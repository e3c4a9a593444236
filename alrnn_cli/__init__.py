"""Almost-linear RNNs: train them, take them apart, show what is inside. The Python names are those of the commands."""

from __future__ import annotations

__version__ = "0.1.0"
