"""Manifold regularisation: the pull of some units towards a perfect memory."""

from __future__ import annotations

import torch
from torch import Tensor


def manifold(A: Tensor, W: Tensor, h: Tensor, M_reg: int) -> Tensor:
    """Σ_{i<M_reg} [ (A_ii + W_ii - 1)² + Σ_{j≠i} W_ij² + h_i² ], zero where the first M_reg units are z_i ← z_i.

    A, h: (E, M); W: (E, M, M). Returns: (E,), without the weight tau.
    Source: Schmidt et al. 2021 (ICLR); Brenner & Koppe 2025, arXiv 2506.07919.
    """
    rows = W[:, :M_reg]
    diagonal = torch.diagonal(rows, dim1=-2, dim2=-1)
    # The squares of the whole rows less the diagonal's own is a sum of products; masking the diagonal keeps it exact.
    off = rows.masked_fill(torch.eye(M_reg, rows.shape[-1], dtype=torch.bool, device=W.device), 0)
    return (A[:, :M_reg] + diagonal - 1).square().sum(-1) + off.square().sum((-1, -2)) + h[:, :M_reg].square().sum(-1)
