"""Runs and their files: train them to checkpoints, or find them finished, or go on with them."""

from __future__ import annotations

import glob
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import __version__, kernels, store
from ..config import RunConfig, completed, differences
from ..errors import DeviceError, InputError, OutputExistsError, UsageError
from ..records import ON_THE_WAY, Checkpoint, CheckpointMeta
from ..tasks.base import Task
from . import evaluate
from .loop import Group, Hooks, Progress
from .member import Member, Outcome

_SAVE_SECONDS = 10.0  # between two saves of the resume state


@dataclass(frozen=True)
class Run:
    """What became of one run. outcome: None where the checkpoint was finished before; seconds: of training, resumed parts included."""

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


def use_tf32(device: torch.device) -> None:
    """Allow TF32 products. Errors: UsageError where the device has none."""
    if device.type != "cuda":
        raise UsageError(f"--tf32 is for GPUs, and --device is {device.type}.", "Leave it out, or use --device cuda.")
    kernels.allow_tf32()


def find(out: Path, config: RunConfig, *, overwrite: bool, resume: bool) -> Checkpoint | None:
    """The finished checkpoint at `out` if it is this very run's; None where there is training to do.

    Errors: OutputExistsError where something else is there, InputError where what is there cannot be read.
    """
    if out.is_dir():
        raise UsageError(f"--out {out} is a folder.", f"Name a file, for example {out / 'ckpt.safetensors'}.")
    if overwrite or not out.exists():
        return None
    try:
        there = store.load_checkpoint(out)
    except InputError as error:
        raise InputError(error.message, "Begin anew with --overwrite, or choose another --out.") from None
    if there.meta.status == "imported":
        raise OutputExistsError(
            f"{out} is a model {there.meta.reason}, which training would replace.",
            "Choose another --out, or --overwrite it.",
        )
    changed = differences(completed(there.meta.config), store.jsonable(config.to_dict()))
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


_ENDED = {"interrupted": "was interrupted", "diverged": "diverged", "reduced": "was then reduced by analyze"}


def train(
    config: RunConfig,
    task: Task,
    out: Path,
    *,
    on_step: Callable[[Progress], None] = lambda _: None,
    **settings: Any,
) -> Run:
    """Train one run: a group of one. settings: as in `train_group`, with its errors."""
    return train_group([config], [task], [out], on_step=lambda _, progress: on_step(progress), **settings)[0]


def train_group(
    configs: Sequence[RunConfig],
    tasks: Sequence[Task],
    outs: Sequence[Path],
    *,
    device: str = "cpu",
    backend: str = "auto",
    threads: int = 0,
    tf32: bool = False,
    overwrite: bool = False,
    resume: bool = False,
    save_every: int = 0,
    on_step: Callable[[int, Progress], None] = lambda e, progress: None,
    should_stop: Callable[[], str] = lambda: "",
    say: Callable[[str], None] = lambda _: None,
) -> list[Run]:
    """Train runs as one group, and leave each its checkpoint and, until it is finished, its resume file.

    Each is what it would be alone, up to rounding, and can be resumed alone or in another group; those that are finished
    are found and not trained again. Nothing is printed; `say` gets plain sentences, on_step the number of the member.
    Runs may share a task object, and save its data from being read twice.
    Errors: as in `find`, before anything is trained; UsageError where the runs do not fit together (`stackable`);
    DeviceError. Divergence is no exception here: see `outcome`.
    """
    if len({Path(out).absolute() for out in outs}) < len(outs):
        raise UsageError("Two runs of a group have the same --out.", "Give each run a file of its own.")
    runs = [
        Run(there, None, 0.0, 0) if there is not None else None
        for there in (find(out, c, overwrite=overwrite, resume=resume) for c, out in zip(configs, outs, strict=True))
    ]
    todo = [i for i, run in enumerate(runs) if run is None]
    if todo:
        where = device_of(device)
        if threads:
            torch.set_num_threads(threads)
        if tf32:
            use_tf32(where)
        group = Group([configs[i] for i in todo], [tasks[i] for i in todo], where, backend)
        say(f"Backend {group.backend}: {group.choice.reason}.")
        files = [_Files(group, e, Path(outs[i])) for e, i in enumerate(todo)]
        for e, file in enumerate(files):
            if resume and file.resume.exists():
                file.load()
                say(
                    f"Going on from step {file.started_at}."
                    if len(configs) == 1
                    else f"{outs[todo[e]]} goes on from step {file.started_at}."
                )
            elif overwrite:
                file.begin_anew()
        group.run(
            Hooks(
                step=lambda e, progress: on_step(todo[e], progress),
                stop=should_stop,
                evaluated=lambda e: files[e].save_now_and_then(),
                ended=lambda e: files[e].conclude(),
                save=lambda e: files[e].save_numbered(),
                save_every=save_every,
            )
        )
        for i, file in zip(todo, files, strict=True):
            runs[i] = file.run
    return [run for run in runs if run is not None]


