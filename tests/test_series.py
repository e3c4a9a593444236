"""Several checkpoints: their order, what cannot be compared, and hand-made ones whose fixed point crosses a plane in known steps."""

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

import alrnn_cli as alrnn
from alrnn_cli import config as configuration
from alrnn_cli import store
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.records import Checkpoint, CheckpointMeta
from alrnn_cli.series import in_order
from alrnn_cli.tasks.addition import Addition

from .test_docs import ROOT

OPTIONS = {"T": 6, "train": 20, "validation": 20, "test": 20}
HISTORY = {
    "step": [100.0, 200.0, 300.0, 400.0, 500.0],
    "loss": [0.2, 0.19, 0.18, 0.05, 0.048],
    "restart": [0.0] * 5,
}


def made(step, h=-0.5, slope=0.3, *, seed=0, options=OPTIONS, P=1, history=None, best_step=None):
    """A two-unit model of addition: unit 1 rests at h / (1 - slope) where on, at h where off; unit 0 forgets with 0.5."""
    task = Addition(options)
    run = configuration.resolve("addition", task.opt, [{"M": 2, "P": P}, {"seed": seed}])
    tensors = {
        "A": np.zeros(2, np.float32),
        "W": np.array([[0.5, 0], [0, slope]], np.float32),
        "C": np.array([[0.1, 0], [0, 0.0]], np.float32),
        "h": np.array([0, h], np.float32),
        "D": np.array([[1, 1]], np.float32),
        "b": np.zeros(1, np.float32),
    }
    meta = CheckpointMeta(
        config=store.jsonable(run.to_dict()),
        task={"name": "addition", "options": task.opt, "K": 2, "N": 1, "loss": "mse", "scored": "last"},
        metrics={}, history=HISTORY if history is None else history, status="interrupted", reason="saved on the way", step=step,
        best_step=step if best_step is None else best_step, seeds={"seed": seed, "eval_seed": 0}, data_fingerprint=None,
        backend="torch", device="cpu", threads=1, versions={},
    )  # fmt: skip
    return Checkpoint(tensors, meta)


def write(folder, **checkpoints):
    """Files named a, b, …. Returns: their paths."""
    for name, checkpoint in checkpoints.items():
        store.save_checkpoint(folder / f"{name}.safetensors", checkpoint)
    return [folder / f"{name}.safetensors" for name in checkpoints]


@pytest.fixture
def crossing(tmp_path):
    """Unit 1's fixed point is off until step 300 and on at 400, where the loss falls."""
    return write(
        tmp_path,
        **{f"x-{100 * i}": made(100 * i, h) for i, h in enumerate((-0.5, -0.3, -0.1, 0.1, 0.3), 1)},
    )


def test_a_fixed_point_crosses_a_plane_where_the_loss_falls(crossing):
    found = alrnn.analyze(crossing, trials=10, save=False)
    assert [p.step for p in found.series] == [100, 200, 300, 400, 500]
    assert [p.file for p in found.series] == [p.name for p in crossing]
    assert found.source["file"] == "x-500.safetensors" == found.series[-1].file
    assert found.source["sha256"] == found.series[-1].sha256
    assert {e.phase for e in found.bifurcations} == {"zero", "mask off", "mask on"}
    for e in found.bifurcations:
        assert (e.kind, e.units, e.from_step, e.to_step) == ("border collision", (1,), 300, 400)
        assert (e.before[0].bitcode, e.after[0].bitcode) == ("0", "1")
        assert e.complete and e.loss_jump and e.loss_change == pytest.approx(np.log(0.05 / 0.18))
    assert [p.loss_jump for p in found.series] == [None, False, False, True, False]
    assert found.loss_jumps.with_both == 1 and found.loss_jumps.p_value == pytest.approx(1 / 4)
    assert not any("interrupted" in w for w in found.warnings)
    assert all(p.score["mse"] > 0 for p in found.series)


def test_the_order_of_the_arguments_does_not_matter(crossing, tmp_path):
    one = alrnn.analyze(crossing, trials=10, save=False)
    other = alrnn.analyze([*crossing[3:], *crossing[:3], crossing[0]], trials=10)
    assert (one.series, one.bifurcations, one.summary) == (other.series, other.bifurcations, other.summary)
    kept = alrnn.load(tmp_path / "x-500.analysis.json")
    assert (kept.series, kept.bifurcations, kept.loss_jumps) == (other.series, other.bifurcations, other.loss_jumps)
    content = json.loads((tmp_path / "x-500.analysis.json").read_text())
    jsonschema.validate(content, json.loads((ROOT / "docs" / "schemas" / "analysis.schema.json").read_text()))


def test_the_last_ones_report_is_its_own(crossing):
    alone, together = (alrnn.analyze(x, trials=10, save=False, compat="alrnn-dsr") for x in (crossing[-1], crossing))
    assert (
        together.regions == alone.regions
        and together.fixed_points == alone.fixed_points
        and together.cycles == alone.cycles
    )
    assert together.complete == alone.complete and "compat.alrnn_dsr.matrix" in together.arrays
    assert together.summary[: len(alone.summary)] == alone.summary and len(together.summary) > len(alone.summary)
    assert alone.series == () and alone.loss_jumps is None


