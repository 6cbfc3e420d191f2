"""Run one membership-inference attack on one model's outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reunlearn.attacks.registry import Outputs, Shadows, get
from reunlearn.records.files import read_arrays, write_arrays, write_json
from reunlearn.stages.execution import Job

SEED = 0  # of the attack's own draws


def run(job: Job) -> None:
    """Write result.json (the headline value and details) and scores.npz (member, other)."""
    attack = get(job["attack"])
    outputs = read_outputs(job.input("evaluation"))
    finite = all(np.isfinite(v).all() for v in outputs.logits.values())
    if not finite:
        job.facts["status"] = "diverged"
        write_json(job.folder / "result.json", {"attack": job["attack"], "value": None, "details": {}})
        write_arrays(job.folder / "scores.npz", {"member": np.empty(0), "other": np.empty(0)})
        return
    shadows = read_shadows(job) if attack.CARD.shadows else None
    with job.stopwatch.section("run"):
        result = attack.run(outputs, shadows, SEED)
    job.facts["status"] = "finished"
    content = {"attack": job["attack"], "value": result.value, "details": result.details}
    write_json(job.folder / "result.json", content)
    arrays = {"member": np.asarray(result.member_scores), "other": np.asarray(result.other_scores)}
    write_arrays(job.folder / "scores.npz", arrays)


def read_outputs(folder: Path) -> Outputs:
    """Return the outputs of an evaluation."""
    arrays = read_arrays(folder / "outputs.npz")
    sets = [name.removesuffix("_logits") for name in arrays if name.endswith("_logits")]
    return Outputs({s: arrays[f"{s}_logits"] for s in sets}, {s: arrays[f"{s}_labels"] for s in sets})


def read_shadows(job: Job) -> Shadows:
    """Return what the pools and the reference model say of the forget set."""
    forget = read_arrays(job.input("split") / "indices.npz")["forget"]
    pools = {}
    for kind in ("inside", "outside"):
        arrays = read_arrays(job.input(kind) / "outputs.npz")
        pools[kind] = arrays["logits"][:, np.searchsorted(arrays["index"], forget)]
    reference = read_outputs(job.input("reference")).logits["forget"]
    return Shadows(pools["inside"], pools["outside"], reference)
