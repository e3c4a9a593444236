"""`alrnn profile` and the figures of runs, as commands."""

import json

from alrnn_cli.sweep import record


def test_profile_with_train_sizes_leaves_its_record(alrnn, tmp_path):
    out = tmp_path / "p"
    done = alrnn(
        "profile", "--task", "context", "--task-opt", "T=5", "--task-opt", "test=50", "--task-opt", "validation=50", "--M", "4", "--P", "0,1",
        "--epochs", "3", "--max-seeds", "2", "--min-seeds", "2", "--train-sizes", "20,100", "--workers", "1", "-o", str(out), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    kept = record.profile(out)
    assert kept.task == "context" and kept.verdict.minimal_P == told["minimal_P"]
    if told["minimal_P"] < 4:
        assert [size.train for size in kept.sizes] == [20, 100]
    cells = [json.loads(p.read_text())["config"] for p in out.glob("cells/*/cell.json")]
    fixed = [c for c in cells if c["task_options"]["train"] in (20, 100)]
    steps = {c["training"]["epochs"] * -(-c["task_options"]["train"] // c["training"]["batch"]) for c in cells}
    assert len(fixed) == (0 if told["minimal_P"] == 4 else 2 * 2 * len({0, told["minimal_P"], 4}))
    assert steps == {48.0} and not any(c["training"]["fresh"] for c in fixed)
    drawn = alrnn("plot", "profile", str(out), "-o", str(tmp_path / "p.svg"))
    assert drawn.returncode == 0, drawn.stderr
    wrong = alrnn("profile", "--task", "context", "--train-sizes", "0,5", "-o", str(out))
    assert wrong.returncode == 2 and "expected numbers of trials, at least 1" in wrong.stderr
    none = alrnn("profile", "--task", "multitask", "--train-sizes", "x", "-o", str(out))
    assert none.returncode == 2


def test_a_damaged_or_missing_record_is_one_line(alrnn, tmp_path):
    done = alrnn("plot", "profile", str(tmp_path))
    assert done.returncode == 3 and "profile.json cannot be read" in done.stderr and "Traceback" not in done.stderr
    (tmp_path / "profile.json").write_text("[]")
    done = alrnn("plot", "profile", str(tmp_path))
    assert done.returncode == 3 and "schema None, expected 'alrnn.profile/1'" in done.stderr
    done = alrnn("plot", "sweep", str(tmp_path))
    assert done.returncode == 3 and "not the folder of a sweep" in done.stderr
    assert alrnn("plot", "sweep").returncode == 2
