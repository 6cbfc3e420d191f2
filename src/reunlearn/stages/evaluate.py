"""Evaluate one model on forget, retain, validation, test, and what was forgotten in earlier steps: true labels."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from reunlearn.base.arrays import read_arrays, write_arrays
from reunlearn.base.files import write_json
from reunlearn.data.batches import Samples
from reunlearn.metrics.classification import accuracy, cross_entropy, entropy
from reunlearn.metrics.divergence import zrf, zrf_released
from reunlearn.stages.execution import Job
from reunlearn.stages.loading import Loader
from reunlearn.stages.logits import logits
from reunlearn.stages.training import open_loader

INCOMPETENT_SEED = 30_000  # of the untrained network that ZRF compares with: never the seed of a trained one
AUGMENTED_SETS = ("forget", "retain")  # what GDR-GMA measures with the training augmentation on
AUGMENTATION_SEED = 0


def run(job: Job) -> None:
    """Write outputs.npz (logits, labels, indices per set; classes said under augmentation) and metrics.json."""
    loader = open_loader(job)
    model = loader.model(job.input("model"))
    objective = loader.objective()
    split = job.input("split")
    sets = {**loader.sets(split), "test": loader.test_samples()}
    arrays: dict[str, np.ndarray] = {}
    metrics: dict[str, float] = {}
    with job.stopwatch.section("run"):
        for name, samples in sets.items():
            logits_NK, labels_N = logits(model, samples, objective), samples.y.cpu().numpy()
            arrays[f"{name}_logits"], arrays[f"{name}_labels"] = logits_NK, labels_N
            arrays[f"{name}_index"] = samples.index.cpu().numpy()
            metrics[f"accuracy_{name}"] = accuracy(logits_NK, labels_N)
            metrics[f"loss_{name}"] = float(cross_entropy(logits_NK, labels_N).mean())
            metrics[f"entropy_{name}"] = float(entropy(logits_NK).mean())
        for name, predicted_N in _augmented(loader, model, sets).items():
            arrays[f"{name}_augmented_predicted"] = predicted_N
            right = predicted_N == arrays[f"{name}_labels"]
            metrics[f"accuracy_{name}_augmented"] = 100.0 * float(right.mean())
        metrics |= _against_incompetent(loader, sets["forget"], arrays["forget_logits"])
    metrics |= _of_scenario(arrays, read_arrays(split / "indices.npz"))
    write_arrays(job.folder / "outputs.npz", arrays)
    write_json(job.folder / "metrics.json", metrics)
    finite = all(np.isfinite(arrays[f"{name}_logits"]).all() for name in sets)
    job.facts["status"] = "finished" if finite else "diverged"


def _augmented(loader: Loader, model: nn.Module, sets: dict[str, Samples]) -> dict[str, np.ndarray]:
    """Return the class said of each sample [N] under the training augmentation; nothing where there is none.

    One seeded draw per image.
    """
    if not loader.training["recipe"]["augmentation"]:
        return {}
    objective, found = loader.objective(), {}
    for name in AUGMENTED_SETS:
        generator = torch.Generator().manual_seed(AUGMENTATION_SEED)
        found[name] = logits(model, sets[name], objective, generator).argmax(axis=1).astype(np.int16)
    return found


def _against_incompetent(loader: Loader, forget: Samples, logits_NK: np.ndarray) -> dict[str, float]:
    """Return ZRF, in both definitions: how alike the model and an untrained network are on forget."""
    incompetent_NK = logits(loader.random_model(INCOMPETENT_SEED), forget, loader.objective())
    return {
        "zrf": zrf(logits_NK, incompetent_NK),
        "zrf_released": zrf_released(logits_NK, incompetent_NK),
    }


def _of_scenario(arrays: dict[str, np.ndarray], indices: dict[str, np.ndarray]) -> dict[str, float]:
    """Return what only some scenarios have.

    Whole (sub-)classes forgotten: accuracy on the test samples of these, and of the others. Wrong labels taught:
    how often the model still says of a forget sample what it was taught.
    """
    found = {}
    gone = np.isin(arrays["test_index"], indices["test_forgotten"])
    for name, rows in (("forgotten", gone), ("retained", ~gone)):
        if gone.any() and rows.any():
            found[f"accuracy_test_{name}"] = accuracy(
                arrays["test_logits"][rows], arrays["test_labels"][rows]
            )
    taught = dict(zip(indices["taught_index"].tolist(), indices["taught_label"].tolist(), strict=True))
    if taught:
        labels = np.array([taught[i] for i in arrays["forget_index"].tolist()])
        found["accuracy_forget_taught"] = accuracy(arrays["forget_logits"], labels)
    return found
