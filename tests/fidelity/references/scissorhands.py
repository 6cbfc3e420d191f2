"""Scissorhands (SHs). METHODS 2.20, corrections 7.14, settings table 2.0.

Stage 1, trimming:
 1. Model in train mode (the released code never sets the mode; BatchNorm uses batch statistics and its
    running statistics MOVE). For each SNIP batch: gradient g of the mean CE at the original weights; A +=
    |g|.
 2. saliency = |w * A| for every trainable weight; n of them in all; threshold = the k-th smallest saliency
    over all tensors, k = int(sparsity * n); weights with saliency > threshold (strict) are marked.
 3. Marked weights of the tensors in ``reinitialised`` are replaced by the entries of ``fresh`` at the same
    places.
Stage 2, per epoch:
 4. Memory vectors over the tensors in ``projected``: for each memory batch of the epoch, gradient of
    -CE(forget); gradients accumulate: the j-th vector is the sum of the first j.
 5. Retain batches zipped with forget batches, model in train mode: retain forward, then forget forward;
    loss = CE(retain) - lambda * CE(forget). On every ``project_every``-th step (counted from 1 in each
    epoch) the gradient g over ``projected`` is replaced: if any memory m has m.g < 0: g + sum v_j m_j,
    v minimising 0.5 v^T (M M^T + epsilon I) v + (M g).v subject to v_j >= margin; otherwise unchanged. Then
    one SGD step on all trainable parameters.
 6. When the forget batches of the epoch are used up, the remaining retain batches: plain CE steps, same
    optimizer.
The model is left in train mode's statistics; the mode it came in is put back.

``data``: {"snip": [forget batches, prune_num of them], "memory": [[forget batches] per epoch],
           "retain": [[batches] per epoch], "forget": [[batches] per epoch]}; every batch (inputs, labels).
``fresh``: {name: tensor} full tensors of re-initialisation draws (Kaiming-uniform a=sqrt(5); zeros for
biases). ``reinitialised``, ``projected``: parameter names (layer3, layer4, fc; re-initialisation leaves
BatchNorm out).

Left open by METHODS, arguments here: ``memory_at`` "trimmed" (a frozen copy of the model after stage 1) or
"current" (the model at the start of the epoch); ``memory_train_mode`` (True; on a copy, so no statistics
move); ``forget_first`` swaps the two forwards; ``snip_train_mode``; BatchNorm tensors in ``projected`` are
up to the caller.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .plain_parts import Batch, Tensors, cross_entropy, flat, gradients, parameters_of, sgd_step, split_like


def trim(
    model: nn.Module,
    batches: Sequence[Batch],
    *,
    sparsity: float,
    fresh: Tensors,
    reinitialised: Sequence[str],
    snip_train_mode: bool = True,
) -> None:
    """Stage 1, in place."""
    model.train(snip_train_mode)
    parameters = parameters_of(model)
    magnitude = {name: torch.zeros_like(p) for name, p in parameters.items()}
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
    """Step 4: accumulated gradients of -CE(forget)."""
    parameters = parameters_of(model, projected)
    vectors, running = [], torch.zeros_like(flat(parameters))
    for x, y in batches:
        running = running + flat(gradients(-cross_entropy(model(x), y), parameters))
        vectors.append(running.clone())
    return vectors


def constrained_minimum(p: Tensor, q: Tensor, margin: float) -> Tensor:
    """argmin 0.5 v'Pv + q'v over v >= margin, by trying every set of entries held at the margin."""
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
    """Step 5: the GEM projection."""
    if not memories or all(float(m @ g) >= 0.0 for m in memories):
        return g
    m = torch.stack(list(memories))
    v = constrained_minimum(m @ m.T + epsilon * torch.eye(len(m), dtype=m.dtype), m @ g, margin)
    return g + m.T @ v


def reference(
    model: nn.Module,
    data: dict,
    *,
    sparsity: float,
    lambda_: float,
    fresh: Tensors,
    reinitialised: Sequence[str],
    projected: Sequence[str],
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
    margin: float = 0.5,
    epsilon: float = 1e-3,
    project_every: int = 1,
    memory_at: str = "trimmed",
    memory_train_mode: bool = True,
    forget_first: bool = False,
    snip_train_mode: bool = True,
) -> nn.Module:
    """Trim, then joint training with projected gradients."""
    was_training = model.training
    trim(
        model,
        data["snip"],
        sparsity=sparsity,
        fresh=fresh,
        reinitialised=reinitialised,
        snip_train_mode=snip_train_mode,
    )
    trimmed = copy.deepcopy(model)
    model.train()
    parameters, state = parameters_of(model), {}
    step = {"learning_rate": learning_rate, "momentum": momentum, "weight_decay": weight_decay}
    inside = parameters_of(model, projected)
    for epoch, retain in enumerate(data["retain"]):
        source = copy.deepcopy(model if memory_at == "current" else trimmed).train(memory_train_mode)
        memories = memory_vectors(source, data["memory"][epoch], projected)
        forget = data["forget"][epoch]
        for i, (x_r, y_r) in enumerate(retain):
            if i >= len(forget):
                sgd_step(parameters, gradients(cross_entropy(model(x_r), y_r), parameters), state, **step)
                continue
            x_f, y_f = forget[i]
            if forget_first:
                forget_loss = cross_entropy(model(x_f), y_f)
                retain_loss = cross_entropy(model(x_r), y_r)
            else:
                retain_loss = cross_entropy(model(x_r), y_r)
                forget_loss = cross_entropy(model(x_f), y_f)
            grads = gradients(retain_loss - lambda_ * forget_loss, parameters)
            if (i + 1) % project_every == 0:
                g = flat({name: grads[name] for name in inside})
                grads.update(split_like(project(g, memories, margin=margin, epsilon=epsilon), inside))
            sgd_step(parameters, grads, state, **step)
    model.train(was_training)
    return model
