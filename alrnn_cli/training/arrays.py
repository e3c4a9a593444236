"""Elementwise work on tensors through the library that calls it fastest.

A training step does some forty small operations on (E, n). On the CPU numpy calls one in a third of the time that torch
takes; on an accelerator there is only torch. Both know the same names (`multiply`, `sqrt`, `where`, …, with `out=`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def library(device: torch.device) -> Any:
    """numpy for the CPU, else torch."""
    return np if device.type == "cpu" else torch


def array(x: Tensor) -> Any:
    """The tensor's own memory for `library` to work on."""
    return x.detach().numpy() if x.device.type == "cpu" else x.detach()
