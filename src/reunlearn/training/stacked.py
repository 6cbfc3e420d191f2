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

from reunlearn.data.batches import Samples
from reunlearn.objectives.registry import Objective
from reunlearn.training.grouped import disagreement, group, largest_map, separate, side_by_side, why_alone
from reunlearn.training.loop import schedule_of
from reunlearn.training.optimizers import make_optimizer
from reunlearn.training.precision import autocast

# networks per group, at most. What counts is whether feature maps stay in the caches: small_cnn on 8×8 pixels (maps of
# 0.5 MiB for a batch of 64) gains about as much from 3, 4 and 5 at once, a tenth to a third, and less from 10; on 32×32
# (2 MiB) it gains from 2 or 3, where small_vgg (4 MiB) loses even with 2
WIDTH = 4
LARGEST_MAP = 4 * 2**20  # bytes, of all networks of a group
ELEMENTWISE = ("sgd", "adam", "adamw")  # optimizers that treat each weight for itself

History = list[dict[str, Any]]


def groups_of(
    models: Sequence[nn.Module], samples: Sequence[Samples], recipe: dict[str, Any]
) -> list[list[int]] | str:
    """Return the positions of the models of each group, or why models must be trained one at a time."""
    if recipe["optimizer"] not in ELEMENTWISE:
        return f"optimizer {recipe['optimizer']} does not treat each weight for itself"
    reason = why_alone(models[0])
    if reason or len(models) == 1:
        return reason or "there is only one"
    rows = slice(0, recipe["batch_size"])
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
    recipe: dict[str, Any],
    seeds: Sequence[int],
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
    """
    if len({len(each) for each in samples}) > 1:
        raise ValueError("models of one stack need equally many samples")
    stack = group(models).train()
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    names = ("learning_rate", "momentum", "weight_decay", "nesterov")
    optimizer = make_optimizer(recipe["optimizer"], stack.parameters(), *(recipe[name] for name in names))
    schedule = schedule_of(optimizer, recipe, len(samples[0]))
    histories: list[History] = [[] for _ in models]
    running = set(range(len(models)))
    for epoch in range(recipe["epochs"]):
        rate = schedule.get_last_lr()[0]
        passes = [
            each.batches(recipe["batch_size"], generator, shuffle=True, augmented=True)
            for each, generator in zip(samples, generators, strict=True)
        ]
        totals_M = torch.zeros(len(models), device=samples[0].device)
        for batches in zip(*passes, strict=True):
            losses_M = _step(stack, batches, objective, recipe, optimizer, generators)
            if recipe["schedule_per"] == "step":
                schedule.step()
            totals_M += losses_M * len(batches[0])
        if recipe["schedule_per"] == "epoch":
            schedule.step()
        means = (totals_M.double() / len(samples[0])).tolist()
        ended = {number for number in running if not torch.isfinite(totals_M[number])}
        for number in running:
            histories[number].append({"epoch": epoch + 1, "loss": means[number], "learning_rate": rate})
        for number in ended:
            separate(stack, models, number)
        progress(
            {"epoch": epoch + 1, "loss": sum(means) / len(means), "learning_rate": rate}, recipe["epochs"]
        )
        running -= ended
    for number in running:
        separate(stack, models, number)
    return histories


def _step(
    stack: nn.Module,
    batches: Sequence[Any],
    objective: Objective,
    recipe: dict[str, Any],
    optimizer: torch.optim.Optimizer,
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Take one step of every model; return their losses [M]."""
    draws = [objective.draw(batch, g) for batch, g in zip(batches, generators, strict=True)]
    with autocast(recipe["precision"], batches[0].x.device):
        outputs = stack(side_by_side([batch.x for batch in batches])).chunk(len(batches), dim=1)
        losses = [
            objective.loss(_Said(said), batch, draw)
            for said, batch, draw in zip(outputs, batches, draws, strict=True)
        ]
    optimizer.zero_grad(set_to_none=True)
    losses_M = torch.stack(losses)
    losses_M.sum().backward()
    optimizer.step()
    return losses_M.detach()


class _Said(nn.Module):
    """Stands for a model of the stack where an objective asks one for its outputs."""

    def __init__(self, outputs: Tensor) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return what the model said of this batch."""
        return self.outputs
