"""Manifold regularisation: the pull of some units towards a perfect memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def weights(tau: list[float], M_reg: list[int], M: int) -> Tensor:
    """What each member's penalty gives to each unit: tau on the first M_reg of them, 0 on the others. Returns: (E, M)."""
    regularised = torch.arange(M) < torch.tensor(M_reg)[:, None]
    return torch.tensor(tau)[:, None] * regularised


def manifold(A: Any, W: Any, h: Any, weight: Any) -> tuple[Any, Any, Any, Any]:
    """Σ_i weight_i [ (A_ii + W_ii - 1)² + Σ_{j≠i} W_ij² + h_i² ] and its gradient; zero where those units are z_i ← z_i.

    With R = W + diag(A) - I the bracket is Σ_j R_ij² + h_i², so the gradient is 2 weight_i R_ij for W_ij, its diagonal
    for A_i, and 2 weight_i h_i for h_i.
    A, h, weight: (E, M); W: (E, M, M), all tensors or all numpy arrays. Returns: the penalty (E,), and the gradient for
    A, W and h in their shapes.
    Source: Schmidt et al. 2021 (ICLR); Brenner & Koppe 2025, arXiv 2506.07919.
    """
    E, M = h.shape
    flat = (W * 1).reshape(E, M * M)
    diagonal = flat[:, :: M + 1]
    diagonal += A - 1
    R = flat.reshape(E, M, M)
    value = (weight * ((R * R).sum(-1) + h * h)).sum(-1)
    double = 2 * weight
    R *= double[..., None]
    return value, diagonal, R, double * h
