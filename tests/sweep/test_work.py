"""Workers: every cell once, what a cell is does not depend on its company, failures stay their own."""

import json
import multiprocessing
import os
import random
import signal
import time

import numpy as np
import pytest

from alrnn_cli import store
from alrnn_cli.errors import DeviceError, InputError
from alrnn_cli.sweep import leases, pool, table
from alrnn_cli.sweep.folder import Sweep
from alrnn_cli.sweep.work import work
from alrnn_cli.tasks.addition import Addition


def test_all_cells_are_trained_once_and_found_again(sweep, job):
    made, ids = sweep()
    done = []
    assert work(made.path, job(analyze=5), done=lambda cell, state: done.append((cell, state))) == ""
    assert sorted(done) == sorted((i, "finished") for i in ids)
    for place in made.places():
        status = place.status()
        checkpoint = store.load_checkpoint(place.checkpoint)
        assert status["metrics"] == store.jsonable(checkpoint.meta.metrics) and status["attempt"] == 1
        assert checkpoint.meta.config == store.jsonable(place.cell().config.to_dict())
        report = store.load_analysis(place.path / "ckpt.analysis.json")
        assert report.settings["trials"] == 5 and report.source["sha256"] == store.file_sha256(place.checkpoint)
        assert not list(place.path.glob(".*")) and not list(place.path.glob("*resume*"))
    before = {p: p.stat().st_mtime_ns for p in made.path.rglob("*") if p.is_file()}
    assert work(made.path, job(analyze=5), done=lambda *a: pytest.fail("trained again")) == ""
    assert {p: p.stat().st_mtime_ns for p in made.path.rglob("*") if p.is_file()} == before


def test_more_values_train_only_what_is_new(sweep, job):
    made, few = sweep()
    work(made.path, job())
    _, many = sweep(P="0,1,2", seeds="3")
    done = []
    work(made.path, job(), done=lambda cell, state: done.append(cell))
    assert set(few) < set(many) and sorted(done) == sorted(set(many) - set(few))


def test_a_cell_is_what_it_is_alone(sweep, job):
    alone, ids = sweep(name="alone")
    stacked, _ = sweep(name="stacked")
    work(alone.path, job(stack=1))
    work(stacked.path, job(stack=4))
    for cell in ids:
        a, b = (store.load_checkpoint(s.place(cell).checkpoint) for s in (alone, stacked))
        for name, value in a.tensors.items():
            np.testing.assert_array_equal(value, b.tensors[name], err_msg=name)


def test_a_stopped_worker_leaves_its_cells_to_the_next(sweep, job):
    whole, ids = sweep(name="whole", epochs="20")
    work(whole.path, job())
    made, _ = sweep(epochs="20")
    calls = iter(range(10**6))
    reason = work(made.path, job(), stop=lambda: "SIGTERM" if next(calls) > 15 else "")
    assert reason == "SIGTERM"
    survey = made.survey()
    assert set(survey.states.values()) <= {"open", "ended"} and "open" in survey.states.values()
    assert any(p.path.joinpath("ckpt.resume.safetensors").exists() for p in made.places())
    assert work(made.path, job()) == ""
    for cell in ids:
        assert made.place(cell).checkpoint.read_bytes() == whole.place(cell).checkpoint.read_bytes()


def test_a_failure_is_one_cells_own(sweep, job, monkeypatch):
    made, ids = sweep(seeds="3")
    bad = made.place(ids[1]).cell().config
    fresh = Addition.split

    def split(self, which):
        if self.seed == bad.training.seed and which == "validation":
            raise InputError("the disk has a hole", "mend it")
        return fresh(self, which)

    monkeypatch.setattr(Addition, "split", split)
    work(made.path, job(stack=8, retries=1))
    survey = made.survey(retries=1)
    hurt = {c for c in ids if made.place(c).cell().config.training.seed == bad.training.seed}
    assert set(survey.of("exhausted")) == hurt and set(survey.of("ended")) == set(ids) - hurt
    for cell in hurt:
        assert survey.tries[cell].failed == 2
        assert json.loads((made.place(cell).path / "end-1").read_text()) == {
            "state": "failed",
            "reason": "the disk has a hole",
        }
        assert "Traceback" in made.place(cell).log.read_text()
    monkeypatch.undo()
    work(made.path, job(retries=5))
    assert len(made.survey().of("ended")) == len(ids)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_no_cell_can_help_stops_the_worker_and_leaves_the_cells(sweep, job, workers):
    made, ids = sweep()
    with pytest.raises(DeviceError, match="--device cuda:7"):
        pool.run(made.path, job(device="cuda:7"), workers, ids)
    survey = made.survey()
    assert set(survey.of("open")) == set(ids) and all(
        tries.failed == tries.abandoned == 0 for tries in survey.tries.values()
    )


