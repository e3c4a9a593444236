"""Reports for pages: the closed-form addition network with what its mechanism is told from, and names that mean harm."""

from __future__ import annotations

import dataclasses

from alrnn_cli.records import AnalysisReport, Influence, Lesion, UnitSwitching

from ..figures import builders as b

SUMMARY = (
    "On 100 trials mse is 6.7e-07; chance is 0.167.",
    "Of 2^1 = 2 linear subregions 2 are used.",
    "In subregion 0 a mode.",
)


def addition() -> AnalysisReport:
    """The gate of one nonlinear unit, as an analysis tells of it: influences 1 and 0 are known from its weights."""
    report = b.addition(history=b.history(12, restart_at=5))
    marked = [Influence("all", 480, 12, ((0.05, 0.05),), ((0.2, 0.2),)), Influence("mask off", 456, 12, ((0.0, 0.0),), ((0.0, 0.0),)),
              Influence("mask on", 24, 12, ((1.0, 1.0),), ((0.0, 0.0),))]  # fmt: skip
    lesions = [Lesion("unit 1", kind, {"mse": score}, score - 0.01, 0.1, "worse", 0, unit=1, bit=bit)
               for kind, score, bit in (("linearise", 400.0, True), ("silence", 1.2, False), ("freeze", 1.2, False))]  # fmt: skip
    task = {
        **(report.task or {}),
        "input_names": ["value", "mask"],
        "output_names": ["answer"],
        "metrics": {"mse": "min"},
        "metric": "mse",
    }
    return dataclasses.replace(
        report, task=task, summary=SUMMARY, influences=tuple(marked), lesions=tuple(lesions),
        units=(UnitSwitching(1, 0.05, 0.1, "switching"),),
        fixed_point_counts={name: {"continuum": 1, "none": 1, "real": 0, "virtual": 0} for name in report.settings["inputs"]},
        provenance={"command": "alrnn analyze addition.safetensors", "versions": {"alrnn": "0"}, "checkpoint": {"status": "imported"}},
    )  # fmt: skip


HARM = (
    "<script>document.title='taken'</script>", '"><img src=x onerror="document.title=1">', "</style><b id=taken>", "javascript:alert(3)",
    "a'b&amp;c", "{{ 7 * 7 }}", "--><svg onload=alert(4)>", "</script><script>alert(5)</script>", "http://example.org/$x$",
)  # fmt: skip


def hostile() -> AnalysisReport:
    """A report in which every name, path and unit that a user can choose tries to break out of the page."""
    report = b.network(4, 2, conditions=3)
    renamed = {"stimulus": HARM[2], "delay": HARM[3]}

    def new(name: str) -> str:
        return renamed.get(name, name)

    task = {
        **(report.task or {}), "name": HARM[0], "condition_names": [HARM[1], HARM[4], HARM[8]], "phase_names": list(renamed.values()),
        "input_names": [HARM[3], HARM[5]], "output_names": [HARM[6]], "dt_unit": HARM[2], "options": {HARM[0]: HARM[7]}, "metric": HARM[1],
        "metrics": {HARM[1]: HARM[0]},
    }  # fmt: skip
    return dataclasses.replace(
        report,
        task=task,
        source={"file": HARM[1] + ".safetensors", "sha256": HARM[7]},
        settings={**report.settings, "inputs": [new(n) for n in report.settings["inputs"]], HARM[0]: HARM[2]},
        score={HARM[1]: 0.1},
        chance={HARM[1]: 0.2},
        summary=HARM,
        warnings=HARM,
        usage={new(k): v for k, v in report.usage.items()},
        regions=tuple(
            dataclasses.replace(r, frequency_by_phase={new(k): v for k, v in r.frequency_by_phase.items()}) for r in report.regions
        ),
        fixed_points=tuple(dataclasses.replace(p, phase=new(p.phase)) for p in report.fixed_points),
        fixed_point_counts={new(p.phase): {"real": 1, "virtual": 3} for p in report.fixed_points},
        influences=(Influence(HARM[2], 5, 2, ((1.0, 0.5),), ((0.1, 0.1),)), Influence(HARM[3], 5, 2, ((0.0, 0.0),), ((0.1, 0.1),))),
        history={**b.history(5), HARM[0]: [1.0]},
        provenance={"command": HARM[0], "versions": {HARM[0]: HARM[2]}, "config": {HARM[7]: {HARM[2]: HARM[1]}},
                    "checkpoint": {"status": HARM[2], "reason": HARM[0], "seeds": {HARM[1]: 3}, "imported": {HARM[0]: HARM[2]}}},
    )  # fmt: skip
