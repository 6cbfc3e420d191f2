"""What some methods need to know of training, computed once per original model, or per original and forget set."""

from __future__ import annotations

from reunlearn.base.arrays import read_arrays
from reunlearn.stages.execution import Job
from reunlearn.stages.training import open_loader
from reunlearn.training.randomness import seeded
from reunlearn.training.state.registry import StateRequest, write


def run(job: Job) -> None:
    """Let training/state/<kind>.py write its artifact."""
    loader, kind, seed = open_loader(job), job["kind"], job["seed"]
    recipe = job["training"]["recipe"]
    split = read_arrays(job.input("split") / "indices.npz") if "split" in job["inputs"] else {}
    request = StateRequest(
        job.folder,
        loader.model(job.input("original")),
        loader.training_samples(),
        loader.objective(recipe["label_smoothing"]),
        recipe,
        seed,
        start=loader.fresh_model,
        result=loader.result_model,
        forget=split.get("forget"),
        earlier=split.get("earlier"),
    )
    with job.stopwatch.section("run"), seeded(seed, "state", kind, device=job.device):
        job.facts.update(write(kind, request))
