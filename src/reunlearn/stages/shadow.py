"""Train a pool of shadow models and keep what they say of every training sample, not their weights."""

from __future__ import annotations

import numpy as np

from reunlearn.records.files import read_arrays, write_arrays
from reunlearn.stages.execution import Job
from reunlearn.stages.outputs import logits
from reunlearn.stages.training import open_loader, train_one


def run(job: Job) -> None:
    """Write outputs.npz: logits [models, training samples, classes] in half precision, index, label."""
    loader = open_loader(job)
    index = None if job["kind"] == "inside" else read_arrays(job.input("split") / "indices.npz")["retain"]
    everything = loader.training_samples()
    found = []
    for number in range(job["count"]):
        model, _ = train_one(job, loader, index, job["first_seed"] + number, f"model{number}")
        with job.stopwatch.section("evaluate"):
            found.append(logits(model, everything, loader.objective()))
    arrays = {"logits": np.stack(found), "index": loader.train_index, "label": everything.y.cpu().numpy()}
    write_arrays(job.folder / "outputs.npz", arrays)