class _Files:
    """What one member leaves on disk: X.safetensors, X.resume.safetensors and, with --save-every, X-STEP.safetensors."""

    def __init__(self, group: Group, e: int, out: Path) -> None:
        self.member, self.backend = group.members[e], group.backend
        self.out = out
        self.resume = store.resume_path(out)
        self.started_at = 0
        self.run: Run | None = None
        self._saved = time.monotonic()

    def load(self) -> None:
        """Go on from the resume file. Errors: OutputExistsError where it is another run's, InputError where it is damaged."""
        arrays, books = store.load_resume(self.resume)
        changed = differences(completed(books["config"]), store.jsonable(self.member.config.to_dict()))
        if changed:
            raise OutputExistsError(
                f"{self.resume} belongs to another configuration ({'; '.join(changed[:4])}).",
                "Choose another --out, or --overwrite it.",
            )
        self.member.unpack(arrays, books)
        self.started_at = self.member.counters.step

    def begin_anew(self) -> None:
        """Remove what an earlier run left beside the checkpoint: its numbered ones would pass for this run's."""
        self.resume.unlink(missing_ok=True)
        for path in self.out.parent.glob(f"{glob.escape(self.out.stem)}-*{self.out.suffix}"):
            if path.stem.removeprefix(f"{self.out.stem}-").isdecimal():
                path.unlink()

    def save(self) -> None:
        arrays, books = self.member.pack()
        store.save_resume(self.resume, arrays, {**books, "config": self.member.config.to_dict()})

    def save_now_and_then(self) -> None:
        if time.monotonic() - self._saved >= _SAVE_SECONDS:
            self.save()
            self._saved = time.monotonic()

    def save_numbered(self) -> None:
        numbered = self.out.with_name(f"{self.out.stem}-{self.member.counters.step}{self.out.suffix}")
        passing = Outcome("interrupted", ON_THE_WAY)
        store.save_checkpoint(numbered, _checkpoint(self.member, self.backend, passing, best=False))

    def conclude(self) -> None:
        """The member has ended: its checkpoint, and a resume file where there is more to do."""
        outcome = self.member.outcome
        assert outcome is not None
        if outcome.status == "interrupted":
            self.save()
        checkpoint = _checkpoint(self.member, self.backend, outcome)
        store.save_checkpoint(self.out, checkpoint)
        if outcome.status != "interrupted":
            self.resume.unlink(missing_ok=True)
        self.run = Run(checkpoint, outcome, self.member.counters.seconds, self.started_at)


def _checkpoint(member: Member, backend: str, outcome: Outcome, *, best: bool = True) -> Checkpoint:
    """The best state (or the present one) with everything there is to know about it."""
    config, task, c = member.config, member.task, member.counters
    kept = member.best if best else None
    row = member.row.values if kept is None else kept
    metrics, model = {}, member.model(row)
    # An interrupted run must be gone within seconds: it is scored on the test trials when it ends.
    if outcome.status != "interrupted":
        trials = task.split("test")
        (out,) = evaluate.outputs(
            model, task.scored, trials, backend=backend, batch=config.training.batch,
            eval_seeds=[config.training.eval_seed],
        )  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):
            metrics["test"] = task.score(out, trials)
    if best and member.best_score is not None:
        metrics["validation"] = member.best_score
    tensors = {name: value[0].detach().cpu().numpy().copy() for name, value in model.arrays().items()}
    t = config.training
    meta = CheckpointMeta(
        config=store.jsonable(config.to_dict()),
        task=task.facts(),
        metrics=metrics,
        history=member.history.columns,
        status=outcome.status,
        reason=outcome.reason,
        step=c.step,
        best_step=c.step if kept is None else c.best_step,
        seeds={"seed": t.seed, "eval_seed": t.eval_seed},
        data_fingerprint=task.fingerprint(),
        parameters=model.count(),
        backend=backend,
        device=row.device.type,
        threads=torch.get_num_threads(),
        versions={
            "alrnn": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    )
    return Checkpoint(tensors, meta)
