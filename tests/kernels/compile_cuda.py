"""Compile the kernels of the cuda backend to machine code, without a GPU, and report what the code takes. One JSON line each.

    python tests/kernels/compile_cuda.py 80,90 50,128

Triton brings NVIDIA's assembler and needs a GPU only to launch. Here the backend runs on the CPU's tensors as it is; Triton is told
that a GPU of the given kind is there, and every launch stops once its kernel is compiled. So what is compiled is what a launch
compiles, down to the integers that Triton builds in and the warps and stages the rule chose.
"""

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

os.environ.pop("TRITON_INTERPRET", None)

import torch
import triton
from triton.backends.compiler import GPUTarget

from alrnn_cli.kernels import _triton, cuda

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"


def pretend(arch):
    """Let Triton compile for a GPU of compute capability arch / 10."""
    driver = SimpleNamespace(
        get_current_target=lambda: GPUTarget("cuda", arch, 32),
        get_current_device=lambda: arch,
        get_current_stream=lambda device: 0,
    )
    triton.runtime.driver.set_active(driver)


class Compiled:
    """Stands in for a kernel: compiles at each launch, collects what came out, runs nothing."""

    def __init__(self, kernel, found):
        self.kernel, self.found = kernel, found

    def __getitem__(self, grid):
        def launch(*args, **options):
            self.found.append((self.kernel.__name__, self.kernel.run(*args, grid=grid, warmup=True, **options)))

        return launch


def usage(built):
    """Registers a thread, bytes of its stack (spills), bytes of shared memory, and instructions of the machine code by name."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as f:
        f.write(built.asm["cubin"])
        f.flush()
        table, code = (
            subprocess.run([TOOLS / tool, option, f.name], capture_output=True, text=True, check=True).stdout
            for tool, option in (("cuobjdump", "-res-usage"), ("nvdisasm", "-c"))
        )
    registers, stack = map(int, re.search(r"REG:(\d+) STACK:(\d+)", table).groups())
    names = re.findall(r"^\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9]+)", code, flags=re.MULTILINE)
    instructions = {n: names.count(n) for n in sorted(set(names))}
    return {"registers": registers, "stack": stack, "shared": built.metadata.shared, "instructions": instructions}


def launches(plan, M, lengths, last, shape=(1, 2, 3)):
    """[(name of the kernel, what was compiled)] of one forward and one backward pass over `shape` (E, B, T)."""
    found = []
    patched = {name: getattr(_triton, name) for name in ("forward", "backward")}
    rule, count = cuda.plan, cuda._multiprocessors
    try:
        for name, kernel in patched.items():
            setattr(_triton, name, Compiled(kernel, found))
        cuda.plan, cuda._multiprocessors = lambda *_: plan, lambda _: 1
        E, B, T, K = *shape, 1
        s, A, W, C, h, z0 = (torch.zeros(E, *d) for d in ((B, T, K), (M,), (M, M), (M, K), (M,), (B, M)))
        pwl = torch.ones(E, M, dtype=torch.bool)
        steps = torch.full((E, B), T) if lengths else None
        cuda.run(s, A, W.requires_grad_(), C, h, z0, pwl, steps, last).sum().backward()
    finally:
        for name, kernel in patched.items():
            setattr(_triton, name, kernel)
        cuda.plan, cuda._multiprocessors = rule, count
    return found


def plans(M):
    """Every division of work that the rule can choose for M units."""
    seen = {cuda.plan(1, B, M, 1, tf32): None for B, tf32 in itertools.product((1, 4, 16), (False, True))}
    return list(seen)


def main():
    archs, units = ([int(x) for x in arg.split(",")] for arg in sys.argv[1:3])
    for arch, M in itertools.product(archs, units):
        pretend(arch)
        for plan in plans(M):
            # With everything, which takes the most registers, and with what last=True leaves out.
            for lengths, last in ((True, False), (False, True)):
                found = launches(plan, M, lengths, last)
                again = launches(plan, M, lengths, last, shape=(3, 32, 16))
                if any(a is not b for (_, a), (_, b) in zip(found, again, strict=True)):
                    sys.exit(f"another E, B or T compiles anew: {plan}, M = {M}")
                for name, built in found:
                    key = {"arch": arch, "M": M, "kernel": name, "lengths": lengths, "last": last, **vars(plan)}
                    print(json.dumps({**key, **usage(built)}), flush=True)


if __name__ == "__main__":
    main()
