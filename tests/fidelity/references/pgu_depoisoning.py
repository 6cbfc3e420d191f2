"""PGU's depoisoning with the TRGP last layer. Paper Section 3.2.3 and 4.5; METHODS 1.4 and 2.22.

Order of operations (``reference``):
 1. Core gradient space from the CLEAN training samples through the poisoned model (``pgu_space``; no
    subtraction).
 2. Last linear layer: M (k columns); U = its last ``trust_size`` columns (all k if None; released: 400,
    which fails when k < 400); Q = identity, learnable. W_eff = W + W (U Q U^T) - W (U U^T).
 3. Epoch 0 only evaluates. Epoch e >= 1, rate s * (end/s)^(e/E); per batch of poisoned samples in the given
    order, model in train mode with every BatchNorm in eval mode, dropout active; one backward; then for
    every conv/linear weight W <- W - rate * (G - G P), G taken w.r.t. W itself (in the last layer through
    W_eff), and Q <- Q - rate * q_factor * dLoss/dQ (q_factor 0.1). Biases and BatchNorm stay.
    Loss: mean of -log(1 - (p_y - offset)) + entropy_weight * H(softmax over the K-1 classes other than y),
    y the poisoned label. ``other_classes=False``: the paper's H over all classes (its lambda < 0).
 4. After every epoch: if the accuracy on ``data["guard"]`` (the test set, as released) lies more than 0.05
    below that of epoch 0, stop.
 5. The last layer's weight is set to W_eff (same function, plain layer). The mode the model came in is put
    back.

``data``: {"clean": [batches] for the space, "forget": [[batches] per epoch], poisoned samples with their
poisoned labels, "guard": (inputs, labels), optional}. ``last``: name of the last linear layer.

Left open by METHODS, arguments here: the model kept when the guard fires (``guard_keeps``
"current"/"previous"); the number of epochs against ``schedule_epochs`` as in ``pgu``.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .pgu import learning_rate
from .pgu_space import core_bases, full_space, orthogonal_gradient, projections
from .plain_parts import accuracy, batch_norms_to_eval, log_softmax


def depoisoning_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    offset: float = 0.1,
    entropy_weight: float = 0.2,
    other_classes: bool = True,
) -> Tensor:
    """Reverse cross-entropy of the poisoned label plus the entropy among the other classes."""
    total = logits.new_zeros(())
    for row, y in zip(logits, labels.tolist(), strict=True):
        p = torch.exp(log_softmax(row))
        rest = torch.stack([row[c] for c in range(len(row)) if c != y or not other_classes])
        log_q = log_softmax(rest)
        entropy = -(torch.exp(log_q) * log_q).sum()
        total = total - torch.log(1.0 - (p[y] - offset)) + entropy_weight * entropy
    return total / len(labels)


def effective_weight(weight: Tensor, basis: Tensor, scale: Tensor) -> Tensor:
    """W + W (U Q U^T) - W (U U^T)."""
    return weight + weight @ (basis @ scale @ basis.T) - weight @ (basis @ basis.T)


def in_trust_region(gradient: Tensor, basis: Tensor, threshold: float = 0.5) -> bool:
    """TRGP's rule: |projection of g on the space| >= threshold * |g|, weight reshaped to two dimensions."""
    g = gradient.reshape(gradient.shape[0], -1)
    return float((g @ basis @ basis.T).norm()) >= threshold * float(g.norm())


def reference(
    model: nn.Module,
    data: dict,
    *,
    last: str,
    gamma: float | Mapping[str, float] = 0.95,
    extra: int = 0,
    rule: str = "code",
    cast: bool = False,
    trust_size: int | None = None,
    start: float = 0.1,
    end: float = 0.05,
    schedule_epochs: int = 100,
    q_factor: float = 0.1,
    offset: float = 0.1,
    entropy_weight: float = 0.2,
    other_classes: bool = True,
    guard_drop: float = 0.05,
    guard_keeps: str = "current",
) -> nn.Module:
    """Depoisoning; returns the model with the last layer folded."""
    bases = core_bases(full_space(model, data["clean"]), gamma, extra=extra, rule=rule)
    matrices = projections(bases, cast)
    k = bases[last].shape[1]
    if trust_size is not None and trust_size > k:
        raise ValueError(f"the trust region wants {trust_size} basis vectors, there are {k}")
    basis = bases[last] if trust_size is None else bases[last][:, k - trust_size :]
    scale = torch.eye(basis.shape[1], dtype=basis.dtype, requires_grad=True)

    modes = {name: module.training for name, module in model.named_modules()}
    weights = {name: model.get_submodule(name).weight for name in matrices}

    def folded() -> nn.Module:
        plain = copy.deepcopy(model)
        with torch.no_grad():
            plain.get_submodule(last).weight.copy_(effective_weight(weights[last], basis, scale))
        return plain

    result = folded()
    before = accuracy(result, data["guard"]) if "guard" in data else None
    for epoch, batches in enumerate(data["forget"], start=1):
        previous = result
        rate = learning_rate(epoch, start, end, schedule_epochs)
        for x, y in batches:
            model.train()
            batch_norms_to_eval(model)
            replaced = {f"{last}.weight": effective_weight(weights[last], basis, scale)}
            loss = depoisoning_loss(
                functional_call(model, replaced, (x,)),
                y,
                offset=offset,
                entropy_weight=entropy_weight,
                other_classes=other_classes,
            )
            found = torch.autograd.grad(loss, [*weights.values(), scale])
            with torch.no_grad():
                for (name, w), g in zip(weights.items(), found[:-1], strict=True):
                    w.copy_(w - rate * orthogonal_gradient(g, matrices[name]))
                scale.copy_(scale - rate * q_factor * found[-1])
        result = folded()
        if before is not None and accuracy(result, data["guard"]) < before - guard_drop:
            if guard_keeps == "previous":
                result = previous
            break
    model.load_state_dict(result.state_dict())
    for name, module in model.named_modules():
        module.training = modes[name]
    return model
