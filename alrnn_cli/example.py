"""A task without a model: some of its trials as a record that figures can draw."""

from __future__ import annotations

import numpy as np

from .records import AnalysisReport, Trials
from .tasks.base import Task

_TRIALS = 100


def example(task: Task) -> AnalysisReport:
    """A report that holds the first test trials of a task and the names of its parts, and nothing of a model (M = 0).

    arrays: trajectories.{s,targets,mask,lengths,conditions,phases}, s before any encoder. Errors: those of the task's `split`.
    """
    test = task.split("test")
    trials = test.take(slice(0, _TRIALS))
    return AnalysisReport(
        source={},
        model={"M": 0, "P": 0, "K": task.K, "N": task.N, "readout": "z"},
        task={
            "name": task.name,
            "options": task.opt,
            "input_names": list(task.input_names),
            "output_names": list(task.output_names),
            "condition_names": list(task.condition_names),
            "phase_names": [phase.name for phase in task.phases],
            "metrics": task.metrics,
            "dt": task.dt,
            "dt_unit": task.dt_unit,
        },
        settings={"trials": len(trials), "states": "none"},
        score={},
        chance=dict(task.chance),
        summary=(),
        usage={},
        regions=(),
        fixed_points=(),
        complete={},
        history={},
        warnings=(),
        provenance={},
        arrays=_arrays(trials),
    )


def _arrays(trials: Trials) -> dict[str, np.ndarray]:
    names = ("targets", "mask", "lengths", "conditions", "phases")
    return {"trajectories.s": trials.inputs} | {f"trajectories.{name}": getattr(trials, name) for name in names}
