"""Scissorhands: trim the salient weights, then repair along projected gradients. Wu and Harandi 2024.

Stage 1, trimming:
 1. The model is in training mode (the released code never sets the mode; BatchNorm's running statistics MOVE). For each
    trimming batch: gradient g of the mean CE at the original weights; A += |g|.
 2. saliency = |w · A| for every trainable weight, n of them; threshold = the k-th smallest saliency of all tensors,
    k = int(sparsity · n); weights with a saliency above it (strictly) are marked.
 3. Marked weights of the tensors in `reinitialised` are replaced by the entries of `fresh` at the same places.
Stage 2, per epoch:
 4. Memory vectors over the tensors in `projected`: for each memory batch of the epoch, the gradient of −CE(forget).
    Gradients add up: the j-th vector is the sum of the first j.
 5. Retain batches beside forget batches, in training mode: retain forward, then forget forward;
    loss = CE(retain) − lambda · CE(forget). On every `project_every`-th step, counted from 1 in each epoch, the
    gradient g of `projected` is replaced: if any memory m has m·g < 0 by g + Σ v_j m_j, where v minimises
    ½ vᵀ(M Mᵀ + ε I) v + (M g)ᵀ v subject to v_j >= margin. Then one step on all trainable parameters.
 6. When the forget batches of the epoch are used up: plain CE steps on the remaining retain batches, same optimizer.
The mode the model came in is put back.

`data`: {"snip": [forget batches], "memory": [[forget batches] per epoch], "retain": [[batches] per epoch],
         "forget": [[batches] per epoch]}; every batch is (inputs, labels).
`fresh`: {name: tensor} of the values for re-initialisation. `reinitialised`, `projected`: parameter names.
`memory_at`: "trimmed" (a frozen copy of the model after stage 1) or "current" (the model at the start of the epoch).
`memory_train_mode`: the mode of that copy. `optimizer`: see _optimizers.py.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ._losses import cross_entropy, pair_losses
from ._modes import modes_kept
from ._optimizers import build
from ._samples import Batch
from ._weights import Tensors, combine, flat, gradients, split_like, trainable, with_zeros, zeros_like


def trim(
    model: nn.Module,
    batches: Sequence[Batch],
    *,
    sparsity: float,
    fresh: Tensors,
    reinitialised: Sequence[str],
) -> None:
    """Do stage 1 in place; the model stays in training mode."""
    model.train()
    parameters = trainable(model)
    magnitude = zeros_like(parameters)
    for x, y in batches:
        for name, g in gradients(cross_entropy(model(x), y), parameters).items():
            magnitude[name] += g.abs()
    saliency = {name: (p.detach() * magnitude[name]).abs() for name, p in parameters.items()}
    ordered = sorted(flat(saliency).tolist())
    k = int(sparsity * len(ordered))
    if k == 0:
        raise ValueError("the sparsity keeps no weight: there is no k-th smallest saliency")
    threshold = ordered[k - 1]
    with torch.no_grad():
        for name in reinitialised:
            weights, scores = parameters[name].reshape(-1).clone(), saliency[name].reshape(-1)
            for i in range(weights.numel()):
                if float(scores[i]) > threshold:
                    weights[i] = fresh[name].reshape(-1)[i]
            parameters[name].copy_(weights.reshape(parameters[name].shape))


def memory_vectors(model: nn.Module, batches: Sequence[Batch], projected: Sequence[str]) -> list[Tensor]:
    """Return the sums of the gradients of −CE(forget) after each batch (step 4)."""
    parameters = trainable(model, projected)
    vectors, running = [], torch.zeros_like(flat(parameters))
    for x, y in batches:
        slopes = gradients(-cross_entropy(model(x), y), parameters)
        running = running + flat(with_zeros(slopes, parameters))
        vectors.append(running.clone())
    return vectors


def constrained_minimum(p: Tensor, q: Tensor, margin: float) -> Tensor:
    """Return argmin ½ vᵀPv + qᵀv over v >= margin, by trying every set of entries held at the margin."""
    best, lowest = None, float("inf")
    for held in itertools.product([True, False], repeat=len(q)):
        at_margin = [i for i, h in enumerate(held) if h]
        free = [i for i, h in enumerate(held) if not h]
        v = torch.full_like(q, margin)
        if free:
            right = -q[free] - p[free][:, at_margin] @ v[at_margin]
            v[free] = torch.linalg.solve(p[free][:, free], right)
        value = float(0.5 * v @ p @ v + q @ v)
        if bool((v >= margin - 1e-12).all()) and value < lowest:
            best, lowest = v, value
    return best


def project(g: Tensor, memories: Sequence[Tensor], *, margin: float, epsilon: float) -> Tensor:
    """Return the gradient [P] of step 5."""
    if not memories or all(float(m @ g) >= 0.0 for m in memories):
        return g
    m = torch.stack(list(memories))
    v = constrained_minimum(m @ m.T + epsilon * torch.eye(len(m), dtype=m.dtype), m @ g, margin)
    return g + m.T @ v


def reference(
    model: nn.Module,
    data: dict[str, Any],
    *,
    sparsity: float,
    lambda_: float,
    fresh: Tensors,
    reinitialised: Sequence[str],
    projected: Sequence[str],
    optimizer: dict[str, Any],
    learning_rate: float,
    margin: float = 0.5,
    epsilon: float = 1e-3,
    project_every: int = 1,
    memory_at: str = "trimmed",
    memory_train_mode: bool = True,
) -> nn.Module:
    """Trim and repair; the model is changed in place and returned."""
    with modes_kept(model):
        trim(model, data["snip"], sparsity=sparsity, fresh=fresh, reinitialised=reinitialised)
        trimmed = copy.deepcopy(model)
        parameters, inside = trainable(model), trainable(model, projected)
        update = build(parameters, optimizer)
        for epoch, retain in enumerate(data["retain"]):
            source = copy.deepcopy(model if memory_at == "current" else trimmed).train(memory_train_mode)
            memories = memory_vectors(source, data["memory"][epoch], projected)
            forget = data["forget"][epoch]
            for i, (x, y) in enumerate(retain):
                if i >= len(forget):
                    update.step(gradients(cross_entropy(model(x), y), parameters), learning_rate)
                    continue
                losses = pair_losses(model, (*forget[i], x, y), "retain_first")
                g_f, g_r = (gradients(loss, parameters) for loss in losses)
                grads = with_zeros(combine((1.0, g_r), (-lambda_, g_f)), parameters)
                if (i + 1) % project_every == 0:
                    g = flat({name: grads[name] for name in inside})
                    grads |= split_like(project(g, memories, margin=margin, epsilon=epsilon), inside)
                update.step(grads, learning_rate)
    return model
