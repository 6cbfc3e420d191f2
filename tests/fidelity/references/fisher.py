"""Fisher forgetting. METHODS 2.7 with corrections 7.4 and 7.5.

Order of operations (``reference``):
 1. eval mode (BatchNorm uses and keeps its running statistics).
 2. For each batch of the retain set (batch size 1 unless asked): p = softmax of the logits; for each label
    y of ALL classes, F += mean_batch(p_y) * (d mean CE(batch, y) / d w)^2. Divide by the number of batches.
 3. sigma^2 = alpha * min(1/(F + epsilon), cap), the cap being ``cap_last`` where the first dimension equals
    the number of classes.
 4. Tensors with two or more dimensions: sigma^2 is replaced by its mean over dimension 1, broadcast back
    (in kernels the spatial positions stay separate).
 5. Class forgetting, tensors whose first dimension equals the number of classes: mean of the forgotten row
    0 and its sigma^2 = ``class_variance``.
 6. sigma^2 * ``last_factor`` where the first dimension equals the number of classes, otherwise
    * ``vector_factor`` for one-dimensional tensors (so the last bias gets one factor only).
 7. w = mean + sqrt(sigma^2) * given standard-normal draw.
Nothing is changed before every variance is known; the mode the model came in is put back.

``data``: {"retain": (inputs, labels)}; the labels are only used by the empirical variant.
``noise``: {parameter name: tensor of standard-normal draws of the parameter's shape}.

Left open by METHODS, arguments here:
 - which tensors: all trainable ones (``names`` narrows them);
 - "the last layer" is recognised by first dimension == number of classes, as the cap is (any layer of that
   size);
 - empirical variant: whether the cap on the standard deviation comes before the x10 (``cap_first=True``)
   and whether the 1e-8 is added to the gradient of log p or of CE = -log p (``of``), which differ by 4e-8 *
   gradient.
 - batch-mean variant (7.4): ``batch_size=32``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .plain_parts import (
    Batch,
    Tensors,
    batches_of,
    cross_entropy,
    gradients,
    log_softmax,
    parameters_of,
    softmax,
)


def all_label_fisher(
    model: nn.Module, data: dict[str, Batch], *, batch_size: int = 1, names: Sequence[str] | None = None
) -> Tensors:
    """Step 2: the diagonal Fisher over all labels, weighted with the model's own probabilities."""
    parameters = parameters_of(model, names)
    fisher = {name: torch.zeros_like(p) for name, p in parameters.items()}
    was_training = model.training
    model.eval()
    batches = batches_of(data["retain"], batch_size)
    for x, _ in batches:
        logits = model(x)
        weights = softmax(logits).detach()
        for label in range(logits.shape[1]):
            loss = cross_entropy(logits, torch.full((len(x),), label))
            for name, g in gradients(loss, parameters).items():
                fisher[name] += weights[:, label].mean() * g * g
    model.train(was_training)
    return {name: f / len(batches) for name, f in fisher.items()}


def empirical_fisher(
    model: nn.Module,
    data: dict[str, Batch],
    *,
    epsilon: float = 1e-8,
    of: str = "log_probability",
    names: Sequence[str] | None = None,
) -> Tensors:
    """Mean over single samples of (gradient at the true label + epsilon)^2, eval mode."""
    sign = {"log_probability": 1.0, "cross_entropy": -1.0}[of]
    parameters = parameters_of(model, names)
    fisher = {name: torch.zeros_like(p) for name, p in parameters.items()}
    was_training = model.training
    model.eval()
    x, y = data["retain"]
    for i in range(len(y)):
        score = log_softmax(model(x[i : i + 1]))[0, int(y[i])]
        for name, g in gradients(score, parameters).items():
            fisher[name] += (sign * g + epsilon) ** 2
    model.train(was_training)
    return {name: f / len(y) for name, f in fisher.items()}


def mean_and_variance(
    model: nn.Module,
    fisher: Tensors,
    *,
    alpha: float,
    number_of_classes: int,
    classes_to_forget: Sequence[int] = (),
    epsilon: float = 1e-8,
    cap: float = 1e3,
    cap_last: float = 1e2,
    class_variance: float = 1e-4,
    last_factor: float = 10.0,
    vector_factor: float = 10.0,
) -> tuple[Tensors, Tensors]:
    """Steps 3-6: the mean and the variance of every tensor after forgetting."""
    means, variances = {}, {}
    for name, p in parameters_of(model, fisher).items():
        is_last = p.shape[0] == number_of_classes
        variance = (1.0 / (fisher[name] + epsilon)).clamp(max=cap)
        if is_last:
            variance = variance.clamp(max=cap_last)
        variance = alpha * variance
        if p.dim() > 1:
            variance = variance.mean(dim=1, keepdim=True).expand(p.shape).clone()
        mean = p.detach().clone()
        if is_last:
            for c in classes_to_forget:
                mean[c] = 0.0
                variance[c] = class_variance
        if is_last:
            variance = variance * last_factor
        elif p.dim() == 1:
            variance = variance * vector_factor
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
    names: Sequence[str] | None = None,
    **rules: float,
) -> nn.Module:
    """All-label Fisher forgetting; ``rules`` are the further keywords of ``mean_and_variance``."""
    fisher = all_label_fisher(model, data, batch_size=batch_size, names=names)
    means, variances = mean_and_variance(
        model,
        fisher,
        alpha=alpha,
        number_of_classes=number_of_classes,
        classes_to_forget=classes_to_forget,
        **rules,
    )
    with torch.no_grad():
        for name, p in parameters_of(model, fisher).items():
            p.copy_(means[name] + variances[name].sqrt() * noise[name])
    return model


def reference_empirical(
    model: nn.Module,
    data: dict[str, Batch],
    *,
    noise: Tensors,
    alpha: float,
    epsilon: float = 1e-8,
    cap: float = 1e-3,
    factor: float = 10.0,
    factor_last_dimension: int = 10,
    cap_first: bool = True,
    of: str = "log_probability",
    names: Sequence[str] | None = None,
) -> nn.Module:
    """The empirical variant: w + min(sqrt(alpha / F), cap) * draw, x10 where the LAST dimension is 10."""
    fisher = empirical_fisher(model, data, epsilon=epsilon, of=of, names=names)
    with torch.no_grad():
        for name, p in parameters_of(model, fisher).items():
            deviation = (alpha / fisher[name]).sqrt()
            if cap_first:
                deviation = deviation.clamp(max=cap)
            if p.shape[-1] == factor_last_dimension:
                deviation = deviation * factor
            if not cap_first:
                deviation = deviation.clamp(max=cap)
            p.copy_(p + deviation * noise[name])
    return model
