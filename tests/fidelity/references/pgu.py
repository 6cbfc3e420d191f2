"""PGU: removal of data, of classes, in several steps (section 3.2, Eq. 1–5), and depoisoning (3.2.3, 4.5).

Removal (`reference`), in this order:
 1. Core gradient space of the retain set (_core_gradient_space.py): stored full space − moments of
    `data["space_forget"]` through the given model; M, P per convolution or linear layer.
 2. Epoch 0 only measures. Epochs e = 1, 2, …: learning rate s · (end/s)^(e / schedule_epochs); per forget batch in the
    given order, in training mode with BatchNorm in evaluation mode (dropout stays active): loss = mean over the batch
    of [ −log(1 − (p_y − offset)) − entropy_weight · H(p) ]; W ← W − lr · (G − G P) for convolution and linear weights
    alone; no momentum, no weight decay; biases, BatchNorm weights and statistics stay. Eq. 1 sums over the samples;
    the code and this file take the mean.
 3. Stopping, after every epoch, accuracies in evaluation mode:
    mode "data": gap = acc(validation) − acc(forget); once gap > 0, keep this epoch's or the previous epoch's model,
    whichever has the smaller |gap| (of equal ones as `tie` says), and stop; at epoch 0 that is an error ("too fast").
    mode "class": stop when acc(forget) <= `random_accuracy` (1/K), or when acc(retain) fell more than `guard_drop`
    below epoch 0 (then `guard_keeps` is the "current" or the "previous" model).
    mode "none": run all epochs. In all modes the last epoch's model stands if nothing stops earlier.
`data`: {"full": [batches], one augmented training epoch (unless `space` is given); "space_forget": [batches];
         "forget": [[batches] per training epoch, the first is epoch 1];
         "validation", "forget_evaluation", "retain_evaluation": (inputs, labels), as the mode needs them}.
`space`: the stored (U, σ) per layer. `gamma`, `extra`, `rule`, `indefinite`: see _core_gradient_space.py.
`reference_incremental`: one removal after the other; `data` has one dictionary for each, model and space carry over.

Depoisoning (`reference_depoisoning`), in this order:
 1. Core gradient space of the CLEAN samples through the poisoned model, without subtraction.
 2. Last linear layer: M (k columns); U = its last `trust_size` columns (all if None; released: 400, which fails when
    k < 400); Q = identity, learnable. W_eff = W + W (U Q Uᵀ) − W (U Uᵀ).
 3. Epochs and modes as above, on poisoned samples with their poisoned labels y; one backward; W as above (in the last
    layer through W_eff), and Q ← Q − 0.1 · rate · ∂loss/∂Q. Loss: mean of −log(1 − (p_y − offset)) + entropy_weight ·
    H(softmax over the classes other than y). `other_classes=False`: the paper's H over all classes.
 4. Stop after the epoch whose accuracy on `data["guard"]`, if given, lies more than `guard_drop` below that of epoch 0.
 5. The last layer's weight is set to W_eff (same function, plain layer).
The modes that the model came in are put back.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ._core_gradient_space import (
    Gamma,
    Space,
    core_bases,
    full_space,
    orthogonal_gradient,
    projections,
    retain_space,
    second_moments,
)
from ._linear_layers import keep_rows
from ._losses import accuracy, log_softmax
from ._modes import modes_kept, set_mode
from ._weights import Tensors, gradients

SCALE_FACTOR = 0.1  # of the rate, for Q
KEPT_SET = {"data": "validation", "class": "retain_evaluation"}


def unlearning_loss(logits: Tensor, labels: Tensor, *, offset: float, entropy_weight: float) -> Tensor:
    """Return the mean of −log(1 − (p_y − offset)) − entropy_weight · H(p), taken sample by sample."""
    total = logits.new_zeros(())
    for log_p, y in zip(log_softmax(logits), labels.tolist(), strict=True):
        p = torch.exp(log_p)
        entropy = -(p * log_p).sum()
        total = total - torch.log(1.0 - (p[y] - offset)) - entropy_weight * entropy
    return total / len(labels)


def learning_rate(epoch: int, start: float, end: float, schedule_epochs: int) -> float:
    """Return s · (end/s)^(epoch/E)."""
    return start * (end / start) ** (epoch / schedule_epochs)


def remove_classes(model: nn.Module, last: str, classes: Sequence[int]) -> nn.Module:
    """Drop the rows of the forgotten classes from the last linear layer, before evaluation."""
    outputs = model.get_submodule(last).weight.shape[0]
    keep_rows(model, last, [k for k in range(outputs) if k not in classes])
    return model


def data_verdict(seen: list[tuple[float, float]], tie: str) -> str | None:
    """Return whether the "current" or the "previous" model is kept; None: go on.

    Args:
        seen: accuracy on validation and on forget after each epoch.
        tie: which of two equal gaps wins.
    """
    gaps = [kept - forget for kept, forget in seen]
    if gaps[-1] <= 0:
        return None
    if len(gaps) == 1:
        raise ValueError("too fast: the forget accuracy is below the validation accuracy at epoch 0")
    now, before = abs(gaps[-1]), abs(gaps[-2])
    return "previous" if before < now or (before == now and tie == "previous") else "current"


def class_verdict(
    seen: list[tuple[float, float]], *, random_accuracy: float, guard_drop: float, guard_keeps: str
) -> str | None:
    """Return the same in class removal, from the accuracy on retain and on forget after each epoch."""
    retain, forget = seen[-1]
    if retain < seen[0][0] - guard_drop:
        return guard_keeps
    return "current" if forget <= random_accuracy else None


def unlearn(
    model: nn.Module,
    data: dict[str, Any],
    matrices: Tensors,
    *,
    mode: str = "data",
    start: float = 0.05,
    end: float = 0.01,
    schedule_epochs: int = 100,
    offset: float = 0.05,
    entropy_weight: float = 0.2,
    tie: str = "current",
    guard_keeps: str = "current",
    guard_drop: float = 0.05,
    random_accuracy: float = 0.1,
) -> nn.Module:
    """Do steps 2 and 3 of a removal with the projection matrices given."""
    guard = {"random_accuracy": random_accuracy, "guard_drop": guard_drop, "guard_keeps": guard_keeps}
    weights = {name: model.get_submodule(name).weight for name in matrices}
    seen: list[tuple[float, float]] = []
    previous = copy.deepcopy(model.state_dict())
    with modes_kept(model):
        for epoch, batches in enumerate([[], *data["forget"]]):
            rate = learning_rate(epoch, start, end, schedule_epochs)
            for x, y in batches:
                set_mode(model, "bn_eval")
                loss = unlearning_loss(model(x), y, offset=offset, entropy_weight=entropy_weight)
                grads = gradients(loss, weights)
                with torch.no_grad():
                    for name, w in weights.items():
                        w.copy_(w - rate * orthogonal_gradient(grads[name], matrices[name]))
            verdict = None
            if mode != "none":
                kept = accuracy(model, data[KEPT_SET[mode]])
                seen.append((kept, accuracy(model, data["forget_evaluation"])))
                verdict = data_verdict(seen, tie) if mode == "data" else class_verdict(seen, **guard)
            if verdict == "previous":
                model.load_state_dict(previous)
            if verdict is not None:
                break
            previous = copy.deepcopy(model.state_dict())
    return model


def reference(
    model: nn.Module,
    data: dict[str, Any],
    *,
    gamma: Gamma,
    space: Space | None = None,
    extra: int = 0,
    rule: str = "code",
    indefinite: str = "absolute",
    **schedule: Any,
) -> nn.Module:
    """Run one removal; `schedule` are the keywords of `unlearn`."""
    stored = full_space(model, data["full"]) if space is None else space
    remaining = retain_space(stored, second_moments(model, data["space_forget"]), indefinite)
    matrices = projections(core_bases(remaining, gamma, extra=extra, rule=rule))
    return unlearn(model, data, matrices, **schedule)


def reference_incremental(
    model: nn.Module,
    data: Sequence[dict[str, Any]],
    *,
    gamma: Gamma,
    space: Space,
    rule: str = "code",
    indefinite: str = "absolute",
    **schedule: Any,
) -> nn.Module:
    """Run one removal after the other."""
    for request in data:
        space = retain_space(space, second_moments(model, request["space_forget"]), indefinite)
        unlearn(model, request, projections(core_bases(space, gamma, rule=rule)), **schedule)
    return model


def depoisoning_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    offset: float = 0.1,
    entropy_weight: float = 0.2,
    other_classes: bool = True,
) -> Tensor:
    """Return the reverse cross-entropy of the poisoned label plus the entropy among the other classes."""
    total = logits.new_zeros(())
    for row, y in zip(logits, labels.tolist(), strict=True):
        p = torch.exp(log_softmax(row))
        rest = torch.stack([row[c] for c in range(len(row)) if c != y or not other_classes])
        log_q = log_softmax(rest)
        entropy = -(torch.exp(log_q) * log_q).sum()
        total = total - torch.log(1.0 - (p[y] - offset)) + entropy_weight * entropy
    return total / len(labels)


def effective_weight(weight: Tensor, basis: Tensor, scale: Tensor) -> Tensor:
    """Return W + W (U Q Uᵀ) − W (U Uᵀ)."""
    return weight + weight @ (basis @ scale @ basis.T) - weight @ (basis @ basis.T)


def in_trust_region(gradient: Tensor, basis: Tensor, threshold: float = 0.5) -> bool:
    """Tell whether |projection of g on the space| >= threshold · |g|, the weight seen as a matrix (TRGP's rule)."""
    g = gradient.reshape(gradient.shape[0], -1)
    return float((g @ basis @ basis.T).norm()) >= threshold * float(g.norm())


def trusted(basis: Tensor, size: int | None) -> Tensor:
    """Return U: the last `size` columns of M; all of them if None."""
    k = basis.shape[1]
    if size is not None and size > k:
        raise ValueError(f"the trust region wants {size} basis vectors, there are {k}")
    return basis if size is None else basis[:, k - size :]


def reference_depoisoning(
    model: nn.Module,
    data: dict[str, Any],
    *,
    last: str,
    gamma: Gamma = 0.95,
    rule: str = "code",
    trust_size: int | None = None,
    start: float = 0.1,
    end: float = 0.05,
    schedule_epochs: int = 100,
    guard_drop: float = 0.05,
    **loss_settings: Any,
) -> nn.Module:
    """Run the depoisoning; `loss_settings` are the keywords of `depoisoning_loss`."""
    bases = core_bases(full_space(model, data["clean"]), gamma, rule=rule)
    matrices = projections(bases)
    basis = trusted(bases[last], trust_size)
    scale = torch.eye(basis.shape[1], dtype=basis.dtype, requires_grad=True)
    weights = {name: model.get_submodule(name).weight for name in matrices}

    def folded() -> nn.Module:
        plain = copy.deepcopy(model)
        with torch.no_grad():
            plain.get_submodule(last).weight.copy_(effective_weight(weights[last], basis, scale))
        return plain

    before = accuracy(folded(), data["guard"]) if "guard" in data else None
    with modes_kept(model):
        for epoch, batches in enumerate(data["forget"], start=1):
            rate = learning_rate(epoch, start, end, schedule_epochs)
            for x, y in batches:
                set_mode(model, "bn_eval")
                replaced = {f"{last}.weight": effective_weight(weights[last], basis, scale)}
                loss = depoisoning_loss(functional_call(model, replaced, (x,)), y, **loss_settings)
                grads = gradients(loss, {**weights, "the scale": scale})
                with torch.no_grad():
                    for name, w in weights.items():
                        w.copy_(w - rate * orthogonal_gradient(grads[name], matrices[name]))
                    scale.copy_(scale - rate * SCALE_FACTOR * grads["the scale"])
            if before is not None and accuracy(folded(), data["guard"]) < before - guard_drop:
                break
    model.load_state_dict(folded().state_dict())
    return model
