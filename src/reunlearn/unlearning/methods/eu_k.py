"""EU-k, exact unlearning of the last k layers: initialise them again and train them on the retain set.

    θ_last ← fresh;   then θ_last ← θ_last − η clip(∇CE(θ; retain batch)),   all layers before do not change

Goel et al. 2022; baseline of PGU (k = 3, epochs not stated). Sees: retain, and how long the original was
trained. unlearning/last_layers.py says which layers are the last. Optimizer and schedule are those of CF-k; the number
of epochs is the original's unless `epochs` sets it (Goel et al.: 62 for both). What the layers before have learnt
from the forget set stays.

The released loop keeps frozen layers in training mode: their BatchNorm normalises by the batch and its
statistics follow the retain set (`frozen_bn_mode: train`). Here they do not change, by default.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn

from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.fresh_network import fresh_like
from reunlearn.unlearning.last_layers import WEIGHTED, LastLayers, last_layers
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

DIVERGENCES = (
    Divergence(
        "EU-k, normalisation layers among the last k",
        "the last layers are initialised again; that this includes their statistics is our choice",
        "they keep the weights and statistics of the original, which was trained on the forget set",
    ),
    Divergence(
        "EU-k, initial weights",
        "not stated; our choice is the initialisation of the architecture",
        "Kaiming normal (variance 2/inputs) for all weights, 0 for biases",
    ),
)


@method(
    paper="Goel et al. 2022 (EU-k); baseline of PGU",
    needs=Needs(retain=True, recipe={"epochs": [0]}),
    divergences=DIVERGENCES,
    logs=("losses",),
)
@dataclass(frozen=True)
class EUk(LastLayers):
    """Retrain the last k layers from scratch on the retain set."""

    reading: str = "paper"
    epochs: int = hyper(0, "passes over the retain set; 0: as many as the original's training had", ge=0)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model with its last layers retrained."""
        if self.reading == "paper":
            reset_to_fresh(model, fresh_like(model, task), self.k)
        else:
            reset_to_kaiming(model, self.k, task.generator)
        epochs = self.epochs or task.recipe.epochs
        replace(self, epochs=epochs).train_last(model, task)
        return model


def reset_to_fresh(model: nn.Module, fresh: nn.Module, k: int) -> None:
    """Give the last k layers, normalisation included, the weights and buffers of a fresh network."""
    for layer, new in zip(last_layers(model, k), last_layers(fresh, k), strict=True):
        layer.load_state_dict(new.state_dict())


@torch.no_grad()
def reset_to_kaiming(model: nn.Module, k: int, generator: torch.Generator) -> None:
    """Give the last k convolutions and linear layers Kaiming-normal weights and biases of 0."""
    for layer in last_layers(model, k):
        if isinstance(layer, WEIGHTED):
            weight = torch.empty(layer.weight.shape, dtype=layer.weight.dtype)  # on the CPU, as the generator
            layer.weight.copy_(nn.init.kaiming_normal_(weight, generator=generator))
            if layer.bias is not None:
                layer.bias.zero_()
