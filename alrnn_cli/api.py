"""The Python API: the commands as functions, under the same names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import config, figures, runs, store, tasks
from .errors import OutputExistsError, UsageError
from .records import AnalysisReport, Checkpoint, Trajectories

if TYPE_CHECKING:
    from .figures import Drawing
    from .importing._convert import Imported
    from .training.run import Run

__all__ = ["analyze", "example", "import_model", "load", "plot", "plot_all", "report", "train", "trajectories"]


def train(
    task: str,
    *,
    out: str | Path = "ckpt.safetensors",
    task_options: Mapping[str, Any] | None = None,
    data: str | None = None,
    recipe: str = "default",
    device: str = "cpu",
    backend: str = "auto",
    threads: int = 0,
    tf32: bool = False,
    overwrite: bool = False,
    resume: bool = False,
    save_every: int = 0,
    **settings: Any,
) -> Run:
    """Train a model and write a checkpoint, as `alrnn train` does.

    settings: any option of the command by its name in the configuration: P=1, lr=3e-3, max_steps=100, …
    Returns: Run, with the checkpoint and why training ended. Errors: AlrnnError of the kind that the command exits with.
    """
    from .training import run

    task_class, configuration = runs.request(task, task_options or {}, settings, data=data, recipe=recipe)
    t = configuration.training
    made = task_class(configuration.task_options, data=data, seed=t.seed, eval_seed=t.eval_seed)
    return run.train(
        configuration,
        made,
        Path(out),
        device=device,
        backend=backend,
        threads=threads,
        tf32=tf32,
        overwrite=overwrite,
        resume=resume,
        save_every=save_every,
    )


def load(path: str | Path) -> Checkpoint | AnalysisReport:
    """A checkpoint, or the analysis in an *.analysis.json. Errors: InputError."""
    path = Path(path)
    return store.load_analysis(path) if path.name.endswith(".analysis.json") else store.load_checkpoint(path)


def import_model(
    file: str | Path,
    format: str,
    *,
    P: int | None = None,
    readout: str | None = None,
    task: str | None = None,
    task_options: Mapping[str, Any] | None = None,
    data: str | None = None,
    out: str | Path = "ckpt.safetensors",
    overwrite: bool = False,
) -> Imported:
    """Turn a model made elsewhere into a checkpoint at `out`, as `alrnn import` does.

    format: what made it, a name of `importing.names()`; P, readout: where the file does not say; task: whose trials it is to be
    analysed on, with its options and data. Returns: Imported, with the checkpoint.
    Errors: InputError where the file is not of that format, UsageError, OutputExistsError where `out` is there.
    """
    from .importing._convert import convert

    file, out = Path(file), Path(out)
    if out.is_dir() or out.suffix != ".safetensors":
        raise UsageError(
            f"--out {out}: must be a file that ends in .safetensors.", f"For example {out.stem}.safetensors"
        )
    if out.exists() and file.exists() and out.samefile(file):
        raise UsageError(f"--out {out} is the file that is imported.", "Choose another --out.")
    if out.exists() and not overwrite:
        raise OutputExistsError(f"{out} is there.", "Choose another --out, or --overwrite it.")
    if task is None and (task_options or data is not None):
        given = "--task-opt" if task_options else "--data"
        raise UsageError(f"{given} is given without a task.", "Name the task: --task NAME")
    made = None if task is None else tasks.get(task)(dict(task_options or {}), data=data)
    imported = convert(file, format, P=P, readout=readout, task=made)
    store.save_checkpoint(out, imported.checkpoint)
    return imported


def analyze(
    checkpoint: str | Path | Sequence[str | Path],
    *,
    data: str | None = None,
    trials: int | None = None,
    steps: int | None = None,
    transient: int | None = None,
    seed: int | None = None,
    trajectories: str | Path | None = None,
    inputs: Sequence[str] = (),
    input_sweep: str | None = None,
    virtual: bool = False,
    lesions: bool = False,
    linearise_until: float | None = None,
    save_reduced: str | Path | None = None,
    compat: str | None = None,
    lyapunov: bool = False,
    save: bool = True,
    **limits: int,
) -> AnalysisReport:
    """Take a checkpoint apart, as `alrnn analyze` does; `save` writes the two files beside it.

    checkpoint: several of one run give the last one's report, with `series` and `bifurcations` of all; trajectories: a file of states
    to analyze instead; steps, transient, seed: of the free run of a model without a task; inputs: more constant inputs,
    "0.5,0" or "mask=1"; input_sweep: "mask=0:1:0.05"; virtual: list virtual fixed points as well; lesions, linearise_until: causal
    tests as well; save_reduced: where to write the model whose units the latter made linear; compat: "alrnn-dsr" for that code's
    transition matrix as well; lyapunov: exponents as well; limits: budget (seconds), max_period, … as of
    `alrnn_cli.analysis.limits.Limits`.
    Errors: InputError; UsageError for causal tests without a task, or save_reduced without linearise_until; OutputExistsError.
    """
    from .material import Request
    from .reduction import check, save_reduction
    from .series import analyze as take_apart
    from .series import in_order

    target = check(save_reduced, linearise_until)
    asked = config.AnalysisConfig(
        tuple(inputs), input_sweep, virtual, lesions, linearise_until, compat, lyapunov, limits
    )
    request = Request(data, trials, steps, transient, seed, None if trajectories is None else Path(trajectories))
    listed = in_order([Path(p) for p in ([checkpoint] if isinstance(checkpoint, str | Path) else checkpoint)])
    report, last = take_apart(listed, request, asked), listed[-1].path
    if save:
        store.save_analysis(store.analysis_paths(last)[0], report)
    if target is not None:
        save_reduction(target, last, report)
    return report


def trajectories(
    checkpoint: str | Path,
    *,
    out: str | Path | None = None,
    data: str | None = None,
    trials: int | None = None,
    steps: int | None = None,
    transient: int | None = None,
    seed: int | None = None,
) -> Trajectories:
    """What a model does: on its task's first `trials` test trials, or freely where it has no task; `out` writes it to a file.

    out: .npz or .safetensors, as `analyze(…, trajectories=FILE)` reads it; steps, transient, seed: of a free run.
    Returns: Trajectories. Errors: InputError, UsageError.
    """
    from .material import Request, material

    states = material(
        store.load_checkpoint(Path(checkpoint)), Request(data, trials, steps, transient, seed)
    ).trajectories
    if out is not None:
        store.save_trajectories(Path(out), states)
    return states


def example(task: str, options: Mapping[str, Any] | None = None, *, data: str | Path | None = None) -> AnalysisReport:
    """A task's first test trials as a report that `plot("trial", …)` draws; there is no model in it.

    options: as with `--task-opt`; data: the task's file or folder. Errors: UsageError, InputError.
    """
    from .example import example as of_task

    return of_task(tasks.get(task)(dict(options or {}), data=None if data is None else str(data)))


def plot(
    figure: str,
    *reports: AnalysisReport,
    out: str | Path | None = None,
    data: str | Path | None = None,
    width: str = "column",
    labels: Sequence[str] | None = None,
    **options: Any,
) -> Drawing:
    """Draw a figure of one or more reports, and write it where `out` is given.

    out: .pdf, .svg or .png; data: a .csv file for the plotted numbers; width: column, full or slide; labels: what to call each report;
    options: of the figure, as `alrnn plot FIGURE --list` shows them.
    Returns: Drawing, with the matplotlib figure, a caption and the plotted numbers. Errors: UsageError, InputError.
    """
    given = {k: str(v) for k, v in options.items()}
    drawing = figures.draw(figure, reports, labels=labels, width=width, options=given)
    if out is not None:
        figures.save(drawing, Path(out))
    if data is not None:
        figures.save_data(drawing, Path(data))
    return drawing


def plot_all(
    *reports: AnalysisReport,
    out: str | Path,
    format: str = "pdf",
    width: str = "column",
    labels: Sequence[str] | None = None,
) -> dict[str, Drawing]:
    """Draw every figure that the reports support into the folder `out`, as FIGURE.pdf, .svg or .png.

    Returns: the drawings by figure; those that the reports do not support are left out.
    Errors: UsageError for a format or width that there is not; InputError without a report.
    """
    drawn = {}
    for name, drawing in figures.draw_all(reports, labels=labels, width=width):
        if isinstance(drawing, figures.Drawing):
            figures.save(drawing, Path(out) / f"{name}.{format}")
            drawn[name] = drawing
    return drawn


def report(
    *reports: AnalysisReport | str | Path, out: str | Path | None = None, baselines: Sequence[str | Path] = ()
) -> str:
    """One HTML page that explains a model, or several side by side; it is written where `out` is given.

    reports: analyses, or their files; baselines: checkpoints of other models, whose test scores are set beside.
    Returns: the page. Errors: InputError.
    """
    from .page import Baseline, make

    loaded = [r if isinstance(r, AnalysisReport) else store.load_analysis(Path(r)) for r in reports]
    files = [_file_of(given) for given in reports]
    made = make(loaded, files, [Baseline.of(Path(path).stem, store.load_checkpoint(Path(path))) for path in baselines])
    if out is not None:
        store.write_atomic(Path(out), made.encode())
    return made


def _file_of(given: AnalysisReport | str | Path) -> str:
    """What an analysis file is called, for a report in memory the one that `analyze` would write."""
    if isinstance(given, AnalysisReport):
        return store.analysis_paths(Path(given.source.get("file", "model.safetensors")))[0].name
    return str(store.analysis_paths(Path(given))[0])
