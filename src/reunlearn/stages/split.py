"""Split a training set into forget and retain; name the validation set and the test samples of forgotten classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from reunlearn.base.arrays import write_arrays
from reunlearn.data.partition import partition
from reunlearn.data.prepared import read
from reunlearn.data.scenarios import STAYS, TrainingSet, select
from reunlearn.stages.execution import Job
from reunlearn.study import paths
from reunlearn.study.indices import read_indices


def run(job: Job) -> None:
    """Write indices.npz.

    forget, retain, earlier (forgotten in steps before this one), validation: sorted numbers into the official training
    set; test_forgotten: numbers of test samples whose class is forgotten by now; taught_index, taught_label: samples
    that the original model learns with another label than the true one.
    """
    dataset, scenario = job["dataset"], dict(job["scenario"])
    arrays = read(Path(paths.data(dataset))).arrays
    labels_N = np.asarray(arrays.train_y)
    train, validation = partition(labels_N, dataset["train"], dataset["validation"])
    if scenario["kind"] == "indices":
        scenario["chosen"] = read_indices(scenario["file"], scenario["digest"])
    fine = None if arrays.train_fine is None else np.asarray(arrays.train_fine)[train]
    selection = select(TrainingSet(labels_N[train], fine, train), scenario, job["split_seed"])
    step, part = (scenario.get("step") or 1) - 1, selection.part
    gone = [label for labels in selection.forgotten[: step + 1] for label in labels]
    wrong = selection.labels != labels_N[train]
    content = {
        "forget": train[part == step],
        "retain": train[(part == STAYS) | (part > step)],
        "earlier": train[(part != STAYS) & (part < step)],
        "validation": validation,
        "test_forgotten": np.flatnonzero(np.isin(_test_labels(arrays, scenario), gone)),
        "taught_index": train[wrong],
        "taught_label": selection.labels[wrong],
    }
    write_arrays(job.folder / "indices.npz", content)


def _test_labels(arrays: Any, scenario: dict[str, Any]) -> np.ndarray:
    """Return the labels [N] of the test set that the scenario's classes speak of."""
    return np.asarray(arrays.test_fine if scenario["kind"] == "subclass" else arrays.test_y)
