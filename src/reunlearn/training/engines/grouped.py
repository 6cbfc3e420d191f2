"""Several small networks at once, each with its own weights, order and augmentation.

A small network's step is in good part calls, not arithmetic; a group of networks (training/grouped.py) makes each
call once. A network's draws come from its own seed, so the sums are those of one-at-a-time training in another order:
in float64 weights agree to 1e-9 after a training, in float32 rounding grows as between any two machines. Bits depend
on how many networks share a group, never on which. A job's specification says which models it trains, and `groups_of`
always puts the same of them into one group.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.study.recipes import Recipe
from reunlearn.training.engines.engine import Engine
from reunlearn.training.grouped import disagreement, group, largest_map, separate, side_by_side, why_alone

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
    if recipe.engine not in ("auto", Grouped.name):
        return f"the recipe asks for the engine {recipe.engine}"
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


class Grouped(Engine):
    """Copies of the models' weights in one network."""

    name = "grouped"

    def prepare(self, models: Sequence[nn.Module], samples: Sequence[Samples]) -> nn.Module:
        """Return the group.

        Raises:
            ValueError: the training sets are not of one size.
        """
        if len({len(each) for each in samples}) > 1:
            raise ValueError("models of one group need equally many samples")
        return group(models).train()

    def losses(self, batches: Sequence[Batch], draws: Sequence[Any]) -> Tensor:
        """Return the loss of each model [M], from one forward pass of all."""
        outputs = self.network(side_by_side([batch.x for batch in batches])).chunk(len(batches), dim=1)
        return torch.stack(
            [
                self.objective.loss(_Answered(own_outputs), batch, draw)
                for own_outputs, batch, draw in zip(outputs, batches, draws, strict=True)
            ]
        )

    def give_back(self, number: int) -> None:
        """Copy the weights of this model out of the group."""
        separate(self.network, self.models, number)


class _Answered(nn.Module):
    """Stands for a model of the group where an objective asks one for its outputs, which are there already."""

    def __init__(self, outputs: Tensor) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return the model's outputs for this batch."""
        return self.outputs
