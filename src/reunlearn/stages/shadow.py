"""Train a block of a pool of shadow models and keep what they answer on every sample, not their weights."""

from __future__ import annotations

import importlib

import numpy as np

from reunlearn.data.halves import half
from reunlearn.data.partition import Parts
from reunlearn.data.swapping import exchanged
from reunlearn.measures._logits import logits
from reunlearn.metrics.outputs import Pool, write_pool
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader, open_loader, read_split
from reunlearn.stages.pool_training import train_many
from reunlearn.study.jobs import ShadowJob


def run(context: Context[ShadowJob]) -> None:
    """Write outputs.npz of the block's M models on the N samples of training and validation set.

    Of a validation set that is taken out of the official test set they answer nothing.

    logits [M, N, K] in half precision; member [M, N], what each was trained with; index [N], sorted official numbers;
    label [N], the true ones.
    """
    job, loader = context.job, open_loader(context)
    if job.kind == "swapped":
        loader.parts = swapped(loader.parts, job.inputs.splits[-1])
    index_N = np.union1d(loader.parts.train, loader.parts.held_out)
    member_MN = members(job, loader, index_N)
    sets = [loader.training_samples(index_N[row]) for row in np.unique(member_MN, axis=0)]
    # models that learn the same share one copy of it
    samples = [sets[place] for place in np.unique(member_MN, axis=0, return_inverse=True)[1].reshape(-1)]
    seeds = list(range(job.first_seed, job.first_seed + job.count))
    unlearning = None
    if job.forgetting:  # by name: only this kind's code digest is to cover what methods do
        unlearning = importlib.import_module("reunlearn.stages.pool_unlearning")
    replays = bool(job.forgetting and unlearning and unlearning.kinds_of(job.forgetting.method))
    retrained = job.kind == "without_forget"
    models = train_many(context, loader, samples, seeds, retrained=retrained, alone=replays)
    if unlearning is not None:
        models = unlearning.forget_each(context, loader, models, seeds)
    everything = loader.training_samples(index_N)
    with context.stopwatch.section("evaluate"):
        logits_MNK = np.stack([logits(model, everything, loader.objective()) for model in models])
    context.facts["status"] = "finished" if np.isfinite(logits_MNK).all() else "diverged"
    write_pool(context.folder, Pool(logits_MNK, member_MN, index_N, loader.true_labels[index_N]))


def swapped(parts: Parts, split: str) -> Parts:
    """Return the parts of the study in which held-out samples are learned and those of the forget set are held out."""
    indices = read_split(split)
    validation = indices["validation"]
    train = exchanged(parts.train, np.intersect1d(parts.train, validation), indices["forget"])
    return Parts(train, validation, parts.test)


def members(job: ShadowJob, loader: Loader, index_N: np.ndarray) -> np.ndarray:
    """Return [M, N]: what each model of the block is trained with."""
    if job.kind == "halves":
        numbers = range(job.first, job.first + job.count)
        return np.stack([half(len(index_N), number) for number in numbers])
    taught = loader.parts.train
    if job.kind == "without_forget":
        assert job.inputs.split
        taught = read_split(job.inputs.split)["retain"]
    return np.tile(np.isin(index_N, taught), (job.count, 1))
