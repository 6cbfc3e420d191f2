"""Compare one model with the original and with Retrain: outputs sample by sample, and weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from scipy.stats import wasserstein_distance

from reunlearn.base.arrays import read_arrays
from reunlearn.base.files import write_json
from reunlearn.metrics.classification import entropy
from reunlearn.metrics.divergence import divergences
from reunlearn.metrics.margins import klom, margins
from reunlearn.metrics.weight_distance import distance
from reunlearn.stages.attack import read_pool
from reunlearn.stages.execution import Job

SETS = ("forget", "test")


def run(job: Job) -> None:
    """Write readings.json.

    Retrain itself is compared with a second retrained model; where a study trains none, only with the original.
    """
    readings: dict[str, float] = {}
    with job.stopwatch.section("run"):
        if "reference" in job["inputs"]:
            readings |= _outputs(job.input("evaluation"), job.input("reference"))
        for name, role in (("original", "original"), ("retrain", "retrained")):
            if role in job["inputs"]:
                readings |= _weights(job.input("model"), job.input(role), name)
        if {"unlearned", "without_forget"} <= job["inputs"].keys():
            readings |= _margins(job)
    write_json(job.folder / "readings.json", readings)


def _outputs(evaluation: Path, reference: Path) -> dict[str, float]:
    """Return divergences from Retrain's outputs; nothing where outputs are not finite."""
    ours, theirs = (read_arrays(folder / "outputs.npz") for folder in (evaluation, reference))
    logits = {name: (theirs[f"{name}_logits"], ours[f"{name}_logits"]) for name in SETS}
    if not all(np.isfinite(array).all() for pair in logits.values() for array in pair):
        return {}
    found: dict[str, float] = {}
    for name, (reference_NK, model_NK) in logits.items():
        found |= {f"{kind}_{name}": value for kind, value in divergences(reference_NK, model_NK).items()}
    entropies = [entropy(logits_NK) for logits_NK in logits["forget"]]
    return {
        **found,
        "d_kl": found["kl_forget"],
        "entropy_distance_forget": float(wasserstein_distance(*entropies)),
    }


def _margins(job: Job) -> dict[str, float]:
    """Return KLoM over forget of the row's unlearned models against retrained ones, and the floor for so few models.

    The floor holds one half of the retrained models against the other; nothing where outputs are not finite.
    """
    arrays = read_arrays(job.input("evaluation") / "outputs.npz")
    sides = {}
    for kind in ("unlearned", "without_forget"):
        logits_MNK = read_pool([Path(f) for f in job["inputs"][kind]]).of(arrays["forget_index"])[0]
        if not np.isfinite(logits_MNK).all():
            return {}
        sides[kind] = margins(logits_MNK, arrays["forget_labels"])
    retrained_RN = sides["without_forget"]
    found = {"klom_forget": float(klom(sides["unlearned"], retrained_RN).mean())}
    if len(retrained_RN) >= 4:
        found["klom_floor_forget"] = float(klom(retrained_RN[::2], retrained_RN[1::2]).mean())
    return found


def _weights(model: Path, other: Path, name: str) -> dict[str, float]:
    """Return the distance of two models' weights; nothing where their architectures differ."""
    tensors, theirs = (load_file(folder / "model.safetensors") for folder in (model, other))
    apart = distance(tensors, theirs)
    if apart is None:
        return {}
    return {f"weight_distance_{name}": apart[0], f"relative_weight_distance_{name}": apart[1]}
