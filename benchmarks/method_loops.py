"""What released code does by plain loops, written anew in a few lines: the slow obvious sides of benchmarks/methods.py.

Each side does a part of the work that grows in proportion; the benchmark says which part it measured.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import norm
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.data.batches import Batch


def one_by_one(batch: Batch) -> list[tuple[Tensor, Tensor]]:
    """Return each sample as a batch of one."""
    return list(zip(batch.x.split(1), batch.y.split(1), strict=True))


def fisher_of_all_labels(model: nn.Module, batch: Batch) -> list[Tensor]:
    """Return the mean of squared gradients: a backward pass per sample and label."""
    weights = list(model.parameters())
    total = [torch.zeros_like(w) for w in weights]
    for x, _ in one_by_one(batch):
        log_p = model(x).log_softmax(1)[0]
        for label in range(len(log_p)):
            found = torch.autograd.grad(-log_p[label], weights, retain_graph=True)
            for part, g in zip(total, found, strict=True):
                part += log_p[label].detach().exp() * g**2 / len(batch)
    return total


def fisher_of_true_labels(model: nn.Module, batch: Batch) -> list[Tensor]:
    """Return the mean of squared gradients: a backward pass per sample."""
    weights = list(model.parameters())
    total = [torch.zeros_like(w) for w in weights]
    for x, y in one_by_one(batch):
        found = torch.autograd.grad(functional.cross_entropy(model(x), y), weights)
        for part, g in zip(total, found, strict=True):
            part += g**2 / len(batch)
    return total


def kernel(model: nn.Module, batch: Batch) -> Tensor:
    """Return the product of the output Jacobian with its transpose: a backward pass per row, all rows kept."""
    rows = []
    for x, _ in one_by_one(batch):
        z = model(x)[0]
        for output in z:
            found = torch.autograd.grad(output, list(model.parameters()), retain_graph=True)
            rows.append(torch.cat([g.flatten() for g in found]).double())
    jacobian = torch.stack(rows)
    return jacobian @ jacobian.T


def influence(model: nn.Module, batch: Batch) -> Tensor:
    """Return k of WoodFisher's recursion as released: a gradient per sample, and updates of whole vectors."""
    weights = list(model.parameters())
    k = o = torch.cat([w.detach().flatten() for w in weights])
    for number, (x, y) in enumerate(one_by_one(batch)):
        found = torch.autograd.grad(functional.cross_entropy(model(x), y), weights)
        g = torch.cat([part.flatten() for part in found])
        if number == 0:
            o = g
            continue
        t = torch.dot(o, g)
        k = k - torch.dot(k, g) / (1000 + t) * o
        o = o - t / (1000 + t) * o
    return k


def mask(scores: list[Tensor], fraction: float) -> list[Tensor]:
    """Return masks of the highest scores: all are sorted, and their ranks sorted back."""
    flat = torch.cat([s.flatten() for s in scores])
    order = flat.argsort(descending=True, stable=True)
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(len(flat))
    parts = (ranks < int(fraction * len(flat))).split([s.numel() for s in scores])
    return [part.view_as(s) for part, s in zip(parts, scores, strict=True)]


def layer_inputs(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """Return second moments of layers' inputs from all patches, in double precision."""
    moments: dict[str, Tensor] = {}

    def note(name: str, layer: nn.Module, x: Tensor) -> None:
        rows = x.flatten(1)
        if isinstance(layer, nn.Conv2d):
            patches = functional.unfold(x, layer.kernel_size, padding=layer.padding)  # type: ignore[arg-type]
            rows = patches.transpose(1, 2).flatten(0, 1)
        rows = rows.double()
        moments[name] = rows.T @ rows

    handles = [
        layer.register_forward_pre_hook(lambda m, given, name=name: note(name, m, given[0]))
        for name, layer in model.named_modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear))
    ]
    with torch.no_grad():
        model(batch.x)
    for handle in handles:
        handle.remove()
    return moments


def lira(margins_MN: np.ndarray, trained_MN: np.ndarray, target_N: np.ndarray) -> list[float]:
    """Return LiRA's log ratio of each sample: two normal distributions fitted and asked per sample."""
    scores = []
    for n, target in enumerate(target_N):
        inside, outside = margins_MN[trained_MN[:, n], n], margins_MN[~trained_MN[:, n], n]
        ratio = norm.logpdf(target, inside.mean(), inside.std() + 1e-30)
        scores.append(float(ratio - norm.logpdf(target, outside.mean(), outside.std() + 1e-30)))
    return scores
