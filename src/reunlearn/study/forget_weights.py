"""Scenarios that look for the samples that are hardest to forget → the jobs that say how hard each is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reunlearn.study import paths
from reunlearn.study.data_jobs import modules_of
from reunlearn.study.inputs import Folder, StateInputs
from reunlearn.study.jobs import StateJob

if TYPE_CHECKING:
    from reunlearn.study.seed_expansion import SeedExpansion

KIND = "forget_weights"


def add_forget_weights(runs: SeedExpansion) -> Folder:
    """Add what says how hard each sample is to forget, of the original whose training seed is the split seed."""
    training, seed = runs.whole.training, runs.seeds.split
    scenario = runs.scenarios[-1].model_copy(update={"steps": 1, "step": None})
    original = runs.train("original", paths.original(training, seed), seed, training=training)
    job = StateJob(
        "state",
        paths.state(training, KIND, seed, (scenario.name, seed)),
        training,
        KIND,
        seed,
        scenario=scenario,
        modules=(
            "reunlearn.stages.state",
            f"reunlearn.training.state.{KIND}",
            f"reunlearn.data.scenarios.{scenario.kind}",
            *modules_of(training),
        ),
        memory_mib=runs.whole.memory_mib,
        inputs=StateInputs(data=runs.data, original=original),
    )
    return runs.add(job)
