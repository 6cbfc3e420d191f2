"""What an experiment stands for: one step, whose runs start from those of the step before; one split if all are one."""

from __future__ import annotations

from reunlearn.base.hashing import short_digest
from reunlearn.study.scenario import AnyScenario
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import TrainingSpec


def without_idle_splits(experiment: Experiment) -> Experiment:
    """Return the experiment with split seed 0 everywhere, if its scenario draws nothing.

    Every split seed then gives the same forget set: splits, retrained models and pools are made once.

    Raises:
        ValueError: two sets of seeds differ in nothing but the split.
    """
    if experiment.scenario.DRAWS:
        return experiment
    seeds = tuple(dict.fromkeys(s.model_copy(update={"split": 0}) for s in experiment.seeds))
    if len(seeds) < len(experiment.seeds):
        raise ValueError(
            f"scenario '{experiment.scenario.kind}' draws nothing, so that seeds that differ in 'split' only give the "
            "same runs; give them other 'train' or 'method' seeds"
        )
    return experiment.model_copy(update={"seeds": seeds})


def per_step(experiment: Experiment) -> list[Experiment]:
    """Return the experiment, or one for each of its steps: each is a table of its own."""
    scenario = experiment.scenario
    if scenario.steps == 1 or scenario.step is not None:
        return [experiment]
    chosen = [scenario.model_copy(update={"step": step}) for step in range(1, scenario.steps + 1)]
    return [
        experiment.model_copy(update={"name": f"{experiment.name}-step{s.step}", "scenario": s})
        for s in chosen
    ]


def steps_of(
    experiment: Experiment, training: TrainingSpec
) -> tuple[tuple[AnyScenario, ...], tuple[str, ...]]:
    """Return scenario and name, of each step up to the experiment's own.

    Args:
        experiment: with the scenario as the study writes it.
        training: of the models that the scenario may ask; rows with a recipe of their own forget the same samples.
    """
    counts = {kind: getattr(experiment.shadows, kind, None) for kind in experiment.scenario.READS}
    scenario = experiment.scenario.resolved(short_digest([training.digest, counts]))
    chain: tuple[AnyScenario, ...] = (scenario,)
    if scenario.steps > 1:
        chain = tuple(
            scenario.model_copy(update={"step": step}) for step in range(1, (scenario.step or 1) + 1)
        )
    return chain, tuple(step.name for step in chain)
