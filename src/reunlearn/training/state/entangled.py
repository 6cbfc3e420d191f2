"""The network of ERM-KTP's training: from the start, a mask M ties each channel of its last maps to few classes.

    ordinary epochs   L = CE(classify(f), y)
    masked epochs     L = CE(classify(M[:, y] · f), y) + λ · (max(0, ‖M‖₁ − g · |M|) + κ · Σ_{i<j} M_iᵀ M_j)
    after each step   M ← clip(M / its row's largest entry, 0, 1)

ERM-KTP (CVPR 2023). M [C, K], one column M_i per class, |M| its number of entries; λ = 1e-3, g = 0.1, κ = 0.1.
One epoch in three is masked: the last of each three, as released; a training of one or two has none. The rest is
the original's own recipe, batch order and seed; weight decay counts for M as for other weights. The published recipe
is 200 epochs of SGD at 0.1, divided by ten after 100 and 150, weight decay 5e-4.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.models.masked import MaskedNetwork
from reunlearn.objectives.registry import Objective
from reunlearn.training.loop import train
from reunlearn.training.state.registry import FILE, StateRequest
from reunlearn.training.tensor_files import load_model, save_model

OF_TRAINING = True
WEIGHT = 1e-3  # λ
SHARE = 0.1  # g: of the entries that may be one
OVERLAP = 0.1  # κ
PERIOD = 3  # one epoch of so many is masked


def write(request: StateRequest) -> dict[str, Any]:
    """Write state.safetensors, a network of the method's own architecture; tell how far M went."""
    model = cast(MaskedNetwork, request.result(request.seed))
    history = train_entangled(model, request)
    save_model(model, request.folder / FILE)
    return {
        "entangled_loss": history[-1]["loss"],
        "entangled_mask_zeros": float((model.mask == 0).double().mean()),
    }


def read_into(model: nn.Module, folder: Path) -> nn.Module:
    """Give a network of the method's architecture these weights and return it."""
    return load_model(model, folder / FILE)


def train_entangled(model: MaskedNetwork, request: StateRequest) -> list[dict[str, Any]]:
    """Train a masked network in place by the original's recipe; return the history."""
    entangling = Entangling(request.objective)
    objective = cast(Objective, entangling)  # it has all that a training asks of one
    history = train(
        model, request.samples, objective, request.recipe, request.seed, progress=entangling.follow
    )
    normalise(model.mask)
    return history


class Entangling:
    """The loss of the training: the ordinary one, or in one epoch of three the masked one with its regulariser."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.epochs_done = objective, 0

    def follow(self, numbers: dict[str, Any], epochs: int) -> None:
        """Take note of an epoch that ended."""
        self.epochs_done = numbers["epoch"]

    def draw(self, batch: Batch, generator: torch.Generator) -> Any:
        """Return what the ordinary objective draws."""
        return self.objective.draw(batch, generator)

    def loss(self, model: MaskedNetwork, batch: Batch, draw: Any) -> Tensor:
        """Return the loss of a batch; M is put in order first, as it is due after every step."""
        if self.epochs_done % PERIOD != PERIOD - 1:
            return self.objective.loss(model, batch, draw)
        normalise(model.mask)
        seen = self.objective.loss(SeenThroughMask(model, batch.y), batch, draw)
        return seen + WEIGHT * entanglement(model.mask)


class SeenThroughMask(nn.Module):
    """A masked network as it sees a batch whose labels it is told."""

    def __init__(self, model: nn.Module, labels_N: Tensor) -> None:
        super().__init__()
        self.model, self.labels_N = model, labels_N

    def forward(self, x: Tensor) -> Tensor:
        """Return the masked logits [B, K]."""
        return self.model(x, self.labels_N)


def entanglement(mask_CK: Tensor) -> Tensor:
    """Return max(0, ‖M‖₁ − g |M|) + κ Σ_{i<j} M_iᵀ M_j."""
    size = (mask_CK.abs().sum() - SHARE * mask_CK.numel()).clamp(min=0)
    overlap = (mask_CK.sum(dim=1).square().sum() - mask_CK.square().sum()) / 2  # of all pairs of columns
    return size + OVERLAP * overlap


@torch.no_grad()
def normalise(mask_CK: Tensor) -> None:
    """Divide each row by its largest entry, where that is positive, and clip to [0, 1]; in place."""
    largest_C1 = mask_CK.amax(dim=1, keepdim=True)
    mask_CK.div_(torch.where(largest_C1 > 0, largest_C1, 1)).clamp_(0, 1)
