"""Train the models of a block of a pool: groups of small networks at once, others one by one."""

from __future__ import annotations

from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader
from reunlearn.stages.training import progress, recipe_of, train_one
from reunlearn.study.jobs import ShadowJob
from reunlearn.training.precision import in_use
from reunlearn.training.stacked import groups_of, train_stack


def train_many(
    context: Context[ShadowJob],
    loader: Loader,
    samples: list[Samples],
    seeds: list[int],
    *,
    retrained: bool,
    alone: bool = False,
) -> list[nn.Module]:
    """Return a trained model for each set of samples and seed.

    Args:
        context: its record gets the widths of the groups, or why there are none.
        loader: gives the networks.
        samples: of each model.
        seeds: of each model.
        retrained: see training.recipe_of.
        alone: one by one in any case.
    """
    recipe = recipe_of(loader.recipe, retrained)
    objective = loader.training_objective()
    models = [loader.fresh_model(seed) for seed in seeds]
    groups = "asked for" if alone else groups_of(models, samples, recipe)
    if isinstance(groups, str):
        context.facts["one_by_one"] = groups
        return [
            train_one(context, loader, each, seed, recipe=recipe, name=f"model{seed}")[0]
            for each, seed in zip(samples, seeds, strict=True)
        ]
    context.facts |= {
        "precision": in_use(recipe.precision, context.device),
        "groups": [len(places) for places in groups],
    }
    for places in groups:
        stack, sets = [models[place] for place in places], [samples[place] for place in places]
        with context.stopwatch.section("run"):
            train_stack(stack, sets, objective, recipe, [seeds[place] for place in places], progress=progress)
    return models
