"""Forgetting in steps: an experiment stands for one step, whose runs start from those of the step before."""

from __future__ import annotations

from typing import Any

from reunlearn.study.indices import digest_of
from reunlearn.study.schema import Experiment


def per_step(experiment: Experiment) -> list[Experiment]:
    """Return the experiment, or one for each of its steps: each is a table of its own."""
    scenario = experiment.scenario
    if scenario.steps == 1 or scenario.step is not None:
        return [experiment]
    steps = range(1, scenario.steps + 1)
    chosen = [scenario.model_copy(update={"step": step}) for step in steps]
    return [
        experiment.model_copy(update={"name": f"{experiment.name}-step{s.step}", "scenario": s})
        for s in chosen
    ]


def steps_of(experiment: Experiment) -> tuple[list[dict[str, Any]], list[str]]:
    """Return specification and name of the experiment's scenario: of each step up to its own."""
    scenario = experiment.scenario
    digest = {"digest": digest_of(scenario.file)} if scenario.file else {}
    chain = [scenario.model_copy(update={"step": s + 1}) for s in range(scenario.step or 1)]
    chain = chain if scenario.steps > 1 else [scenario]
    specs = [{**s.model_dump(mode="json", exclude_none=True), **digest} for s in chain]
    tail = f"~{digest['digest'][:8]}" if digest else ""
    return specs, [f"{s.name}{tail}" for s in chain]
