"""Split a training set into forget and retain; name validation and test set, and test samples of forgotten classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from reunlearn.base.arrays import write_arrays
from reunlearn.data.partition import parts_of
from reunlearn.data.prepared import read
from reunlearn.data.scenarios.registry import STAYS, TrainingSet, select
from reunlearn.data.swapping import exchanged, partners
from reunlearn.metrics.outputs import read_pool
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.jobs import SplitJob


def run(context: Context[SplitJob]) -> None:
    """Write indices.npz.

    forget, retain, earlier (forgotten in steps before this one): sorted numbers into the official training set.
    validation: into the official set that it is taken out of. test: into the official test set; test_forgotten:
    likewise, samples whose class is forgotten by now, in the test set or left out of it. forgotten_classes: those that
    are forgotten whole by now. taught_index, taught_label: samples that the original model learns with another label
    than the true one. score_forget, score_retain: of kinds that choose by a score, of each sample; the record has
    their means. Where forget and held-out samples change places, these numbers are of that world.
    """
    job, dataset, scenario = context.job, context.job.dataset, context.job.scenario
    arrays = read(Path(paths.data(dataset))).arrays
    labels_N = np.asarray(arrays.train_y)
    parts = parts_of(dataset, labels_N, np.asarray(arrays.test_y))
    train = parts.train
    fine = None if arrays.train_fine is None else np.asarray(arrays.train_fine)[train]
    halves = read_pool(map(Path, job.inputs.halves)) if job.inputs.halves else None
    weights = (
        load_file(Path(job.inputs.weights) / "state.safetensors")["weight"] if job.inputs.weights else None
    )
    samples = TrainingSet(labels_N[train], fine, train, parts.held_out, halves, weights)
    selection = select(scenario, samples, job.split_seed)
    step, part = (scenario.step or 1) - 1, selection.part
    gone = [label for labels in selection.forgotten[: step + 1] for label in labels]
    wrong = selection.labels != labels_N[train]
    test_labels_M = np.asarray(arrays.test_fine if scenario.SUBCLASSES else arrays.test_y)[parts.test]
    goes_M = np.isin(test_labels_M, gone)
    content = {
        "forget": train[part == step],
        "retain": train[(part == STAYS) | (part > step)],
        "earlier": train[(part >= 0) & (part < step)],
        "validation": parts.validation,
        "test": parts.test[~goes_M] if scenario.limits_test else parts.test,
        "test_forgotten": parts.test[goes_M],
        "forgotten_classes": np.array([] if scenario.SUBCLASSES else sorted(gone), dtype=np.int64),
        "taught_index": train[wrong],
        "taught_label": selection.labels[wrong],
    }
    if job.swapped:
        into = partners(content["forget"], parts.held_out)
        content["validation"] = exchanged(content["validation"], into, content["forget"])
        content["forget"] = into
    if selection.score is not None and not job.swapped:
        for name in ("forget", "retain"):
            content[f"score_{name}"] = selection.score[np.searchsorted(train, content[name])]
        context.facts["scores"] = {n: float(content[f"score_{n}"].mean()) for n in ("forget", "retain")}
    write_arrays(context.folder / "indices.npz", content)
