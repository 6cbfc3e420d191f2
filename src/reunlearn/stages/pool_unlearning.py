"""Let each model of a pool forget as a study's runs do: all steps of a scenario, with state of its own training."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

from torch import Tensor, nn

from reunlearn.stages.execution import Context
from reunlearn.stages.kept_models import KeptModels
from reunlearn.stages.loading import Loader, read_split
from reunlearn.stages.method_run import forget, kinds_of, original_of, settled, task_of
from reunlearn.study.jobs import ShadowJob
from reunlearn.training.randomness import seeded
from reunlearn.training.replayed import read_replayed, replayed_distance
from reunlearn.training.state.registry import StateRequest, write
from reunlearn.training.state.registry import card as state_card


def forget_each(
    context: Context[ShadowJob], loader: Loader, models: list[nn.Module], seeds: list[int]
) -> list[nn.Module]:
    """Return the models of a pool after all steps of the job's method; a model's seed also gives the method's draws."""
    kept, unlearned = KeptModels(context, "unlearn"), list[nn.Module]()
    with context.stopwatch.section("unlearn"):
        for model, seed in zip(models, seeds, strict=True):
            if seed in kept:
                unlearned.append(kept.load(seed, loader.result_model(0)))
                continue
            unlearned.append(_in_steps(context.job, loader, model, seed))
            kept.add({seed: unlearned[-1]})
    return unlearned


def _in_steps(job: ShadowJob, loader: Loader, model: nn.Module, seed: int) -> nn.Module:
    assert job.forgetting
    method, carried = settled(job.forgetting.method, job.inputs.choice), dict[str, Tensor]()
    kinds = kinds_of(method)
    original = copy.deepcopy(model) if kinds else model  # methods change the model that they are given
    for step, (split, scenario) in enumerate(zip(job.inputs.splits, job.forgetting.scenarios, strict=True)):
        with tempfile.TemporaryDirectory() as place:
            state = {kind: Path(place) / kind for kind in kinds}
            for kind, folder in state.items():
                _write_state(loader, kind, folder, original, seed, split=split)
                if step == 0 and replayed_distance(folder):
                    model = read_replayed(loader.random_model(0), folder)
            task = task_of(original_of(loader, split), method, scenario, seed, state=state, carried=carried)
            model, carried = forget(model, method, task, seed), task.carry
    return model


def _write_state(
    loader: Loader, kind: str, folder: Path, original: nn.Module, seed: int, *, split: str
) -> None:
    folder.mkdir()
    indices = read_split(split) if state_card(kind).per_split else {}
    request = StateRequest(
        folder,
        original,
        loader.training_samples(),
        loader.training_objective(),
        loader.recipe,
        seed,
        start=loader.fresh_model,
        result=loader.result_model,
        forget=indices.get("forget"),
        earlier=indices.get("earlier"),
    )
    with seeded(seed, "state", kind, device=loader.device):
        write(kind, request)
