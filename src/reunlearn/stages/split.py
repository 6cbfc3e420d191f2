"""Split a training set into forget and retain; name the validation set and the test samples of forgotten classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reunlearn.base.arrays import write_arrays
from reunlearn.data.partition import partition
from reunlearn.data.prepared import read
from reunlearn.data.scenarios.registry import STAYS, TrainingSet, select
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.jobs import SplitJob


def run(context: Context[SplitJob]) -> None:
    """Write indices.npz.

    forget, retain, earlier (forgotten in steps before this one), validation: sorted numbers into the official training
    set; test_forgotten: numbers of test samples whose class is forgotten by now; taught_index, taught_label: samples
    that the original model learns with another label than the true one.
    """
    job, dataset, scenario = context.job, context.job.dataset, context.job.scenario
    arrays = read(Path(paths.data(dataset))).arrays
    labels_N = np.asarray(arrays.train_y)
    train, validation = partition(labels_N, dataset.train, dataset.validation)
    fine = None if arrays.train_fine is None else np.asarray(arrays.train_fine)[train]
    selection = select(scenario, TrainingSet(labels_N[train], fine, train, validation), job.split_seed)
    step, part = (scenario.step or 1) - 1, selection.part
    gone = [label for labels in selection.forgotten[: step + 1] for label in labels]
    wrong = selection.labels != labels_N[train]
    test_labels_N = np.asarray(arrays.test_fine if scenario.SUBCLASSES else arrays.test_y)
    content = {
        "forget": train[part == step],
        "retain": train[(part == STAYS) | (part > step)],
        "earlier": train[(part >= 0) & (part < step)],
        "validation": validation,
        "test_forgotten": np.flatnonzero(np.isin(test_labels_N, gone)),
        "taught_index": train[wrong],
        "taught_label": selection.labels[wrong],
    }
    write_arrays(context.folder / "indices.npz", content)
