"""Run one membership-inference attack on one model's outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reunlearn.attacks.registry import Outputs, Pool, ShadowPools, get
from reunlearn.base.arrays import read_arrays, write_arrays
from reunlearn.base.files import write_json
from reunlearn.stages.execution import Job

SEED = 0  # of the attack's own draws


def run(job: Job) -> None:
    """Write result.json (the headline value and details) and scores.npz (member, other)."""
    attack = get(job["attack"])
    outputs = read_outputs(job.input("evaluation"))
    shadows = read_shadows(job, attack.CARD.pools) if attack.CARD.pools else None
    broken = not_finite(outputs, shadows)
    if broken:
        job.facts["status"] = "diverged"
        details = {"not_finite": broken}
        write_json(job.folder / "result.json", {"attack": job["attack"], "value": None, "details": details})
        write_arrays(job.folder / "scores.npz", {"member": np.empty(0), "other": np.empty(0)})
        return
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
    return Outputs(*({s: arrays[f"{s}_{part}"] for s in sets} for part in ("logits", "labels", "index")))


def read_shadows(job: Job, kinds: tuple[str, ...]) -> ShadowPools:
    """Return the pools that the attack's card names, and what the reference model says of the forget set."""
    pools = {kind: read_pool([Path(folder) for folder in job["inputs"][kind]]) for kind in kinds}
    return ShadowPools(pools, read_outputs(job.input("reference")).logits["forget"])


def read_pool(folders: list[Path]) -> Pool:
    """Return the models of all blocks of a pool, in their order."""
    blocks = [read_arrays(folder / "outputs.npz") for folder in folders]
    logits, member = (np.concatenate([block[name] for block in blocks]) for name in ("logits", "member"))
    return Pool(logits, member, blocks[0]["index"], blocks[0]["label"])


def not_finite(outputs: Outputs, shadows: ShadowPools | None) -> str | None:
    """Return whose outputs are not finite, None if all are: nothing can then be said of membership."""
    said = {"the model": list(outputs.logits.values())}
    if shadows is not None:
        said["the reference"] = [shadows.reference]
        said |= {f"the pool {kind}": [pool.logits] for kind, pool in shadows.pools.items()}
    return next((who for who, arrays in said.items() if not all(np.isfinite(a).all() for a in arrays)), None)
