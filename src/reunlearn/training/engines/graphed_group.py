"""Several small networks at once (engines/grouped.py), whose common step is captured as a CUDA graph."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.objectives.registry import Objective
from reunlearn.study.recipes import Recipe
from reunlearn.training.engines.choose import Choice, why_not_captured
from reunlearn.training.engines.graphed import Played
from reunlearn.training.engines.grouped import Grouped


class GraphedGroup(Played, Grouped):
    """Copies of the models' weights in one network, trained by playing its step again."""

    name = "grouped, graphed"
    ordinary = Grouped


def choose_of_group(
    models: Sequence[nn.Module], samples: Sequence[Samples], objective: Objective, recipe: Recipe
) -> Choice:
    """Return the engine of the models of a group: captured on a GPU, where that can be."""
    if samples[0].device.type != "cuda":
        return Choice(Grouped)
    reason = why_not_captured(GraphedGroup, models, samples, objective, recipe)
    return Choice(Grouped, reason) if reason else Choice(GraphedGroup)