def test_a_cell_that_kills_its_workers_takes_no_other_with_it(sweep, job, monkeypatch):
    made, ids = sweep(seeds="3")
    killers = {c for c in ids if made.place(c).cell().config.training.seed == 1}
    fresh = Addition.split

    def split(self, which):
        if self.seed == 1:
            os._exit(9)
        return fresh(self, which)

    monkeypatch.setattr(Addition, "split", split)
    context, exits = multiprocessing.get_context("fork"), []
    while not exits or exits[-1]:
        worker = context.Process(target=work, args=(made.path, job(stack=6)))
        worker.start()
        worker.join(100)
        exits.append(worker.exitcode)
        pool.release(made, worker.pid)
    survey = made.survey()
    assert set(survey.of("exhausted")) == killers and set(survey.of("ended")) == set(ids) - killers
    assert set(exits[:-1]) == {9} and len(exits) <= len(killers) * leases.MOST_ABANDONED + 1


def test_a_cell_that_diverges_is_entered_as_such(sweep, job):
    made, ids = sweep(lr="1e30", epochs="30", fresh="false")
    work(made.path, job())
    states = {made.place(c).status()["state"] for c in ids}
    assert states == {"diverged"}


def test_a_folder_that_is_no_sweep_is_refused(tmp_path, job):
    for path, said in ((tmp_path / "no", "no such folder"), (tmp_path, "not the folder of a sweep")):
        with pytest.raises(InputError, match=said):
            work(path, job())


def test_finished_before_the_status_was_written(sweep, job):
    """Killed between its checkpoint and its status: the next worker finds it trained."""
    made, ids = sweep()
    work(made.path, job())
    place = made.place(ids[0])
    before, first = place.checkpoint.read_bytes(), place.status()
    os.remove(place.path / "status.json")
    (place.path / "end-1").unlink()
    leases_before = time.time() - 1000
    os.utime(place.path / "lease-1", (leases_before, leases_before))
    work(made.path, job())
    assert place.checkpoint.read_bytes() == before and place.status()["metrics"] == first["metrics"]
    assert place.status()["attempt"] == 2


def _serve(path, job, ready):
    ready.wait()
    work(path, job)


def test_sixteen_workers_at_once(sweep, job):
    made, ids = sweep(seeds="20")
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    workers = [context.Process(target=_serve, args=(made.path, job(stack=2), ready)) for _ in range(16)]
    for w in workers:
        w.start()
    ready.set()
    for w in workers:
        w.join(300)
        assert w.exitcode == 0
    assert len(made.survey().of("ended")) == len(ids) == 40
    for place in made.places():
        assert leases.attempts(place.path, os.listdir(place.path)).last >= 1
        ends = [json.loads(p.read_text())["reason"] for p in place.path.glob("end-*")]
        assert ends.count("finished") == 1


@pytest.mark.slow
def test_a_thousand_cells_with_workers_killed_fifty_times(sweep, job):
    """Each cell is finished exactly once, with the bytes that it has alone."""
    made, ids = sweep(seeds="500", epochs="2")
    rng = random.Random(0)
    # How many cells have ended when a worker is killed, so that a fast machine meets as many kills as a slow one.
    due, killed = sorted(rng.sample(range(900), 50)), []

    def kill():
        victims = multiprocessing.active_children()
        if victims and len(killed) < 50 and len(list((made.path / "cells").glob("*/status.json"))) >= due[len(killed)]:
            killed.append(rng.choice(victims).pid)
            os.kill(killed[-1], signal.SIGKILL)

    reason = pool.run(made.path, job(stack=4, threads=1), 2, ids, watch=kill)
    assert reason == "" and len(killed) == 50
    survey = made.survey()
    assert len(survey.of("ended")) == 1000
    for place in made.places():
        assert place.status()["state"] == "finished"
        assert store.load_checkpoint(place.checkpoint).meta.config == store.jsonable(place.cell().config.to_dict())
        ends = [json.loads(p.read_text())["state"] for p in place.path.glob("end-*")]
        assert ends.count("done") <= 1 and "failed" not in ends
    alone, _ = sweep(name="alone", seeds="500", epochs="2")
    some = rng.sample(ids, 20)
    work(alone.path, job(stack=1), cells=some)
    for cell in some:
        assert alone.place(cell).checkpoint.read_bytes() == made.place(cell).checkpoint.read_bytes()


def test_the_sweep_knows_itself(sweep):
    made, ids = sweep()
    again = Sweep.open(made.path)
    assert [p.id for p in again.places()] == sorted(ids)
    assert {p.cell().config.model.P for p in again.places()} == {0, 1}


def test_a_table_knows_what_did_not_vary_at_first(sweep, job):
    _, few = sweep()
    made, ids = sweep(lr="0.003,0.01")
    found = {row.cell: row.axes for row in table.rows(made)}
    assert len(found) == len(set(few) | set(ids)) and set(few) < set(ids)
    assert {tuple(axes) for axes in found.values()} == {("P", "lr", "seed")}
    assert {found[cell]["lr"] for cell in few} == {0.003}


def test_runs_of_two_grids_are_no_seeds_of_one_another(sweep, job):
    sweep()
    made, _ = sweep(epochs="2", M="4")
    work(made.path, job())
    found = table.rows(made)
    assert len(found) == 8 and {(row.axes["M"], row.axes["P"]) for row in found} == {
        (M, P) for M in (3, 4) for P in (0, 1)
    }
    assert [s.n for s in table.statistics(found, "mse", "min")] == [2] * 4
