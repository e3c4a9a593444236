"""Imports point down. The lines of the design, read from the code."""

import ast
from pathlib import Path

import pytest

import alrnn_cli

ROOT = Path(alrnn_cli.__file__).parent
#: who may import whom inside the package; a part may always import itself
ALLOWED = {
    "errors": set(),
    "lazy": set(),
    "signals": set(),
    "catalogue": {"errors"},
    "config": {"catalogue", "errors"},
    "records": {"errors", "lazy"},
    "dynamics": {"records", "errors"},
    "store": {"records", "errors"},
    "maps": {"store", "catalogue", "records", "errors"},
    "freerun": {"dynamics", "records"},
    "foreign": {"store", "dynamics", "records", "errors"},
    "material": {"analysis", "maps", "rollout", "tasks", "freerun", "foreign", "store", "records", "errors"},
    "example": {"tasks", "records"},
    "runs": {"tasks", "config", "errors"},
    "data": {"tasks", "errors"},
    "importing": {"tasks", "records", "config", "errors", "store", "__version__"},
    "kernels": {"dynamics", "records", "config", "errors"},
    "model": {"kernels", "catalogue", "dynamics", "records", "config", "errors"},
    "tasks": {"records", "config", "errors", "lazy", "store"},
    "training": {
        "tasks",
        "model",
        "maps",
        "kernels",
        "dynamics",
        "records",
        "config",
        "errors",
        "store",
        "__version__",
    },
    "rollout": {"training", "tasks", "model", "records", "config", "errors"},
    "grid": {"errors"},
    "wording": set(),
    "sweep": {"runs", "wording", "training", "tasks", "material", "examine", "config", "grid", "store", "errors"},
    "analysis": {"dynamics", "wording", "maps", "records", "config", "grid", "errors"},
    "figures": {"dynamics", "records", "config", "errors", "store", "sweep"},
    "bench": {"training", "analysis", "kernels", "figures", "config", "errors", "__version__"},
    "reduction": {"analysis", "maps", "store", "records", "errors"},
    "examine": {"config", "analysis", "maps", "material", "store", "records", "errors", "__version__"},
    "page": {"figures", "analysis", "wording", "tasks", "config", "records", "errors"},
}
FORBIDDEN = {
    "analysis": {"torch", "matplotlib", "rich", "typer"},
    "figures": {"torch", "scipy", "rich", "typer"},
    "store": {"torch"},
    "maps": {"torch"},
    "catalogue": {"torch", "numpy"},
    "page": {"torch", "scipy", "rich", "typer"},
    "freerun": {"torch"},
    "foreign": {"torch"},
    "material": {"torch"},
    "dynamics": {"torch"},
    "records": {"torch"},
    "tasks": {"torch"},
    "config": {"torch", "numpy"},
    "errors": {"torch", "numpy"},
    "training": {"rich", "typer"},
    "bench": {"rich", "typer"},
}


def imports(path):
    """(inside, outside) names that a file imports anywhere in it, type-checking blocks left out."""
    package = path.relative_to(ROOT.parent).with_suffix("").parts
    inside, outside = set(), set()
    skipped = set()
    tree = ast.parse(path.read_text(encoding="utf8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skipped |= {id(n) for child in node.body for n in ast.walk(child)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            outside |= {a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                outside.add((node.module or "").split(".")[0])
                continue
            base = package[: len(package) - node.level]
            parts = [*base, *(node.module.split(".") if node.module else [])][1:]
            inside |= {parts[0]} if parts else {a.name for a in node.names}
    return inside, outside


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    inside, outside = imports(path)
    assert "click" not in outside, "typer vendors its own"
    if part in ALLOWED:
        assert inside - {part} <= ALLOWED[part]
    assert not outside & FORBIDDEN.get(part, set())


def test_nothing_prints_but_the_command_line():
    for path in ROOT.rglob("*.py"):
        if path.relative_to(ROOT).parts[0] != "cli":
            calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf8"))) if isinstance(n, ast.Call)]
            assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"], path
