"""A worker: takes cells of a sweep, trains those of one shape as a stack, analyzes them, and enters how they ended."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import store, tasks
from ..config import RunConfig
from ..errors import AlrnnError, DeviceError, MachineError
from ..tasks.base import Task
from .folder import Place, Sweep
from .leases import Heart, Lease, worker_name
from .plan import Cell

#: Seconds before another look where all open cells are somebody else's.
_WAIT = 2.0
#: Errors that are no cell's own.
_MACHINE = (DeviceError, MachineError)
#: Workers that died over a cell after which it is tried alone.
_SUSPECT = 2


@dataclass(frozen=True)
class Job:
    """How a worker works. stack: most cells that train as one; analyze: trials of the analysis of each cell, 0 for none;
    retries: further attempts at a cell that failed; wait: whether to stay while others still work, in case they give up."""

    device: str = "cpu"
    backend: str = "auto"
    threads: int = 0
    stack: int = 1
    analyze: int = 0
    retries: int = 0
    wait: bool = True


def work(
    folder: Path,
    job: Job,
    *,
    cells: Sequence[str] | None = None,
    stop: Callable[[], str] = lambda: "",
    done: Callable[[str, str], None] = lambda cell, state: None,
    name: str | None = None,
) -> str:
    """Work on a sweep until nothing is left for this worker.

    cells: ids in the order to work in, default all; stop: gives a reason to stop, or ""; done: told of each cell that ended.
    Returns: why it stopped, "" where all is done. Errors: InputError where the folder is no sweep; DeviceError, MachineError where this
    worker could do no better with any other cell, after leaving its own to others.
    """
    sweep, name = Sweep.open(folder), name or worker_name()
    order = [p.id for p in sweep.places()] if cells is None else list(cells)
    known: dict[str, Cell] = {}
    with Heart() as heart:
        while True:
            if reason := stop():
                return reason
            survey = sweep.survey(order, job.retries)
            order = [c for c in order if survey.states[c] in ("open", "running")]
            open_ = [c for c in order if survey.states[c] == "open"]
            if not open_:
                if not order or not job.wait:
                    return ""
                time.sleep(_WAIT)
                continue
            for cell in open_:
                known.setdefault(cell, sweep.place(cell).cell())
            # Cells whose workers died come last, and after a second death alone: what kills one shall not take its stack along.
            deaths = {c: survey.tries[c].abandoned for c in open_}
            open_.sort(key=deaths.__getitem__)
            first, suspect = alike(known[open_[0]].config), deaths[open_[0]] >= _SUSPECT
            same = [c for c in open_ if alike(known[c].config) == first and (deaths[c] >= _SUSPECT) == suspect]
            ours = list(sweep.claim(same, 1 if suspect else job.stack, name, job.retries))
            heart.hold(ours)
            if ours:
                _Batch(sweep, job, ours, known, name, stop, done, heart).run()
            heart.hold([])


def alike(run: RunConfig) -> tuple[Any, ...]:
    """What runs of one stack have in common, as far as can be told without their data."""
    m, t = run.model, run.training
    options = tuple(sorted(run.task_options.items()))
    shape = (m.model, m.M, m.encoder, m.readout, m.readout_bias, m.z0, m.phi)
    return (run.task, run.data, options, *shape, t.batch, t.fresh, t.epochs, t.max_steps, t.restarts > 0)


class _Batch:
    """Some cells that are ours."""

    def __init__(
        self, sweep: Sweep, job: Job, ours: Sequence[Lease], known: dict[str, Cell], name: str,
        stop: Callable[[], str], done: Callable[[str, str], None], heart: Heart,
    ) -> None:  # fmt: skip
        self.job, self.name, self.done, self.heart, self._stop = job, name, done, heart, stop
        self.leases = {lease.folder.name: lease for lease in ours}
        self.places = {cell: sweep.place(cell) for cell in self.leases}
        self.cells = {cell: known[cell] for cell in self.leases}

    def stop(self) -> str:
        """A reason to stop training: the caller's, or that another worker took us for dead."""
        return self._stop() or ("another worker has taken over" if self.heart.lost else "")

    def run(self) -> None:
        made: dict[str, Task] = {}
        shared: dict[tuple[Any, ...], Task] = {}
        for cell, own in self.cells.items():
            try:
                made[cell] = task_of(own.config, shared)
            except Exception as error:
                self._failed(cell, error)
        from ..training.stackable import partition

        together = [cell for cell in self.cells if cell in made]
        configs = [self.cells[cell].config for cell in together]
        for group in partition(configs, [made[cell] for cell in together]):
            self._train([together[i] for i in group], made)

    def _train(self, group: list[str], made: dict[str, Task]) -> None:
        """One stack; where it cannot be trained as one, its cells one after the other, so that one failure is one cell's."""
        from ..training.run import train_group

        try:
            runs = train_group(
                [self.cells[c].config for c in group], [made[c] for c in group], [self.places[c].checkpoint for c in group],
                device=self.job.device, backend=self.job.backend, threads=self.job.threads, resume=True,
                should_stop=self.stop, say=lambda text: self._log_all(group, text),
            )  # fmt: skip
        except Exception as error:
            if len(group) > 1 and not isinstance(error, _MACHINE):
                for cell in group:
                    self._train([cell], made)
            else:
                self._failed(group[0], error)
            return
        for cell, run in zip(group, runs, strict=True):
            meta = run.checkpoint.meta
            if meta.status == "interrupted":
                self.leases[cell].end("released", self.stop() or meta.reason)
                continue
            facts = meta.task or {}
            self._conclude(cell, {
                "state": meta.status, "reason": meta.reason, "metrics": meta.metrics, "seconds": run.seconds, "step": meta.step,
                "directions": facts.get("metrics", {}), "chance": facts.get("chance", {}),
            })  # fmt: skip

    def _conclude(self, cell: str, content: dict[str, Any]) -> None:
        if content["state"] == "finished" and self.job.analyze:
            try:
                self._analyze(self.places[cell])
            except Exception as error:
                self._failed(cell, error)
                return
        if self.leases[cell].lost:
            self.leases[cell].end("released", "another worker has taken over")
            return
        ours = self.places[cell].conclude({**content, "worker": self.name, "attempt": self.leases[cell].number})
        self.leases[cell].end("done", content["state"])
        if ours:
            self.done(cell, content["state"])

    def _analyze(self, place: Place) -> None:
        from ..examine import analyze
        from ..material import Request

        target, _ = store.analysis_paths(place.checkpoint)
        store.save_analysis(target, analyze(place.checkpoint, Request(trials=self.job.analyze)))

    def _failed(self, cell: str, error: Exception) -> None:
        """An attempt that failed: the reason beside it, its traceback in the log. Errors: those that are no cell's own."""
        if isinstance(error, _MACHINE):
            for lease in self.leases.values():
                lease.end("released", error.message)  # those that have ended stay so
            raise error
        reason = error.message if isinstance(error, AlrnnError) else f"{type(error).__name__}: {error}"
        self._log(cell, "".join(traceback.format_exception(error)).rstrip())
        self.leases[cell].end("failed", reason)
        self.done(cell, "failed")

    def _log_all(self, group: Sequence[str], text: str) -> None:
        for cell in group:
            self._log(cell, text)

    def _log(self, cell: str, text: str) -> None:
        with self.places[cell].log.open("a", encoding="utf8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {self.name} {text}\n")


def task_of(run: RunConfig, shared: dict[tuple[Any, ...], Task]) -> Task:
    """The run's task; runs of the same trials share one, and with it the data that it read."""
    t = run.training
    key = (run.task, tuple(sorted(run.task_options.items())), run.data, t.seed, t.eval_seed)
    if key not in shared:
        silent: Callable[[str], None] = lambda sentence: None  # noqa: E731
        shared[key] = tasks.get(run.task)(
            run.task_options, data=run.data, seed=t.seed, eval_seed=t.eval_seed, say=silent
        )
    return shared[key]
