"""Plain results: what one layer hands to the next. No behaviour, no torch.

Legend of array dimensions, used in every docstring of the package:

    E  members trained together      n  trials (a dataset)       B  trials in one batch
    T  time steps                    K  inputs (after encoding)  N  outputs
    M  units                         P  piecewise-linear units, always the last P of the M
"""

from .analysis import (
    ANALYSIS_SCHEMA,
    AnalysisReport,
    Complete,
    ModelFacts,
    Source,
)
from .causes import (
    Lesion,
    Linearised,
    LinearisedUnit,
)
from .checkpoint import CHECKPOINT_SCHEMA, ON_THE_WAY, Checkpoint, CheckpointMeta, History
from .influence import Influence
from .memory import (
    LineAttractor,
    Lyapunov,
    SlowMode,
)
from .points import (
    Branch,
    Collision,
    Continuation,
    Cycle,
    FixedPoint,
)
from .regions import (
    Information,
    Mode,
    Normality,
    PhaseLag,
    Region,
    Transitions,
    UnitSwitching,
    Usage,
)
from .runs import Parameters, Tokens, Trajectories, Trials
from .series import (
    Bifurcation,
    LossJumps,
    PointState,
    SeriesPoint,
)
from .states import Explained, StateSpread

__all__ = [
    "ANALYSIS_SCHEMA",
    "CHECKPOINT_SCHEMA",
    "ON_THE_WAY",
    "AnalysisReport",
    "Bifurcation",
    "Branch",
    "Checkpoint",
    "CheckpointMeta",
    "Collision",
    "Complete",
    "Continuation",
    "Cycle",
    "Explained",
    "FixedPoint",
    "History",
    "Influence",
    "Information",
    "Lesion",
    "LineAttractor",
    "Linearised",
    "LinearisedUnit",
    "LossJumps",
    "Lyapunov",
    "Mode",
    "ModelFacts",
    "Normality",
    "Parameters",
    "PhaseLag",
    "PointState",
    "Region",
    "SeriesPoint",
    "SlowMode",
    "Source",
    "StateSpread",
    "Tokens",
    "Trajectories",
    "Transitions",
    "Trials",
    "UnitSwitching",
    "Usage",
]
