"""What a trained model does: subregions used, modes, fixed points, principal components, causal tests. Float64 numpy only."""

from .linearise import reduced
from .report import analyze
from .scoring import Scoring
from .smooth import analyze_smooth, refuse

__all__ = ["Scoring", "analyze", "analyze_smooth", "reduced", "refuse"]
