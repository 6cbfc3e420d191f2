"""Train several small networks at once, each as training/loop.py trains one: own weights, order, augmentation.

A small network's step is in good part calls, not arithmetic; a group of networks (training/grouped.py) makes each
call once. A network's draws come from its own seed, so the sums are those of one-at-a-time training in another order:
in float64 weights agree to 1e-9 after a training, in float32 rounding grows as between any two machines. Bits depend
on how many networks share a group, never on which. A job's specification says which models it trains, and `groups_of`
always puts the same of them into one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.objectives.registry import Objective
from reunlearn.study.recipes import Recipe
from reunlearn.training.grouped import disagreement, group, largest_map, separate, side_by_side, why_alone
from reunlearn.training.optimizers import make_optimizer
from reunlearn.training.precision import autocast
from reunlearn.training.running import History
from reunlearn.training.schedules import make_schedule

# networks per group, at most. What counts is whether feature maps stay in the caches: small_cnn on 8×8 pixels (maps of
# 0.5 MiB for a batch of 64) gains about as much from 3, 4 and 5 at once, a tenth to a third, and less from 10; on 32×32
# (2 MiB) it gains from 2 or 3, where small_vgg (4 MiB) loses even with 2
WIDTH = 4
LARGEST_MAP = 4 * 2**20  # bytes, of all networks of a group
ELEMENTWISE = ("sgd", "adam", "adamw")  # optimizers that treat each weight for itself


def groups_of(
    models: Sequence[nn.Module], samples: Sequence[Samples], recipe: Recipe
) -> list[list[int]] | str:
    """Return the positions of the models of each group, or why models must be trained one at a time."""
    if recipe.optimizer not in ELEMENTWISE:
        return f"optimizer {recipe.optimizer} does not treat each weight for itself"
    if recipe.clip or recipe.average:
        return "the recipe's clip or average is of all weights of one model"
    reason = why_alone(models[0])
    if reason or len(models) == 1:
        return reason or "there is only one"
    rows = slice(0, recipe.batch_size)
    largest = largest_map(models[0], samples[0].inputs(rows))
    width = min(WIDTH, LARGEST_MAP // largest)
    if width < 2:
        return f"a feature map takes {largest / 2**20:.1f} MiB: two of them leave the caches"
    groups = together([len(each) for each in samples], width)
    widest = max(groups, key=len)
    chosen = [models[place] for place in widest]
    return disagreement(chosen, group(chosen), [samples[place].inputs(rows) for place in widest]) or groups


def together(sizes: Sequence[int], width: int) -> list[list[int]]:
    """Return the positions of the models of each group: at most `width` neighbours with equally many samples.

    As few groups as there can be, nearly even ones.
    """
    groups = []
    for size in sorted(set(sizes)):
        places = np.flatnonzero(np.equal(sizes, size))
        groups += [part.tolist() for part in np.array_split(places, -(-len(places) // width))]
    return groups


def train_stack(
    models: Sequence[nn.Module],
    samples: Sequence[Samples],
    objective: Objective,
    recipe: Recipe,
    seeds: Sequence[int],
    *,
    progress: Callable[[dict[str, Any], int], None] = lambda numbers, epochs: None,
) -> list[History]:
    """Train M models in place; see training.loop.train.

    Args:
        models: of one architecture, those of a group that `groups_of` returns.
        samples: the training set of each, all of one size; may be the same object.
        objective: gives the loss.
        recipe: as for one model.
        seeds: of each model's batch order and augmentation.
        progress: called after each epoch with its numbers (the mean loss) and the number of epochs.

    Returns:
        The history of each model. One whose loss stops being finite keeps the weights that it has then, while the
        others go on.

    Raises:
        ValueError: the training sets are not of one size.
    """
    if len({len(each) for each in samples}) > 1:
        raise ValueError("models of one stack need equally many samples")
    stack = _Stack(models, samples, objective, recipe, seeds)
    histories: list[History] = [[] for _ in models]
    running = set(range(len(models)))
    for epoch in range(1, recipe.epochs + 1):
        rate = stack.schedule.get_last_lr()[0]
        means = stack.train_epoch()
        for number in running:
            histories[number].append({"epoch": epoch, "loss": means[number], "learning_rate": rate})
        ended = {number for number in running if not np.isfinite(means[number])}
        for number in ended:
            separate(stack.network, models, number)
        progress({"epoch": epoch, "loss": sum(means) / len(means), "learning_rate": rate}, recipe.epochs)
        running -= ended
    for number in running:
        separate(stack.network, models, number)
    return histories


class _Stack:
    """M models while they are trained as one network; the arguments are those of train_stack."""

    def __init__(
        self,
        models: Sequence[nn.Module],
        samples: Sequence[Samples],
        objective: Objective,
        recipe: Recipe,
        seeds: Sequence[int],
    ) -> None:
        self.samples, self.objective, self.recipe = samples, objective, recipe
        self.network = group(models).train()
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.optimizer = make_optimizer(recipe, self.network.parameters())
        self.schedule = make_schedule(recipe, self.optimizer, len(samples[0]))

    def train_epoch(self) -> list[float]:
        """Take one pass over the samples of each model; return each model's mean loss."""
        recipe = self.recipe
        passes = [
            each.batches(recipe.batch_size, generator, shuffle=True, augmented=True)
            for each, generator in zip(self.samples, self.generators, strict=True)
        ]
        totals_M = torch.zeros(len(passes), device=self.samples[0].device)
        for batches in zip(*passes, strict=True):
            losses_M = self._step(batches)
            if recipe.schedule_per == "step":
                self.schedule.step()
            totals_M += losses_M * len(batches[0])
        if recipe.schedule_per == "epoch":
            self.schedule.step()
        return (totals_M.double() / len(self.samples[0])).tolist()

    def _step(self, batches: Sequence[Batch]) -> Tensor:
        """Take one step of every model; return their losses [M]."""
        draws = [self.objective.draw(b, g) for b, g in zip(batches, self.generators, strict=True)]
        with autocast(self.recipe.precision, batches[0].x.device):
            outputs = self.network(side_by_side([batch.x for batch in batches])).chunk(len(batches), dim=1)
            losses = [
                self.objective.loss(_Answered(own_outputs), batch, draw)
                for own_outputs, batch, draw in zip(outputs, batches, draws, strict=True)
            ]
        self.optimizer.zero_grad(set_to_none=True)
        losses_M = torch.stack(losses)
        losses_M.sum().backward()
        self.optimizer.step()
        return losses_M.detach()


class _Answered(nn.Module):
    """Stands for a model of the stack where an objective asks one for its outputs, which are there already."""

    def __init__(self, outputs: Tensor) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return the model's outputs for this batch."""
        return self.outputs
