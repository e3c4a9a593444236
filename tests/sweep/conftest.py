from dataclasses import replace

import pytest

from alrnn_cli.cli.train import to_toml
from alrnn_cli.sweep.folder import Sweep
from alrnn_cli.sweep.plan import cells, plan
from alrnn_cli.sweep.work import Job

TINY = {
    "M": "3", "epochs": "1", "batch": "8", "restarts": "0", "eval_every": "1", "task.T": "6", "task.train": "16",
    "task.validation": "8", "task.test": "8",
}  # fmt: skip
JOB = Job(backend="reference", threads=1, stack=4, wait=False)


@pytest.fixture
def sweep(tmp_path):
    """Make a sweep of tiny cells: Sweep, their ids in order."""

    def make(seeds="2", name="sweep", **given):
        asked = plan("addition", {**TINY, "P": "0,1", **given}, seeds_given=seeds)
        found = cells(asked)
        return Sweep.create(tmp_path / name, asked, found, to_toml), [c.id for c in found]

    return make


@pytest.fixture
def job():
    return lambda **changes: replace(JOB, **changes)
