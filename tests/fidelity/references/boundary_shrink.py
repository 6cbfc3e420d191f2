"""Boundary shrink (BS). METHODS 2.15, corrections 7.7 and 7.8.

Order of operations, per forget batch (x, y) in the given order:
 1. Adversary: a frozen deep copy of the original model, made once. FGSM: gradient of the mean CE(copy(x),
    y) w.r.t. the input.
 2. Pixels = x * std + mean (x itself if no ``mean``/``std``); pixels + bound * sign(gradient); clamp to [0,
    1]; if ``discretise``: round(pixels * 255) / 255; back: (pixels - mean) / std.
 3. New label = argmax of the copy's output on that adversarial input (it may equal the true class).
 4. Model in train mode: CE(model(x), new label) on the CLEAN x, one SGD step.
The mode the model came in is put back. Only the forget set is used.

``data``: {"forget": [(inputs, labels), ...]}: the batches of all epochs one after the other.
``bound``: 0.1. Original reading: mean and std given, ``discretise=False``; SalUn port: no mean/std (the
normalisation is inside the model), ``discretise=True``; there 0.1 * 255 = 25.5 puts unclamped pixels on a
rounding tie (torch.round goes to the even level), so compare labels only where the argmax is not at the
edge. The original repository's wrong third mean is a matter of the ``mean`` handed in.

Left open by METHODS, arguments here: ``adversary_train_mode`` (False), ``train_mode`` of the student
(True), ``momentum`` 0.9, ``weight_decay`` 0, sign(0) = 0.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .plain_parts import Batch, cross_entropy, gradients, parameters_of, sgd_step


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
    """Steps 1 and 2."""
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


def nearest_labels(adversary: nn.Module, x: Tensor, y: Tensor, **attack) -> Tensor:
    """Step 3: the frozen copy's prediction on the adversarial inputs."""
    moved = adversarial_inputs(adversary, x, y, **attack)
    with torch.no_grad():
        return adversary(moved).argmax(dim=1)


def reference(
    model: nn.Module,
    data: dict[str, Sequence[Batch]],
    *,
    learning_rate: float = 1e-5,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    bound: float = 0.1,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    clamp: bool = True,
    discretise: bool = False,
    adversary_train_mode: bool = False,
    train_mode: bool = True,
) -> nn.Module:
    """Boundary shrink; set ``discretise=True`` without mean and std for the SalUn port."""
    adversary = copy.deepcopy(model)
    adversary.train(adversary_train_mode)
    was_training = model.training
    model.train(train_mode)
    parameters, state = parameters_of(model), {}
    for x, y in data["forget"]:
        labels = nearest_labels(
            adversary, x, y, bound=bound, mean=mean, std=std, clamp=clamp, discretise=discretise
        )
        sgd_step(
            parameters,
            gradients(cross_entropy(model(x), labels), parameters),
            state,
            learning_rate=learning_rate,
            momentum=momentum,
            weight_decay=weight_decay,
        )
    model.train(was_training)
    return model
