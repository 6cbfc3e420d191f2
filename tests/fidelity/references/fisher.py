"""Fisher forgetting: noise on every weight. Golatkar et al. 2020.

In this order (`reference`):
 1. Evaluation mode: BatchNorm uses and keeps its running statistics.
 2. For each batch of the retain set (of one sample unless asked): p = softmax of the logits; for each label y of ALL
    classes, F += mean over the batch of p_y · (∂ mean CE(batch, y) / ∂w)². Divided by the number of batches.
 3. σ² = α · min(1/(F + 1e-8), 1e3), the cap being 1e2 where the first dimension equals the number of classes.
 4. Tensors with two or more dimensions: σ² is replaced by its mean over dimension 1 (in kernels the spatial positions
    stay separate).
 5. Class forgetting, tensors whose first dimension equals the number of classes: the mean of a forgotten row is 0 and
    its σ² is 1e-4.
 6. σ² · 10 where the first dimension equals the number of classes or the tensor has one dimension; the last bias, which
    is both, gets one factor.
 7. w = mean + sqrt(σ²) · the given standard-normal draw.
All trainable tensors take part. Nothing is changed before every variance is known; the mode is put back.

`reference_empirical`: F is the mean over samples of (∂ log p_y + 1e-8)² at the true label;
w + min(sqrt(α / F), 1e-3) · draw, ×10 (after the cap) where the LAST dimension equals `factor_last_dimension`.

`data`: {"retain": (inputs, labels)}; the labels are used by the empirical variant alone.
`noise`: {parameter name: standard-normal draws of the parameter's shape}.
`batch_size`: 1 as in the authors' notebook, 32 in SalUn's repository (squares of batch means).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ._losses import cross_entropy, log_softmax, softmax
from ._modes import evaluating
from ._samples import Batch, batches_of
from ._weights import Tensors, gradients, trainable, zeros_like

EPSILON = 1e-8
CAP, CAP_LAST, CLASS_VARIANCE, FACTOR = 1e3, 1e2, 1e-4, 10.0
CAP_EMPIRICAL = 1e-3  # of the standard deviation


def all_label_fisher(model: nn.Module, data: dict[str, Batch], *, batch_size: int = 1) -> Tensors:
    """Return the diagonal Fisher over all labels, weighted with the model's own probabilities (step 2)."""
    parameters = trainable(model)
    fisher = zeros_like(parameters)
    batches = batches_of(data["retain"], batch_size)
    with evaluating(model):
        for x, _ in batches:
            logits = model(x)
            weights = softmax(logits).detach()
            for label in range(logits.shape[1]):
                loss = cross_entropy(logits, torch.full((len(x),), label))
                for name, g in gradients(loss, parameters).items():
                    fisher[name] += weights[:, label].mean() * g * g
    return {name: f / len(batches) for name, f in fisher.items()}


def empirical_fisher(model: nn.Module, data: dict[str, Batch]) -> Tensors:
    """Return the mean over single samples of (gradient of log p at the true label + 1e-8)²."""
    parameters = trainable(model)
    fisher = zeros_like(parameters)
    x, y = data["retain"]
    with evaluating(model):
        for i in range(len(y)):
            score = log_softmax(model(x[i : i + 1]))[0, int(y[i])]
            for name, g in gradients(score, parameters).items():
                fisher[name] += (g + EPSILON) ** 2
    return {name: f / len(y) for name, f in fisher.items()}


def mean_and_variance(
    model: nn.Module,
    fisher: Tensors,
    *,
    alpha: float,
    number_of_classes: int,
    classes_to_forget: Sequence[int] = (),
) -> tuple[Tensors, Tensors]:
    """Return the mean and the variance of every tensor after forgetting (steps 3 to 6)."""
    means, variances = {}, {}
    for name, p in trainable(model).items():
        is_last = p.shape[0] == number_of_classes
        variance = (1.0 / (fisher[name] + EPSILON)).clamp(max=CAP)
        if is_last:
            variance = variance.clamp(max=CAP_LAST)
        variance = alpha * variance
        if p.dim() > 1:
            variance = variance.mean(dim=1, keepdim=True).expand(p.shape).clone()
        mean = p.detach().clone()
        if is_last:
            for c in classes_to_forget:
                mean[c] = 0.0
                variance[c] = CLASS_VARIANCE
        if is_last or p.dim() == 1:
            variance = variance * FACTOR
        means[name], variances[name] = mean, variance
    return means, variances


def reference(
    model: nn.Module,
    data: dict[str, Batch],
    *,
    noise: Tensors,
    alpha: float,
    number_of_classes: int,
    classes_to_forget: Sequence[int] = (),
    batch_size: int = 1,
) -> nn.Module:
    """Add noise by the Fisher of all labels; the model is changed in place and returned."""
    means, variances = mean_and_variance(
        model,
        all_label_fisher(model, data, batch_size=batch_size),
        alpha=alpha,
        number_of_classes=number_of_classes,
        classes_to_forget=classes_to_forget,
    )
    with torch.no_grad():
        for name, p in trainable(model).items():
            p.copy_(means[name] + variances[name].sqrt() * noise[name])
    return model


def reference_empirical(
    model: nn.Module,
    data: dict[str, Batch],
    *,
    noise: Tensors,
    alpha: float,
    factor_last_dimension: int = 10,
) -> nn.Module:
    """Add noise by the Fisher of the true labels; the model is changed in place and returned."""
    fisher = empirical_fisher(model, data)
    with torch.no_grad():
        for name, p in trainable(model).items():
            deviation = (alpha / fisher[name]).sqrt().clamp(max=CAP_EMPIRICAL)
            if p.shape[-1] == factor_last_dimension:
                deviation = deviation * FACTOR
            p.copy_(p + deviation * noise[name])
    return model
