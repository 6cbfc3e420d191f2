"""Train the models of a block of a pool: groups of small networks at once, others one by one."""

from __future__ import annotations

from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.stages.execution import Context
from reunlearn.stages.kept_models import KeptModels
from reunlearn.stages.loading import Loader
from reunlearn.stages.training import progress, recipe_of
from reunlearn.study import paths
from reunlearn.study.jobs import ShadowJob
from reunlearn.training import checkpoint
from reunlearn.training.engines.choose import choose
from reunlearn.training.engines.graphed_group import choose_of_group
from reunlearn.training.engines.grouped import groups_of
from reunlearn.training.loop import train_together
from reunlearn.training.precision import in_use


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
        context: its record gets the engine, and the widths of the groups or why there are none.
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
        groups = [[place] for place in range(len(models))]
        choice = choose(models[0], samples[0], objective, recipe)  # one network is like the other
    else:
        context.facts["groups"] = [len(places) for places in groups]
        widest = max(groups, key=len)
        choice = choose_of_group([models[n] for n in widest], [samples[n] for n in widest], objective, recipe)
    context.facts |= {"precision": in_use(recipe.precision, context.device), **choice.facts}
    kept = KeptModels(context, "run")
    for places in groups:
        theirs = [seeds[place] for place in places]
        if all(seed in kept for seed in theirs):
            for place in places:
                kept.load(seeds[place], models[place])
            continue
        checkpoints = paths.checkpoint(context.job.folder) / f"from{theirs[0]}"
        with context.stopwatch.section("run"):
            train_together(
                [models[place] for place in places],
                [samples[place] for place in places],
                objective,
                recipe,
                theirs,
                engine=choice.engine,
                checkpoints=checkpoints,
                progress=progress,
                resumed=context.resumed,
            )
        kept.add({seeds[place]: models[place] for place in places})
        checkpoint.discard(checkpoints)
    return models
