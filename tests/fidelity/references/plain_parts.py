"""Pieces that several reference implementations write the same way: losses, gradients, hand-written steps.

Nothing here is clever. Losses loop over the samples; optimizer steps loop over the tensors; every parameter
set is a dict ``name -> tensor`` in the order of ``model.named_parameters()``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

Batch = tuple[Tensor, Tensor]
Tensors = dict[str, Tensor]


def softmax(logits: Tensor) -> Tensor:
    """exp(z_c) / sum_j exp(z_j) along the last dimension, shifted by the row maximum."""
    powers = torch.exp(logits - logits.detach().max(dim=-1, keepdim=True).values)
    return powers / powers.sum(dim=-1, keepdim=True)


def log_softmax(logits: Tensor) -> Tensor:
    """z_c - log sum_j exp(z_j) along the last dimension, shifted by the row maximum."""
    shifted = logits - logits.detach().max(dim=-1, keepdim=True).values
    return shifted - torch.log(torch.exp(shifted).sum(dim=-1, keepdim=True))


def cross_entropy_sum(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum over the samples of -log p_y."""
    total = logits.new_zeros(())
    for row, label in zip(log_softmax(logits), labels.tolist(), strict=True):
        total = total - row[label]
    return total


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over the samples of -log p_y."""
    return cross_entropy_sum(logits, labels) / len(labels)


def parameters_of(model: nn.Module, names: Iterable[str] | None = None) -> dict[str, nn.Parameter]:
    """Trainable parameters by name; only those in ``names`` if given, always in the model's order."""
    wanted = None if names is None else set(names)
    return {
        name: p
        for name, p in model.named_parameters()
        if p.requires_grad and (wanted is None or name in wanted)
    }


def gradients(loss: Tensor, parameters: Tensors) -> Tensors:
    """d loss / d parameter for each; zeros where the loss does not depend on it."""
    found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True, retain_graph=True)
    return {
        name: torch.zeros_like(p) if g is None else g.detach()
        for (name, p), g in zip(parameters.items(), found, strict=True)
    }


def flat(tensors: Tensors) -> Tensor:
    """One long vector, tensors in their order, each row-major."""
    return torch.cat([t.detach().reshape(-1) for t in tensors.values()])


def split_like(vector: Tensor, tensors: Tensors) -> Tensors:
    """The inverse of ``flat``."""
    parts, at = {}, 0
    for name, t in tensors.items():
        parts[name] = vector[at : at + t.numel()].reshape(t.shape)
        at += t.numel()
    return parts


def add_to(parameters: Tensors, change: Tensors, factor: float = 1.0) -> None:
    """parameter <- parameter + factor * change, in place."""
    with torch.no_grad():
        for name, p in parameters.items():
            p.add_(change[name] * factor)


def sgd_step(
    parameters: Tensors,
    grads: Tensors,
    state: Tensors,
    *,
    learning_rate: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> None:
    """g + wd*w; buffer = momentum*buffer + g (the first time: g); w - lr*buffer. ``state``: the buffers."""
    with torch.no_grad():
        for name, p in parameters.items():
            g = grads[name] + weight_decay * p
            if momentum != 0.0:
                state[name] = momentum * state[name] + g if name in state else g.clone()
                g = state[name]
            p.copy_(p - learning_rate * g)


def adam_step(
    parameters: Tensors,
    grads: Tensors,
    state: dict,
    *,
    learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """Adam with bias correction and L2 weight decay added to the gradient. ``state``: step, first, second."""
    state["step"] = state.get("step", 0) + 1
    first, second = state.setdefault("first", {}), state.setdefault("second", {})
    with torch.no_grad():
        for name, p in parameters.items():
            g = grads[name] + weight_decay * p
            first[name] = betas[0] * first.get(name, torch.zeros_like(g)) + (1 - betas[0]) * g
            second[name] = betas[1] * second.get(name, torch.zeros_like(g)) + (1 - betas[1]) * g * g
            mean = first[name] / (1 - betas[0] ** state["step"])
            square = second[name] / (1 - betas[1] ** state["step"])
            p.copy_(p - learning_rate * mean / (square.sqrt() + epsilon))


def batch_norms_to_eval(model: nn.Module) -> None:
    """Put every BatchNorm layer, and nothing else, into eval mode."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def accuracy(model: nn.Module, samples: Batch, batch_size: int = 64) -> float:
    """Share of right argmax predictions in eval mode; the modes are put back afterwards."""
    modes = {name: module.training for name, module in model.named_modules()}
    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in batches_of(samples, batch_size):
            right += int((model(x).argmax(dim=1) == y).sum())
    for name, module in model.named_modules():
        module.training = modes[name]
    return right / len(samples[1])


def batches_of(samples: Batch, batch_size: int) -> list[Batch]:
    """Consecutive batches in the given order; the last one may be short."""
    x, y = samples
    return [(x[i : i + batch_size], y[i : i + batch_size]) for i in range(0, len(y), batch_size)]


def joined(batches: Sequence[Batch]) -> Batch:
    """All batches as one pair of tensors, in their order."""
    return torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])
