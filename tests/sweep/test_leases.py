"""Who works on what: one owner for each attempt, whoever reaches for it and whenever."""

import errno
import os
import threading

import pytest

from alrnn_cli.errors import MachineError
from alrnn_cli.sweep import leases
from alrnn_cli.sweep.leases import Heart, attempts, take, write_once


def listed(folder, saved=0):
    return attempts(folder, os.listdir(folder), saved)


def old(path, seconds=1000):
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_of_many_who_reach_for_an_attempt_one_gets_it(tmp_path):
    won, barrier = [], threading.Barrier(16)

    def reach(i):
        barrier.wait()
        for number in range(1, 21):
            if take(tmp_path, number, f"w{i}") is not None:
                won.append(number)

    threads = [threading.Thread(target=reach, args=(i,)) for i in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(won) == list(range(1, 21))
    assert {p.name for p in tmp_path.iterdir()} == {f"lease-{n}" for n in range(1, 21)}  # no scratch files stay


def test_a_file_is_written_once_and_whole(tmp_path):
    assert write_once(tmp_path / "x", {"a": 1}) and not write_once(tmp_path / "x", {"a": 2})
    assert (tmp_path / "x").read_text() == '{"a": 1}'


def test_a_file_system_without_hard_links_is_told(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(MachineError, match="makes no hard links"):
        write_once(tmp_path / "x", {})
    assert not list(tmp_path.iterdir())


def test_an_attempt_without_signs_of_life_may_be_followed(sweep):
    made, (cell, *_) = sweep()
    folder = made.place(cell).path
    first = next(made.claim([cell], 1, "a"))
    assert made.survey([cell]).states[cell] == "running" and not list(made.claim([cell], 1, "b"))
    old(first.path)
    assert made.survey([cell]).states[cell] == "open" and not first.lost
    second = next(made.claim([cell], 1, "b"))
    assert second.number == 2 and first.lost and not second.lost
    # Whoever was taken for dead keeps nothing alive by beating on.
    first.beat()
    old(second.path)
    assert made.survey([cell]).states[cell] == "open" and listed(folder).abandoned == 1


def test_beats_keep_an_attempt_alive(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "BEAT", 0.01)
    lease = take(tmp_path, 1, "w")
    with Heart() as heart:
        heart.hold([lease])
        for _ in range(3):
            old(lease.path)
            until = threading.Event()
            for _ in range(500):
                if leases.alive(tmp_path, 1, leases.now_at(tmp_path)):
                    break
                until.wait(0.01)
            else:
                pytest.fail("no beat")
        heart.hold([])
        until.wait(0.05)
        old(lease.path)
        until.wait(0.1)
        assert not leases.alive(tmp_path, 1, leases.now_at(tmp_path))


def test_how_attempts_ended_decides_what_follows(sweep):
    made, (cell, *_) = sweep()
    ends = ["released", "failed", "failed"]
    for i, (state, retries) in enumerate(zip(ends, (0, 0, 1), strict=True), 1):
        lease = next(made.claim([cell], 1, "w", retries))
        assert lease.number == i
        lease.end(state, "why")
    assert made.survey([cell], retries=1).states[cell] == "exhausted"
    assert made.survey([cell], retries=2).states[cell] == "open"
    assert listed(made.place(cell).path) == leases.Attempts(3, "failed", 2, 0)


def test_a_cell_that_takes_its_workers_with_it_is_given_up(sweep):
    made, (cell, *_) = sweep()
    for _ in range(leases.MOST_ABANDONED):
        next(made.claim([cell], 1, "w")).end("abandoned", "its worker died")
    assert made.survey([cell]).states[cell] == "exhausted"


def test_deaths_count_only_while_a_cell_gets_no_further(sweep):
    made, (cell, *_) = sweep()
    place = made.place(cell)
    resume = place.path / "ckpt.resume.safetensors"
    for i in range(leases.MOST_ABANDONED + 2):
        next(made.claim([cell], 1, "w")).end("abandoned", "its worker died")
        if i % 3 == 0:
            resume.write_bytes(b"")
            os.utime(resume, ns=(i, i + 1))
        assert listed(place.path, place.saved).abandoned == i % 3
    # Nothing was known yet of what the last worker saved when the next one began.
    assert listed(place.path, 0).abandoned == 0
    for i in range(leases.MOST_ABANDONED):
        assert made.survey([cell]).states[cell] == "open", i
        next(made.claim([cell], 1, "w")).end("abandoned", "its worker died")
    assert made.survey([cell]).states[cell] == "exhausted"
