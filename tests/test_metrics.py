"""Which metrics are parts of others."""

from alrnn_cli.records.metrics import parts


def test_a_part_belongs_to_the_metric_before_the_dot():
    found = parts(["accuracy", "mse", "accuracy.A", "accuracy.B.C", "loss.A", "plain"])
    assert found == {
        "accuracy": {"A": "accuracy.A", "B.C": "accuracy.B.C"}, "mse": {}, "loss.A": {}, "plain": {},
    }  # fmt: skip
    assert list(found) == ["accuracy", "mse", "loss.A", "plain"]
