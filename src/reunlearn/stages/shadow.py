"""Train a block of a pool of shadow models and keep what they say of every sample, not their weights."""

from __future__ import annotations

import importlib

import numpy as np

from reunlearn.base.arrays import read_arrays, write_arrays
from reunlearn.data.halves import half
from reunlearn.stages.execution import Job
from reunlearn.stages.loading import Loader
from reunlearn.stages.logits import logits
from reunlearn.stages.training import open_loader, train_many


def run(job: Job) -> None:
    """Write outputs.npz of the block's M models on the N samples of training and validation set.

    logits [M, N, K] in half precision; member [M, N], what each was trained with; index [N], sorted official numbers;
    label [N], the true ones.
    """
    loader = open_loader(job)
    index_N = np.union1d(loader.train_index, loader.validation_index)
    member_MN = members(job, loader, index_N)
    sets = [loader.training_samples(index_N[row]) for row in np.unique(member_MN, axis=0)]
    # models that learn the same share one copy of it
    samples = [sets[place] for place in np.unique(member_MN, axis=0, return_inverse=True)[1].reshape(-1)]
    seeds = list(range(job["first_seed"], job["first_seed"] + job["count"]))
    unlearning = None
    if job["kind"] == "unlearned":  # by name: only this kind's code digest is to cover what methods do
        unlearning = importlib.import_module("reunlearn.stages.method_run")
    replays = unlearning is not None and bool(unlearning.kinds_of(job["method"]))
    models = train_many(job, loader, samples, seeds, job["kind"] == "without_forget", alone=replays)
    if unlearning is not None:
        models = unlearning.forget_each(job, loader, models, seeds)
    everything = loader.training_samples(index_N)
    with job.stopwatch.section("evaluate"):
        said_MNK = np.stack([logits(model, everything, loader.objective()) for model in models])
    job.facts["status"] = "finished" if np.isfinite(said_MNK).all() else "diverged"
    arrays = {"logits": said_MNK, "member": member_MN, "index": index_N, "label": loader.true_labels[index_N]}
    write_arrays(job.folder / "outputs.npz", arrays)


def members(job: Job, loader: Loader, index_N: np.ndarray) -> np.ndarray:
    """Return [M, N]: what each model of the block is trained with."""
    if job["kind"] == "halves":
        numbers = range(job["first"], job["first"] + job["count"])
        return np.stack([half(len(index_N), number) for number in numbers])
    taught = loader.train_index
    if job["kind"] == "without_forget":
        taught = read_arrays(job.input("split") / "indices.npz")["retain"]
    return np.tile(np.isin(index_N, taught), (job["count"], 1))
