"""Boundary shrink. Chen et al. 2023.

Per forget batch (x, y) in the given order:
 1. Adversary: a frozen deep copy of the original model in evaluation mode, made once. FGSM: the gradient of the mean
    CE(copy(x), y) by the input; sign(0) = 0.
 2. Pixels = x · std + mean (x itself if no `mean` and `std`); pixels + bound · sign(gradient); clamped to [0, 1]; if
    `discretise`: round(pixels · 255) / 255; back: (pixels − mean) / std.
 3. New label = argmax of the copy's output on that adversarial input (it may equal the true class).
 4. In training mode: CE(model(x), new label) on the CLEAN x, and one step.
The mode the model came in is put back. Only the forget set is used.

`data`: {"forget": [(inputs, labels), …]}: the batches of all epochs one after the other.
`bound`: 0.1. The authors' repository: mean and std given (with another third mean than the data's). The port in SalUn's
repository: no mean and std, since there the normalisation is inside the model, and `discretise=True`; 0.1 · 255 = 25.5
puts unclamped pixels on a tie (torch.round goes to the even level), so labels can be compared only where the argmax is
not at the edge.
`optimizer`: see _optimizers.py; released: {"name": "sgd", "momentum": 0.9} at 1e-5.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ._losses import cross_entropy
from ._modes import modes_kept
from ._optimizers import build
from ._samples import Batch
from ._weights import gradients, trainable


def adversarial_inputs(
    adversary: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    bound: float,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    clamp: bool = True,
    discretise: bool = False,
) -> Tensor:
    """Return the inputs of steps 1 and 2."""
    probe = x.detach().clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(cross_entropy(adversary(probe), y), probe)
    result = x.detach().clone()
    for c in range(x.shape[1]):
        shift = 0.0 if mean is None else mean[c]
        spread = 1.0 if std is None else std[c]
        pixels = x[:, c] * spread + shift
        pixels = pixels + bound * torch.sign(slope[:, c])
        if clamp:
            pixels = pixels.clamp(0.0, 1.0)
        if discretise:
            pixels = torch.round(pixels * 255.0) / 255.0
        result[:, c] = (pixels - shift) / spread
    return result


def nearest_labels(adversary: nn.Module, x: Tensor, y: Tensor, **attack: Any) -> Tensor:
    """Return what the frozen copy predicts for the adversarial inputs (step 3)."""
    moved = adversarial_inputs(adversary, x, y, **attack)
    with torch.no_grad():
        return adversary(moved).argmax(dim=1)


def reference(
    model: nn.Module,
    data: dict[str, Sequence[Batch]],
    *,
    optimizer: dict[str, Any],
    learning_rate: float,
    bound: float = 0.1,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    discretise: bool = False,
) -> nn.Module:
    """Teach the nearest other class; the model is changed in place and returned."""
    adversary = copy.deepcopy(model).eval()
    parameters = trainable(model)
    update = build(parameters, optimizer)
    with modes_kept(model):
        model.train()
        for x, y in data["forget"]:
            labels = nearest_labels(adversary, x, y, bound=bound, mean=mean, std=std, discretise=discretise)
            update.step(gradients(cross_entropy(model(x), labels), parameters), learning_rate)
    return model
