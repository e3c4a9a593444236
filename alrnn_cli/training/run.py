"""A run and its files: train to a checkpoint, or find it finished, or go on with it."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .. import __version__, store
from ..config import RunConfig, differences
from ..errors import DeviceError, OutputExistsError, UsageError
from ..records import Checkpoint, CheckpointMeta
from ..tasks.base import Task
from . import evaluate
from .loop import Loop, Outcome, Progress

_SAVE_SECONDS = 10.0  # between two saves of the resume state


@dataclass(frozen=True)
class Run:
    """What `train` did. outcome: None where the checkpoint was finished before; seconds: of training, resumed parts included."""

    checkpoint: Checkpoint
    outcome: Outcome | None
    seconds: float
    resumed_from: int


def device_of(name: str) -> torch.device:
    """The torch device called `name`. Errors: UsageError for a malformed name, DeviceError where it is not there."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"--device {name}: not a device.", "Use cpu, cuda or cuda:1.") from None
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        built = "this torch is built without CUDA" if torch.version.cuda is None else "torch sees no such GPU"
        raise DeviceError(
            f"--device {name}: {built}.", "Use --device cpu, or install torch with CUDA on a machine with a GPU."
        )
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"--device {name}: only cpu and cuda are supported.", "Use --device cpu.")
    return device


def find(out: Path, config: RunConfig, *, overwrite: bool, resume: bool) -> Checkpoint | None:
    """The finished checkpoint at `out` if it is this very run's; None where there is training to do.

    Errors: OutputExistsError where something else is there, InputError where what is there cannot be read.
    """
    if overwrite or not out.exists():
        return None
    there = store.load_checkpoint(out)
    changed = differences(there.meta.config, store.jsonable(config.to_dict()))
    if changed:
        shown = "; ".join(changed[:4]) + (f"; and {len(changed) - 4} more" if len(changed) > 4 else "")
        raise OutputExistsError(
            f"{out} was trained with another configuration ({shown}).", "Choose another --out, or --overwrite it."
        )
    if there.meta.status == "finished":
        return there
    if resume and there.meta.status == "interrupted":
        return None
    remedy = (
        "--resume goes on, --overwrite begins anew."
        if there.meta.status == "interrupted"
        else "--overwrite begins anew."
    )
    raise OutputExistsError(f"{out} is there from a run that {_ENDED[there.meta.status]}.", remedy)


_ENDED = {"interrupted": "was interrupted", "diverged": "diverged"}


def train(
    config: RunConfig,
    task: Task,
    out: Path,
    *,
    device: str = "cpu",
    backend: str = "auto",
    threads: int = 0,
    overwrite: bool = False,
    resume: bool = False,
    save_every: int = 0,
    on_step: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], str] = lambda: "",
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Train, and leave `out` and, until it is finished, its resume file. Nothing is printed; `say` gets plain sentences.

    Errors: as in `find`; DeviceError; UsageError. Divergence is no exception here: see `outcome`.
    """
    there = find(out, config, overwrite=overwrite, resume=resume)
    if there is not None:
        return Run(there, None, 0.0, 0)
    where = device_of(device)
    if threads:
        torch.set_num_threads(threads)
    loop = Loop(config, task, where, backend)
    resume_file = store.resume_path(out)
    started_at = 0
    if resume and resume_file.exists():
        arrays, books = store.load_resume(resume_file)
        changed = differences(books["config"], store.jsonable(config.to_dict()))
        if changed:
            raise OutputExistsError(
                f"{resume_file} belongs to another configuration ({'; '.join(changed[:4])}).",
                "Choose another --out, or --overwrite it.",
            )
        loop.state.unpack(arrays, books, where)
        started_at = loop.state.counters.step
        say(f"Going on from step {started_at}.")
    elif overwrite:
        resume_file.unlink(missing_ok=True)

    def save_resume() -> None:
        arrays, books = loop.state.pack()
        store.save_resume(resume_file, arrays, {**books, "config": config.to_dict()})

    saved = time.monotonic()

    def after_evaluation() -> None:
        nonlocal saved
        if time.monotonic() - saved >= _SAVE_SECONDS:
            save_resume()
            saved = time.monotonic()

    def after_step(progress: Progress) -> None:
        if save_every and progress.step % save_every == 0:
            numbered = out.with_name(f"{out.stem}-{progress.step}{out.suffix}")
            store.save_checkpoint(numbered, _checkpoint(loop, Outcome("interrupted", "saved on the way"), best=False))
        on_step(progress)

    outcome = loop.run(after_step, should_stop, after_evaluation)
    if outcome.status == "interrupted":
        save_resume()
    checkpoint = _checkpoint(loop, outcome)
    store.save_checkpoint(out, checkpoint)
    if outcome.status != "interrupted":
        resume_file.unlink(missing_ok=True)
    return Run(checkpoint, outcome, loop.state.counters.seconds, started_at)


def _checkpoint(loop: Loop, outcome: Outcome, *, best: bool = True) -> Checkpoint:
    """The best state (or the present one) with everything there is to know about it."""
    state, config, task = loop.state, loop.config, loop.task
    present = state.parameters()
    if best:
        state.use_best()
    metrics = {}
    # An interrupted run must be gone within seconds: it is scored on the test trials when it ends.
    if outcome.status != "interrupted":
        trials = task.split("test")
        out = evaluate.outputs(
            state.model, task, trials, backend=loop.backend, batch=config.training.batch, eval_seed=config.training.eval_seed
        )  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):
            metrics["test"] = task.score(out, trials)
    if best and state.best_score is not None:
        metrics["validation"] = state.best_score
    tensors = {}
    for name, p in state.model.named_parameters():
        # The member axis is inside only: encoder.0.conv1.weight -> encoder.conv1.weight.
        value = p.detach().cpu().numpy()
        if name.startswith("encoder.0."):
            tensors["encoder." + name.removeprefix("encoder.0.")] = value.copy()
        else:
            tensors[name] = value[0].copy()
    state.put(present)
    t = config.training
    meta = CheckpointMeta(
        config=store.jsonable(config.to_dict()),
        task={
            "name": task.name,
            "options": task.opt,
            "K": task.K,
            "N": task.N,
            "T": task.T,
            "metrics": task.metrics,
            "chance": task.chance,
            "loss": task.loss,
            "scored": task.scored,
        },
        metrics=metrics,
        history=state.history.columns,
        status=outcome.status,
        reason=outcome.reason,
        step=state.counters.step,
        best_step=state.counters.best_step if best and state.best is not None else state.counters.step,
        seeds={"seed": t.seed, "eval_seed": t.eval_seed},
        data_fingerprint=task.fingerprint(),
        backend=loop.backend,
        device=loop.device.type,
        threads=torch.get_num_threads(),
        versions={
            "alrnn": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    )
    return Checkpoint(tensors, meta)
