"""Evaluate one model on forget, retain, validation and test."""

from __future__ import annotations

import numpy as np

from reunlearn.metrics.classification import accuracy, cross_entropy
from reunlearn.records.files import write_arrays, write_json
from reunlearn.stages.execution import Job
from reunlearn.stages.outputs import logits
from reunlearn.stages.training import open_loader


def run(job: Job) -> None:
    """Write outputs.npz (logits, labels, indices per set) and metrics.json."""
    loader = open_loader(job)
    model = loader.model(job.input("model"))
    objective = loader.objective()
    sets = {**loader.sets(job.input("split")), "test": loader.test_samples()}
    arrays: dict[str, np.ndarray] = {}
    metrics: dict[str, float] = {}
    with job.stopwatch.section("run"):
        for name, samples in sets.items():
            logits_NK, labels_N = logits(model, samples, objective), samples.y.cpu().numpy()
            arrays[f"{name}_logits"], arrays[f"{name}_labels"] = logits_NK, labels_N
            arrays[f"{name}_index"] = samples.index.cpu().numpy()
            metrics[f"accuracy_{name}"] = accuracy(logits_NK, labels_N)
            metrics[f"loss_{name}"] = float(cross_entropy(logits_NK, labels_N).mean())
    _without_forgotten(metrics, arrays)
    write_arrays(job.folder / "outputs.npz", arrays)
    write_json(job.folder / "metrics.json", metrics)
    finite = all(np.isfinite(arrays[f"{name}_logits"]).all() for name in sets)
    job.facts["status"] = "finished" if finite else "diverged"


def _without_forgotten(metrics: dict[str, float], arrays: dict[str, np.ndarray]) -> None:
    """Where whole classes are forgotten, add the accuracy on test samples of the remaining classes."""
    remaining = np.isin(arrays["test_labels"], arrays["retain_labels"])
    if not remaining.all():
        logits_NK, labels_N = arrays["test_logits"][remaining], arrays["test_labels"][remaining]
        metrics["accuracy_test_retained"] = accuracy(logits_NK, labels_N)
