"""Scores in numpy, shared by tasks: float64, averaged over counted steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


def mse(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Mean squared error over every entry. outputs, targets: same shape."""
    return float(np.mean((outputs.astype(np.float64) - targets.astype(np.float64)) ** 2))


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of trials or steps whose largest logit is the label's. logits: (..., N), labels: (...) int."""
    return float(np.mean(np.argmax(logits, axis=-1) == labels))


def sequence_accuracy(logits: np.ndarray, labels: np.ndarray, mask: np.ndarray) -> float:
    """Share of trials that are right at every counted step. logits: (n, T, N), labels: (n, T) int, mask: (n, T) bool."""
    return float(np.mean(((np.argmax(logits, axis=-1) == labels) | ~mask).all(axis=1)))


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -ln softmax(logits)[label], in nats. logits: (..., N), labels: (...) int."""
    x = logits.astype(np.float64)
    top = x.max(axis=-1, keepdims=True)
    log_z = top[..., 0] + np.log(np.exp(x - top).sum(axis=-1))
    return float(np.mean(log_z - np.take_along_axis(x, labels[..., None], axis=-1)[..., 0]))
