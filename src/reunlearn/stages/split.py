"""Split a training set into forget and retain; name the validation set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reunlearn.data.partition import partition
from reunlearn.data.prepared import read
from reunlearn.data.scenarios import forget_mask
from reunlearn.records.files import write_arrays
from reunlearn.stages.execution import Job
from reunlearn.study import paths


def run(job: Job) -> None:
    """Write indices.npz: forget, retain, validation, each sorted, into the official training set."""
    dataset = job["dataset"]
    labels_N = np.asarray(read(Path(paths.data(dataset["name"]))).arrays.train_y)
    train, validation = partition(labels_N, dataset["train"], dataset["validation"])
    mask = forget_mask(labels_N[train], job["scenario"], job["split_seed"])
    arrays = {"forget": train[mask], "retain": train[~mask], "validation": validation}
    write_arrays(job.folder / "indices.npz", arrays)
