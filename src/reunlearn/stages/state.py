"""What some methods need to know of training, computed once per original model, or per original and forget set."""

from __future__ import annotations

from reunlearn.stages.execution import Context
from reunlearn.stages.loading import open_loader, read_split
from reunlearn.study.jobs import StateJob
from reunlearn.training.randomness import seeded
from reunlearn.training.state.registry import StateRequest, write


def run(context: Context[StateJob]) -> None:
    """Let training/state/<kind>.py write its artifact."""
    job, loader = context.job, open_loader(context)
    split = read_split(job.inputs.split) if job.inputs.split else {}
    request = StateRequest(
        context.folder,
        loader.model(job.inputs.original),
        loader.training_samples(),
        loader.training_objective(),
        loader.recipe,
        job.seed,
        start=loader.fresh_model,
        result=loader.result_model,
        forget=split.get("forget"),
        earlier=split.get("earlier"),
        scenario=job.scenario,
    )
    with context.stopwatch.section("run"), seeded(job.seed, "state", job.kind, device=context.device):
        context.facts.update(write(job.kind, request))
