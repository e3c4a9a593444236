"""Which options a model takes: what is refused, what a recipe leaves unused, what older files lack."""

import dataclasses

import pytest

from alrnn_cli import catalogue, config, store, tasks
from alrnn_cli.errors import OutputExistsError, UsageError
from alrnn_cli.tasks.addition import Addition
from alrnn_cli.training.run import find, train

OWN = [name for name, option in config.options().items() if option.metadata["own"]]
GIVEN = {
    "P": 2, "phi": "tanh", "init": "random", "input_scale": 0.2, "readout": "phi", "r_min": 0.1, "r_max": 0.95, "lr_recurrent": 0.5,
    "tau": 0.1, "M_reg": 3, "recurrent_scale": 0.02, "period_min": 7.0,
}  # fmt: skip


@pytest.mark.parametrize("name", catalogue.names())
def test_a_model_takes_its_own_options_and_refuses_others(name):
    assert catalogue.takes(name) <= set(OWN) == set(GIVEN)
    for option, value in GIVEN.items():
        layers = [{}, {"model": name, option: value}]
        if option in catalogue.takes(name):
            assert option in {**(c := config.resolve("addition", {}, layers).to_dict())["model"], **c["training"]}
            continue
        with pytest.raises(UsageError, match=f"{config.flag(option)} has no meaning for --model {name}") as caught:
            config.resolve("addition", {}, layers)
        assert "it is for --model" in caught.value.hint


def test_every_own_option_has_a_model():
    assert set().union(*map(catalogue.takes, catalogue.names())) == set(OWN)


@pytest.mark.parametrize("name", catalogue.names())
@pytest.mark.parametrize("task", ["addition", "smnist"])
def test_a_recipe_is_a_template(task, name):
    recipe = {**tasks.get(task).recipe, "P": 200, "tau": 0.3}
    if name == "alrnn":
        recipe["M"] = 200
    run = config.resolve(task, {}, [recipe, {"model": name}])
    content = run.to_dict()
    assert content["model"]["model"] == name
    unused = set(OWN) - catalogue.takes(name)
    assert not unused & (set(content["model"]) | set(content["training"]))
    assert content["training"]["lr"] == recipe["lr"]
    # What is left out is at its default, so that equal runs are equal.
    assert all(getattr(run.model, f.name) == f.default for f in dataclasses.fields(run.model) if f.name in unused)
    # And a file of it resolves to the same, for itself and as a template for another model.
    file = config.flatten(content, "file")
    del file["task"], file["task_options"]
    assert config.resolve(task, {}, [{}, {k: v for k, v in file.items() if k != "data"}]).to_dict() == content
    other = config.resolve(task, {}, [{}, {k: v for k, v in file.items() if k != "data"}, {"model": "gru"}])
    assert other.model.model == "gru" and other.training.lr == recipe["lr"]


def test_a_layer_is_about_the_model_that_it_names():
    """Also where flags that do not name one come after it; what comes before is a template."""
    with pytest.raises(UsageError, match="--P has no meaning for --model gru"):
        config.resolve("addition", {}, [{}, {"model": "gru", "P": 3}, {"lr": 0.1}])
    with pytest.raises(UsageError, match="--tau has no meaning for --model gru"):
        config.resolve("addition", {}, [{}, {"model": "gru"}, {"tau": 0.1}])
    run = config.resolve("addition", {}, [{"tau": 0.1}, {"model": "alrnn", "P": 3}, {"model": "gru"}])
    assert "P" not in run.to_dict()["model"]


def test_the_model_may_stand_flat_in_a_file():
    assert config.flatten({"model": "gru", "M": 3}, "c.toml") == {"model": "gru", "M": 3}
    assert config.flatten({"model": {"model": "gru"}}, "c.toml") == {"model": "gru"}
    with pytest.raises(UsageError, match="training must be a table"):
        config.flatten({"training": "gru"}, "c.toml")
    with pytest.raises(UsageError, match="--model gruu: expected one of alrnn"):
        config.resolve("addition", {}, [{"model": "gruu"}])
    with pytest.raises(UsageError, match="r_min <= r_max < 1"):
        config.resolve("addition", {}, [{"model": "lru", "r_max": 0.5}])


def test_a_checkpoint_of_before_there_were_models_is_found_finished(tmp_path):
    task = Addition({"T": 6, "train": 20, "validation": 10, "test": 10})
    settings = {"M": 4, "P": 1, "batch": 10, "epochs": 1.0}
    run, out = config.resolve("addition", task.opt, [settings]), tmp_path / "x.safetensors"
    train(run, task, out, threads=1)
    there = store.load_checkpoint(out)
    old = {k: v for k, v in there.meta.config["model"].items() if k not in ("model", "phi")}
    meta = dataclasses.replace(there.meta, config={**there.meta.config, "model": old}, parameters=None)
    store.save_checkpoint(out, dataclasses.replace(there, meta=meta))
    assert find(out, run, overwrite=False, resume=False) is not None
    for changes in ({"phi": "tanh"}, {"model": "rnn"}):
        other = {k: v for k, v in settings.items() if k != "P"} | changes
        with pytest.raises(OutputExistsError, match="another configuration"):
            find(out, config.resolve("addition", task.opt, [other]), overwrite=False, resume=False)
