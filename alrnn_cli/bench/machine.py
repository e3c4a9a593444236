"""What a measurement was taken on."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch

from .. import __version__


def describe(device: torch.device) -> dict[str, Any]:
    """Processor, cores used and versions; for an accelerator its name and memory as well."""
    found: dict[str, Any] = {
        "processor": _processor(),
        "system": platform.system(),
        "threads": torch.get_num_threads(),
        "alrnn": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": device.type,
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found["processor"] = properties.name
        found["memory"] = properties.total_memory
    else:
        found["vectors"] = torch.backends.cpu.get_cpu_capability()
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
