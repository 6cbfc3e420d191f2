"""PGU: data, class and incremental removal. Paper Section 3.2, equations 1-5; METHODS 1.4, 7.1, 7.2.

Order of operations (``reference``):
 1. Core gradient space of the retain set (see ``pgu_space``): stored full space - moments of
    ``data["space_forget"]`` through the given model; M, P per conv/linear layer.
 2. Epoch 0 only evaluates. Epochs e = 1, 2, ...: learning rate s * (end/s)^(e / schedule_epochs); per
    forget batch in the given order, model in train mode with every BatchNorm in eval mode (dropout stays
    active): loss = mean over the batch of [ -log(1 - (p_y - offset)) - entropy_weight * H(p) ]; W <- W - lr
    * (G - G P) for conv/linear weights only; no momentum, no weight decay; biases, BatchNorm weights and
    statistics stay.
 3. Stopping, after every epoch, accuracies in eval mode:
    mode "data": gap = acc(validation) - acc(forget); once gap > 0, keep this epoch's or the previous
    epoch's model, whichever has the smaller |gap|, and stop; at epoch 0 that is an error ("too fast").
    mode "class": stop when acc(forget) <= ``random_accuracy`` (1/C), or when acc(retain) fell more than
    ``guard_drop`` (0.05) below epoch 0.
    mode "none": run all epochs. In all modes the last epoch's model stands if nothing stops earlier.
The mode the model came in is put back.

``data``: {"full": [batches], one augmented training epoch (unless ``space`` is given);
           "space_forget": [batches] (augmented in class removal, not in data removal);
           "forget": [[batches] per training epoch, the first is epoch 1];
           "validation", "forget_evaluation", "retain_evaluation": (inputs, labels), as the mode needs
           them}.
``space``: the stored (U, sigma) per layer; class removal uses ``extra=1``.

Left open by METHODS, arguments here: the number of training epochs (len(data["forget"])) against
``schedule_epochs``; ``tie`` "current"/"previous" for equal |gap|; ``guard_keeps`` "current"/"previous"
model after the class guard fired; incremental: ``features_from`` "current" (the previous unlearned model)
or "original". Dropout draws: ``dropout_seeds[i]`` seeds torch before the i-th step's forward if given.
The paper's equation 1 sums over the samples; the code, and this file, take the batch mean.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from .boundary_expanding import replace_linear
from .pgu_space import (
    Space,
    core_bases,
    full_space,
    orthogonal_gradient,
    projections,
    retain_space,
    second_moments,
)
from .plain_parts import accuracy, batch_norms_to_eval, gradients, log_softmax


def unlearning_loss(logits: Tensor, labels: Tensor, *, offset: float, entropy_weight: float) -> Tensor:
    """Mean of -log(1 - (p_y - offset)) - entropy_weight * H(p), sample by sample."""
    total = logits.new_zeros(())
    for log_p, y in zip(log_softmax(logits), labels.tolist(), strict=True):
        p = torch.exp(log_p)
        entropy = -(p * log_p).sum()
        total = total - torch.log(1.0 - (p[y] - offset)) - entropy_weight * entropy
    return total / len(labels)


def learning_rate(epoch: int, start: float, end: float, schedule_epochs: int) -> float:
    """s * (end/s)^(epoch/E)."""
    return start * (end / start) ** (epoch / schedule_epochs)


def remove_classes(model: nn.Module, last: str, classes: Sequence[int]) -> nn.Module:
    """Drop the rows of the forgotten classes from the last linear layer, before evaluation."""
    layer = model.get_submodule(last)
    rows = [k for k in range(layer.weight.shape[0]) if k not in set(classes)]
    bias = None if layer.bias is None else layer.bias.detach()[rows].clone()
    replace_linear(model, last, layer.weight.detach()[rows].clone(), bias)
    return model


def unlearn(
    model: nn.Module,
    data: dict,
    matrices: Mapping[str, Tensor],
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
    dropout_seeds: Sequence[int] | None = None,
) -> nn.Module:
    """Steps 2 and 3 with the projection matrices given."""
    modes = {name: module.training for name, module in model.named_modules()}
    weights = {name: model.get_submodule(name).weight for name in matrices}
    previous, previous_gap, retain_before, step = None, None, None, 0
    for epoch in range(len(data["forget"]) + 1):
        if epoch > 0:
            rate = learning_rate(epoch, start, end, schedule_epochs)
            for x, y in data["forget"][epoch - 1]:
                model.train()
                batch_norms_to_eval(model)
                if dropout_seeds is not None:
                    torch.manual_seed(dropout_seeds[step])
                loss = unlearning_loss(model(x), y, offset=offset, entropy_weight=entropy_weight)
                grads = gradients(loss, weights)
                with torch.no_grad():
                    for name, w in weights.items():
                        w.copy_(w - rate * orthogonal_gradient(grads[name], matrices[name]))
                step += 1
        if mode == "data":
            gap = accuracy(model, data["validation"]) - accuracy(model, data["forget_evaluation"])
            if gap > 0:
                if epoch == 0:
                    raise ValueError(
                        "too fast: the forget accuracy is below the validation accuracy at epoch 0"
                    )
                better = abs(previous_gap) < abs(gap) or (tie == "previous" and abs(previous_gap) == abs(gap))
                if better:
                    model.load_state_dict(previous)
                break
            previous_gap = gap
        elif mode == "class":
            retain_now = accuracy(model, data["retain_evaluation"])
            retain_before = retain_now if retain_before is None else retain_before
            if retain_now < retain_before - guard_drop:
                if guard_keeps == "previous":
                    model.load_state_dict(previous)
                break
            if accuracy(model, data["forget_evaluation"]) <= random_accuracy:
                break
        previous = copy.deepcopy(model.state_dict())
    for name, module in model.named_modules():
        module.training = modes[name]
    return model


def reference(
    model: nn.Module,
    data: dict,
    *,
    gamma: float | Mapping[str, float],
    space: Space | None = None,
    extra: int = 0,
    rule: str = "code",
    indefinite: str = "absolute",
    cast: bool = False,
    **schedule,
) -> nn.Module:
    """One removal; ``schedule`` are the keywords of ``unlearn``."""
    stored = full_space(model, data["full"]) if space is None else space
    remaining = retain_space(stored, second_moments(model, data["space_forget"]), indefinite)
    matrices = projections(core_bases(remaining, gamma, extra=extra, rule=rule), cast)
    return unlearn(model, data, matrices, **schedule)


def reference_incremental(
    model: nn.Module,
    data: Sequence[dict],
    *,
    gamma: float | Mapping[str, float],
    space: Space,
    extra: int = 0,
    rule: str = "code",
    indefinite: str = "absolute",
    cast: bool = False,
    features_from: str = "current",
    **schedule,
) -> nn.Module:
    """One removal after the other: ``data`` holds one dict per request; model and space carry over."""
    original = copy.deepcopy(model)
    for request in data:
        source = model if features_from == "current" else original
        space = retain_space(space, second_moments(source, request["space_forget"]), indefinite)
        matrices = projections(core_bases(space, gamma, extra=extra, rule=rule), cast)
        unlearn(model, request, matrices, **schedule)
    return model