def test_cycles_are_sought_where_the_report_tells_of_them(crossing, monkeypatch):
    from alrnn_cli import examine

    asked, real = [], examine.analyze
    monkeypatch.setattr(
        examine, "analyze", lambda path, *o, **k: asked.append((path.stem, dict(o[1].limits))) or real(path, *o, **k)
    )
    alrnn.analyze(crossing[:3], trials=5, save=False, max_period=4)
    assert asked == [("x-100", {"max_period": 1}), ("x-200", {"max_period": 1}), ("x-300", {"max_period": 4})]


def test_equal_parameters_do_not_bifurcate(tmp_path):
    found = alrnn.analyze(write(tmp_path, a=made(100), b=made(200), c=made(300)), trials=5, save=False)
    assert found.bifurcations == () and len(found.series) == 3
    assert any("No fixed point" in x for x in found.summary)


def test_stability_is_lost(tmp_path):
    # Slope from -0.9 to -1.1 where unit 1 is on: |λ| = 1 is crossed at -1.
    found = alrnn.analyze(write(tmp_path, a=made(1, 0.5, -0.9), b=made(2, 0.5, -1.1)), trials=5, save=False)
    (event,) = [e for e in found.bifurcations if e.phase == "zero"]
    assert (event.kind, event.through) == ("stability", ("-1",))
    assert (event.before[0].stability, event.after[0].stability) == ("stable", "saddle")


def test_a_kept_best_state_counts_at_the_step_it_was_found_at(tmp_path):
    paths = write(tmp_path, end=made(500, 0.1, best_step=250), a=made(200), b=made(300))
    assert [one.path.stem for one in in_order(paths)] == ["a", "end", "b"]


def test_the_longest_history_is_that_of_the_run(tmp_path):
    short = {name: column[:1] for name, column in HISTORY.items()}
    paths = write(
        tmp_path, a=made(100, -0.1, history=short), b=made(400, 0.1, history=short), end=made(500, -0.2, best_step=300)
    )
    found = alrnn.analyze(paths, trials=5, save=False)
    assert [p.loss_jump for p in found.series] == [None, False, True]


def test_the_same_state_twice_is_one_and_two_at_one_step_are_refused(tmp_path):
    again = write(tmp_path, a=made(100), b=made(100), c=made(200))
    assert [one.path.stem for one in in_order(again)] == ["a", "c"]
    with pytest.raises(UsageError, match="both hold step 100, but differ"):
        in_order(write(tmp_path, a=made(100), b=made(100, 0.7)))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"P": 2}, "P is 1 and 2"),
        ({"options": {**OPTIONS, "T": 8}}, "the task's options differs"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, other, words):
    paths = write(tmp_path, a=made(100), b=made(200, **other))
    with pytest.raises(UsageError, match=words) as refused:
        in_order(paths)
    assert "a.safetensors" in refused.value.message and "b.safetensors" in refused.value.message


def test_other_trials_and_tasks_are_refused_and_other_seeds_told(tmp_path):
    one = made(200)
    meta = one.meta
    trials = {**meta.config, "training": {**meta.config["training"], "eval_seed": 5}}
    for changed, words in (
        (replace(meta, config=trials), "--eval-seed is 0 and 5"),
        (replace(meta, task={**meta.task, "name": "copy"}), "the task is addition and copy"),
        (replace(meta, task=None), "the task is addition and None"),
    ):
        with pytest.raises(UsageError, match=words):
            in_order(write(tmp_path, a=made(100), b=Checkpoint(one.tensors, changed)))
    found = alrnn.analyze(write(tmp_path, a=made(100), b=made(200, seed=3)), trials=5, save=False)
    assert any("different runs (seeds 0, 3)" in w for w in found.warnings)


def test_one_bad_file_is_named_before_anything_is_done(crossing, tmp_path):
    bad = tmp_path / "x-250.safetensors"
    bad.write_bytes(crossing[0].read_bytes()[:-5])
    with pytest.raises(InputError, match="x-250"):
        alrnn.analyze([*crossing, bad], trials=5)
    assert not list(tmp_path.glob("*.json"))
    broken = made(250)
    broken.tensors["W"][0, 0] = np.nan
    store.save_checkpoint(bad, broken)
    with pytest.raises(InputError, match=r"x-250\.safetensors: Parameter W is not finite"):
        alrnn.analyze([*crossing, bad], trials=5)


def test_files_beside_checkpoints_are_left_out(crossing, tmp_path):
    alrnn.analyze(crossing, trials=5)
    store.save_resume(tmp_path / "x.resume.safetensors", {}, {})
    found = sorted(tmp_path.glob("x*.safetensors"))
    assert len(found) == 7
    assert [one.path for one in in_order(found)] == crossing
    alone = alrnn.analyze([crossing[0], tmp_path / "x-500.analysis.safetensors"], trials=5, save=False)
    assert alone.series == ()
    with pytest.raises(UsageError, match="no checkpoint but a file beside one"):
        alrnn.analyze([tmp_path / "x-500.analysis.safetensors"] * 2)
    with pytest.raises(UsageError, match="No checkpoint is given"):
        alrnn.analyze([])


def test_two_hundred_checkpoints(tmp_path):
    paths = write(tmp_path, **{f"x-{i}": made(i, h) for i, h in enumerate(np.linspace(-1, 1.005, 200), 1)})
    found = alrnn.analyze(paths, trials=2, save=False)
    assert len(found.series) == 200
    (event,) = [e for e in found.bifurcations if e.phase == "zero"]
    assert (event.kind, event.to_step - event.from_step) == ("border collision", 1)
