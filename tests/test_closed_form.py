"""The network that adds exactly, as a checkpoint: its score, its gate and its line of fixed points."""

import json

import numpy as np
import pytest

from alrnn_cli import config, store
from alrnn_cli.examine import analyze
from alrnn_cli.material import Request
from alrnn_cli.records import Checkpoint, CheckpointMeta
from alrnn_cli.tasks.addition import Addition

# z_0' = z_0 + relu(z_1), z_1' = v + m - 1, read out with D = (1, 0).
TENSORS = {
    "A": [0, 0],
    "W": [[1, 1], [0, 0]],
    "C": [[0, 0], [1, 1]],
    "h": [0, -1],
    "D": [[1, 0]],
    "b": [0],
}


@pytest.fixture
def adder(tmp_path):
    task = Addition({})
    run = config.resolve("addition", task.opt, [{"M": 2, "P": 1}])
    meta = CheckpointMeta(
        config=store.jsonable(run.to_dict()), task={"name": "addition", "options": task.opt, "K": 2, "N": 1, "T": 100},
        metrics={}, history={}, status="finished", reason="written by hand", step=0, best_step=0, seeds={},
        data_fingerprint=None, backend="none", device="cpu", threads=1, versions={},
    )  # fmt: skip
    path = tmp_path / "adder.safetensors"
    store.save_checkpoint(path, Checkpoint({k: np.array(v, np.float32) for k, v in TENSORS.items()}, meta))
    return path


def test_it_adds_exactly_and_its_parts_are_found(adder):
    report = analyze(adder, Request(trials=1000))
    assert report.score["mse"] < 1e-12
    # The gate: shut (bit 0) whenever the mask is off, open whenever it is on and v > 0.
    by_code = {r.bitcode: r for r in report.regions}
    assert by_code["0"].frequency_by_phase["mask off"] == 1.0
    assert by_code["1"].frequency_by_phase["mask on"] == 1.0
    points = {(p.phase, p.bitcode): p for p in report.fixed_points}
    held = points["mask off", "0"]
    assert held.kind == "continuum"
    assert held.meets_region is True
    np.testing.assert_allclose(np.abs(held.directions), [[1, 0]], atol=1e-12)
    drift = points["mask on", "1"]
    assert drift.kind == "none"
    np.testing.assert_allclose(drift.drift, [0.5, 0], atol=1e-12)
    assert report.complete["fixed_points"] is True


def test_report_round_trip(adder):
    report = analyze(adder, Request(trials=20))
    path, _ = store.analysis_paths(adder)
    store.save_analysis(path, report)
    again = store.load_analysis(path)
    assert store.to_json(again.fixed_points) == store.to_json(report.fixed_points)
    assert again.regions == report.regions
    for name, value in report.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], value)
    content = json.loads(path.read_text())
    assert content["arrays"]["index"]["parameters.W"]["shape"] == [2, 2]
    content["arrays"]["sha256"] = "0" * 64
    path.write_text(json.dumps(content))
    with pytest.raises(store.InputError, match="does not belong"):
        store.load_analysis(path)
