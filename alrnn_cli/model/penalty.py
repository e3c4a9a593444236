"""Manifold regularisation: the pull of some units towards a perfect memory."""

from __future__ import annotations

import torch
from torch import Tensor


def weights(tau: list[float], M_reg: list[int], M: int) -> Tensor:
    """What each member's penalty gives to each unit: tau on the first M_reg of them, 0 on the others. Returns: (E, M)."""
    regularised = torch.arange(M) < torch.tensor(M_reg)[:, None]
    return torch.tensor(tau)[:, None] * regularised


def manifold(A: Tensor, W: Tensor, h: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Σ_i weight_i [ (A_ii + W_ii - 1)² + Σ_{j≠i} W_ij² + h_i² ] and its gradient; zero where those units are z_i ← z_i.

    With R = W + diag(A) - I the bracket is Σ_j R_ij² + h_i², so the gradient is 2 weight_i R_ij for W_ij, its diagonal
    for A_i, and 2 weight_i h_i for h_i.
    A, h, weight: (E, M); W: (E, M, M). Returns: the penalty (E,), and the gradient for A, W and h in their shapes.
    Source: Schmidt et al. 2021 (ICLR); Brenner & Koppe 2025, arXiv 2506.07919.
    """
    R = W.clone()
    torch.diagonal(R, dim1=-2, dim2=-1).add_(A).sub_(1)
    value = (weight * (R.square().sum(-1) + h.square())).sum(-1)
    double = 2 * weight
    R.mul_(double[..., None])
    return value, torch.diagonal(R, dim1=-2, dim2=-1), R, double * h
