"""From a checkpoint and its task to Trajectories: the one place where a trained model is run for analysis, in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from . import tasks
from .config import ModelConfig
from .errors import InputError
from .model import make
from .model.network import Network
from .records import ON_THE_WAY, Checkpoint, Tokens, Trajectories, Trials
from .tasks.base import Task
from .training import evaluate, streams

_CONSTANT_STEPS = 256  # a constant input this long has an encoded middle that no border reaches


@dataclass(frozen=True)
class Rollout:
    """trajectories; trials: what they are of; score: the task's metrics on these trials; warnings: what the reader should know
    about them."""

    trajectories: Trajectories
    trials: Trials
    task: Task
    score: dict[str, float]
    warnings: tuple[str, ...]


def model_of(checkpoint: Checkpoint) -> Network:
    """The trained model in float64 with one member. Errors: InputError where the tensors do not fit the configuration."""
    config = ModelConfig(**checkpoint.meta.config["model"])
    tensors = checkpoint.tensors
    info = checkpoint.meta.task
    inputs = tensors["C"].shape[1] if info is None else info["K"]
    # As numbers, trained and given vectors are the same.
    vectors = tensors.get("encoder.embedding")
    tokens = None if vectors is None else Tokens(*vectors.shape)
    model = make(config, inputs, tensors["D"].shape[0], tokens).double()
    for name, p in model.arrays().items():
        value, shape = tensors.get(name), tuple(p.shape[1:])
        if value is None or value.shape != shape:
            found = "missing" if value is None else f"of shape {value.shape}"
            raise InputError(f"The checkpoint's tensor {name!r} is {found}, expected shape {shape}.")
        with torch.no_grad():
            p.copy_(torch.from_numpy(value))
    return model


def task_of(checkpoint: Checkpoint, data: str | None = None) -> Task:
    """The task it was trained on. data: where its data are now, if not where they were. Errors: InputError for an imported model."""
    info, config = checkpoint.meta.task, checkpoint.meta.config
    if info is None:
        raise InputError("The checkpoint has no task.", "Import it with --task NAME, or train one on a task.")
    t = config["training"]
    try:
        task = tasks.get(info["name"])(
            info["options"], data=data or config["data"], seed=t["seed"], eval_seed=t["eval_seed"]
        )
    except InputError as error:
        if data is not None or config["data"] is None:
            raise
        raise InputError(
            f"The model was trained on {config['data']}, which cannot be read: {error.message}",
            "Say where the data are now: --data PATH",
        ) from None
    found = task.facts()
    for what, words in _WHAT.items():
        here, there = found.get(what), info.get(what, found.get(what))  # a checkpoint made by hand may say less
        if here != there:
            raise InputError(
                f"These data do not fit the model: {words} is {here} here and was {there} in training.",
                "Give the data that it was trained on, or others of the same kind: --data PATH",
            )
    return task


#: what a checkpoint says of its task and what must not differ
_WHAT = {
    "K": "the number of inputs",
    "N": "the number of outputs",
    "loss": "the loss",
    "scored": "the scored step",
    "vocabulary": "the vocabulary (its sha256)",
}


def rollout(checkpoint: Checkpoint, *, data: str | None = None, trials: int = 500) -> Rollout:
    """Run the model on the first `trials` test trials. Returns: Rollout. Errors: InputError."""
    task = task_of(checkpoint, data)
    model = model_of(checkpoint)
    told = []
    meta = checkpoint.meta
    if meta.status == "diverged":
        told.append(f"Training diverged ({meta.reason}); this is the best state before, from step {meta.best_step}.")
    elif meta.status == "interrupted" and meta.reason != ON_THE_WAY:
        told.append(f"Training was interrupted at step {meta.step}; this is the best state until then.")
    elif meta.status == "reduced":
        told.append(f"Not a model as trained: {meta.reason}.")
    fingerprint = task.fingerprint()
    if fingerprint != checkpoint.meta.data_fingerprint:
        told.append("The data are not those the model was trained on (their fingerprints differ).")
    test = task.split("test")
    test = test.take(slice(0, min(trials, len(test))))
    t = checkpoint.meta.config["training"]
    with torch.no_grad():
        raw = torch.from_numpy(test.inputs).double().unsqueeze(0)
        s, lengths = model.encode(raw, torch.from_numpy(test.lengths).unsqueeze(0))
        drawn = evaluate.noise(model, [streams.rng(t["eval_seed"], streams.EVAL_NOISE)], s.shape[1], t["batch"])
        z0 = model.initial_state(s.shape[1], drawn)
        z = model.trajectory(s, lengths, z0=z0)
        outputs = model.read(z)[0].numpy()
        phase_inputs = _phase_inputs(model, task, test, s[0].numpy())
    if drawn is not None:
        told.append("z_0 was drawn at random, as in training (--z0 noise): another draw gives other trajectories.")
    n, steps = s.shape[1:3]
    own_last = lengths[0].numpy() - 1 if lengths is not None else np.full(n, steps - 1)
    counted = test.mask
    if task.scored == "last":
        counted = np.zeros((n, steps), bool)
        counted[np.arange(n), own_last] = True
    final = outputs[np.arange(n), own_last] if task.scored == "last" else outputs
    trajectories = Trajectories(
        s=s[0].numpy(),
        z0=z0[0].detach().numpy().copy(),  # a learned z_0 is a view of a parameter
        z=z[0].numpy(),
        outputs=outputs,
        targets=test.targets,
        mask=counted,
        lengths=own_last + 1,
        conditions=test.conditions,
        phases=_encoded_phases(model, test)[:, :steps],
        condition_names=tuple(task.condition_names),
        phase_names=tuple(p.name for p in task.phases),
        phase_inputs=phase_inputs,
        input_names=tuple(task.input_names) if not model.encoded else tuple(f"channel {k}" for k in range(s.shape[-1])),
        output_names=tuple(task.output_names),
        dt=task.dt * model.stride,
        dt_unit=task.dt_unit,
    )
    return Rollout(trajectories, test, task, task.score(final, test), tuple(told))


def _encoded_phases(model: Network, trials: Trials) -> np.ndarray:
    """Each encoded step takes the phase of the last raw step it covers. Returns: (n, T') int8."""
    return trials.phases[:, model.stride - 1 :: model.stride]


def _phase_inputs(model: Network, task: Task, trials: Trials, s: np.ndarray) -> np.ndarray:
    """The constant encoded input that stands for each phase: the task's own, or the mean over the phase's steps (NaN where
    no step was seen). Returns: (number of phases, K)."""
    phases = _encoded_phases(model, trials)[:, : s.shape[1]]
    rows = []
    for j, phase in enumerate(task.phases):
        if phase.input is None:
            chosen = s[phases == j]
            rows.append(chosen.mean(0) if len(chosen) else np.full(s.shape[-1], np.nan))
        elif not model.encoded:
            rows.append(np.asarray(phase.input, np.float64))
        else:
            constant = torch.tensor(phase.input, dtype=torch.float64).expand(1, 1, _CONSTANT_STEPS, -1)
            encoded, _ = model.encode(constant)
            rows.append(encoded[0, 0, encoded.shape[2] // 2].numpy())
    return np.stack(rows) if rows else np.zeros((0, s.shape[-1]))
