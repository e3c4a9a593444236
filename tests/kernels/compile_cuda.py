"""Compile the kernels of the cuda backend to machine code, without a GPU, and report what the code takes. One JSON line each.

    python tests/kernels/compile_cuda.py 80,90 50,128 [rows…]

Triton brings NVIDIA's assembler. What it is given here is what a launch would give it: the same constants, the same integers
known to be 1 or multiples of 16, the same warps and stages.
"""

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.pop("TRITON_INTERPRET", None)

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from alrnn_cli.kernels import _triton, cuda

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
INTEGERS = ("B", "T", "n", "t0", "M", "W_MEMBER", "W_IN", "W_OUT")


def source(kernel, plan, M, lengths, grad, store):
    """What a launch of `kernel` would compile."""
    back = kernel is _triton.backward
    absent = {"LENGTHS": not lengths, "GRAD": back and not grad}
    stride = (plan.block, 1) if plan.panel else (M, 1) if back else (1, M)
    known = {"M": M, "W_MEMBER": plan.block**2 if plan.panel else M * M, "W_IN": stride[0], "W_OUT": stride[1]}
    options = cuda._options(plan)
    launch = {k: options.pop(k) for k in ("num_warps", "num_stages")}
    constants = options if back else {**options, "STORE": store}
    signature, attributes = {}, {}
    for position, name in enumerate(kernel.arg_names):
        if absent.get(name):
            constants[name] = None
        elif known.get(name) == 1:
            constants[name] = 1
        if name in constants:
            signature[name] = "constexpr"
            continue
        pointer = name not in INTEGERS
        signature[name] = {"PWL": "*i1", "LENGTHS": "*i64"}.get(name, "*fp32") if pointer else "i32"
        if pointer or known.get(name, 0) % 16 == 0 and name in known:
            attributes[(position,)] = [["tt.divisibility", 16]]
    return ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=attributes), launch


def measure(kernel, plan, M, arch, lengths=True, grad=True, store=True):
    """Registers a thread, bytes of its stack (spills), bytes of shared memory, and instructions of the machine code by name."""
    src, launch = source(kernel, plan, M, lengths, grad, store)
    built = triton.compile(src, target=GPUTarget("cuda", arch, 32), options=launch)
    with tempfile.NamedTemporaryFile(suffix=".cubin") as f:
        f.write(built.asm["cubin"])
        f.flush()
        usage, code = (
            subprocess.run([TOOLS / tool, option, f.name], capture_output=True, text=True, check=True).stdout
            for tool, option in (("cuobjdump", "-res-usage"), ("nvdisasm", "-c"))
        )
    registers, stack = map(int, re.search(r"REG:(\d+) STACK:(\d+)", usage).groups())
    names = re.findall(r"^\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9]+)", code, flags=re.MULTILINE)
    return {
        "kernel": kernel.__name__, "arch": arch, "M": M, "rows": plan.rows, "panel": plan.panel, "warps": plan.warps,
        "precision": plan.precision, "lengths": lengths, "grad": grad, "store": store,
        "registers": registers, "stack": stack, "shared": built.metadata.shared,
        "instructions": {n: names.count(n) for n in sorted(set(names))},
    }  # fmt: skip


def plans(M):
    """Every division of work that the rule can choose for M units."""
    seen = {cuda.plan(1, B, M, 1, tf32): None for B, tf32 in itertools.product((1, 4, 16), (False, True))}
    return list(seen)


if __name__ == "__main__":
    archs, units = ([int(x) for x in arg.split(",")] for arg in sys.argv[1:3])
    for arch, M in itertools.product(archs, units):
        for plan in plans(M):
            for kernel in (_triton.forward, _triton.backward):
                print(json.dumps(measure(kernel, plan, M, arch)), flush=True)
