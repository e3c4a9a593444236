"""Names of metrics: "accuracy.DelayPro" is the part of "accuracy" that is about DelayPro."""

from __future__ import annotations

from collections.abc import Iterable


def parts(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Each metric that is no other's part, in order -> its parts -> their full names. Returns: {"accuracy": {"A": "accuracy.A"}, …}."""
    known = list(names)
    found: dict[str, dict[str, str]] = {}
    for name in known:
        whole, dot, part = name.partition(".")
        if dot and whole in known:
            found.setdefault(whole, {})[part] = name
        else:
            found.setdefault(name, {})
    return found
