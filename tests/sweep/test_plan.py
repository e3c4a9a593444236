"""The grid: what lists and ranges mean, which runs they make, and when two of them are one."""

import tomllib

import pytest

from alrnn_cli.cli.train import to_toml
from alrnn_cli.errors import UsageError
from alrnn_cli.sweep.plan import cells, plan, seeds, values

SMALL = {"task.T": "10", "task.train": "8", "epochs": "1"}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("P", "0,1,5", (0, 1, 5)),
        ("P", "0:10:5", (0, 5, 10)),
        ("P", "1,1,0:1:1", (1, 0)),
        ("tau", "0.01,0.1,1", (0.01, 0.1, 1.0)),
        ("tau", "0:0.3:0.1", (0.0, 0.1, 0.2, 0.3)),
        ("init", "paper,random", ("paper", "random")),
        ("fresh", "true,no", (True, False)),
        ("P", [0, "2:4:2"], (0, 2, 4)),
        ("P", 3, (3,)),
        ("task.T", "50,100", (50, 100)),
        ("task.operation", "addition,multiplication", ("addition", "multiplication")),
    ],
)
def test_lists_and_ranges(name, given, expected):
    found = values(name, given, "addition")
    assert found == expected and [type(x) for x in found] == [type(x) for x in expected]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("P", "0:1:0.5", "expected whole numbers, got 0.5"),
        ("P", "a", "'a' is not a number"),
        ("Q", "1", "Unknown setting 'Q'"),
        ("fresh", "maybe", "expected true or false"),
        ("task.U", "1", "Unknown option 'U' for task 'addition'"),
        ("P", [], "no value is given"),
    ],
)
def test_bad_values_are_named(name, given, said):
    with pytest.raises(UsageError, match=said):
        values(name, given, "addition")


def test_seeds_are_a_number_or_a_list():
    assert (
        seeds("3") == seeds(3) == (0, 1, 2) and seeds("0,7") == seeds([0, 7]) == (0, 7) and seeds("2:6:2") == (2, 4, 6)
    )
    for bad in ("0", "-1,2", "1.5,2", 0, True):
        with pytest.raises(UsageError, match="--seeds"):
            seeds(bad)


def test_cells_are_the_product_with_seeds_innermost():
    found = cells(plan("addition", {"P": "0,1", "tau": "0,0.5", **SMALL}, seeds_given="2"))
    assert [tuple(c.axes.values()) for c in found] == [(p, t, s) for p in (0, 1) for t in (0.0, 0.5) for s in (0, 1)]
    assert all(
        (c.config.model.P, c.config.training.tau, c.config.training.seed) == tuple(c.axes.values()) for c in found
    )
    assert found[0].config.task_options["T"] == 10 and len({c.id for c in found}) == 8


def test_the_same_run_is_the_same_cell_however_it_was_asked_for():
    wide = {c.axes["P"]: c.id for c in cells(plan("addition", {"P": "0,1,2", **SMALL}))}
    narrow = cells(plan("addition", {"P": "2", "lr": "0.003,0.01", **SMALL}))
    assert narrow[0].id == wide[2] and narrow[1].id not in wide.values()  # 0.003 is the recipe's


def test_excluded_combinations_are_left_out_and_others_put_beside(tmp_path):
    file = tmp_path / "sweep.toml"
    file.write_text(
        'task = "addition"\nP = "0:2:1"\ntau = [0, 0.1]\nseeds = 2\n[task_options]\nT = 10\ntrain = 8\n'
        "[[exclude]]\nP = 0\ntau = 0.1\n[[exclude]]\nP = [1, 2]\ntau = 0\n[[include]]\nP = 5\nM = 10\n"
    )
    asked = plan(None, {}, file=file)
    found = [(c.axes["P"], c.axes.get("tau"), c.config.model.M) for c in cells(asked) if c.axes["seed"] == 0]
    assert found == [(0, 0.0, 50), (1, 0.1, 50), (2, 0.1, 50), (5, 0.0, 10)]
    again = tmp_path / "again.toml"
    again.write_text(to_toml(asked.to_dict()))
    assert [c.id for c in cells(plan(None, {}, file=again))] == [c.id for c in cells(asked)]
    assert tomllib.loads(again.read_text())["include"] == [{"P": 5, "M": 10}]
    # Flags go before the file.
    assert {c.axes["P"] for c in cells(plan(None, {"P": "1"}, file=file))} == {1, 5}


def test_an_axis_that_a_model_does_not_take_makes_no_further_cells():
    found = cells(plan("addition", {"P": "0,1,2", "model": "alrnn,gru", **SMALL}))
    assert [(c.axes["model"], c.axes["P"]) for c in found] == [("alrnn", 0), ("gru", None), ("alrnn", 1), ("alrnn", 2)]
    with pytest.raises(UsageError, match="--P has no meaning for --model gru"):
        cells(plan("addition", {"P": "2", "model": "gru", **SMALL}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"P": "0:60:1"}, "--P 51 exceeds --M 50"),
        ({"seed": "1,2"}, "Use --seeds 1,2"),
        ({"P": "0:49:1", "lr": "0:1:0.0001", "tau": "0:1:0.1"}, "more than 100,000"),
    ],
)
def test_impossible_grids_are_refused_before_anything_is_trained(given, said):
    with pytest.raises(UsageError) as error:
        cells(plan("addition", {**SMALL, **given}))
    assert said in f"{error.value.message} {error.value.hint}"


def test_a_file_with_an_unknown_key_is_refused(tmp_path):
    (tmp_path / "s.toml").write_text('task = "addition"\nPP = [1]\n')
    with pytest.raises(UsageError, match=r"s\.toml: unknown key 'PP'"):
        plan(None, {}, file=tmp_path / "s.toml")
