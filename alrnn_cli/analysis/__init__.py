"""What a trained AL-RNN does: subregions used, modes, fixed points, principal components. Float64 numpy only."""

from .report import analyze

__all__ = ["analyze"]
