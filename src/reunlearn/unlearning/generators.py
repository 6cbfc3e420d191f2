"""What methods for generators alone share: their objective, the classes to forget, cross-attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reunlearn.objectives.noise_prediction import NoisePrediction
from reunlearn.unlearning.task import AccessError, Task

CROSS = ".attn2"  # ends the names of cross-attention layers, in diffusers
KEPT = ("time_embedding", "conv_out", CROSS)  # by ESD-u
WEIGHTS = ("xattn", "noxattn", "all")


def objective_of(task: Task) -> NoisePrediction:
    """Return the task's objective with every label in its place, in full precision.

    Raises:
        AccessError: it is another; a method declares the capability "samples".
    """
    objective = getattr(task.objective, "inner", task.objective)
    if not isinstance(objective, NoisePrediction):
        raise AccessError("the method draws samples; add 'samples' to its capabilities")
    return objective.without_drop()


def forgotten_classes(task: Task) -> Tensor:
    """Return the numbers [K_f] of the classes that the scenario forgets."""
    return torch.tensor(getattr(task.scenario, "classes", ()), dtype=torch.int64, device=task.device)


def weights_of(model: nn.Module, which: str) -> list[nn.Parameter]:
    """Return the parameters that may change: cross-attention (xattn), all but it, time embedding and last convolution
    (noxattn), or all; there may be none."""

    def chosen(name: str) -> bool:
        if which == "xattn":
            return f"{CROSS}." in name
        return which == "all" or not any(part in name for part in KEPT)

    return [p for name, p in model.named_parameters() if p.requires_grad and chosen(name)]
