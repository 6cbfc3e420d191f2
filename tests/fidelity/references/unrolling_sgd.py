"""Unrolling SGD, unlearning by one gradient. Thudi et al. 2022.

In this order (`reference`):
 1. The gradient of the cross-entropy of the forget data, every batch at the SAME weights (the final ones, or those of
    `gradient_at`), on a deep copy, so that no buffer of the model moves.
 2. w += epochs · learning_rate · gradient, over all trainable parameters.

`data`: {"forget": [(inputs, labels), …]}: the batches.
`epochs`: E, epochs of the training that is undone; `learning_rate`: its η.
`combine`: "sum_of_means" adds the batches' mean gradients (to first order what E epochs of SGD over these batches did);
    "first_batch" takes the mean of the first batch alone (the released code); "mean" the mean of all forget samples.
`train_mode`: whether the gradients' forwards are in training mode.
`gradient_at`: a model with the initial weights; None takes the final ones.

`regularised_loss`: the loss of the training, CE + regulariser · mean over the samples of the unbiased standard
deviation of their logits.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from torch import Tensor, nn

from ._losses import cross_entropy, cross_entropy_sum
from ._samples import Batch
from ._weights import add_to, gradients, trainable, zeros_like


def regularised_loss(logits: Tensor, labels: Tensor, regulariser: float) -> Tensor:
    """Return CE plus `regulariser` times the mean standard deviation of a sample's logits."""
    total = logits.new_zeros(())
    classes = logits.shape[1]
    for row in logits:
        squares = ((row - row.sum() / classes) ** 2).sum()
        total = total + (squares / (classes - 1)).sqrt()
    return cross_entropy(logits, labels) + regulariser * total / len(logits)


def reference(
    model: nn.Module,
    data: dict[str, Sequence[Batch]],
    *,
    epochs: float,
    learning_rate: float,
    combine: str = "sum_of_means",
    train_mode: bool = False,
    gradient_at: nn.Module | None = None,
) -> nn.Module:
    """Put back E η times the gradient; the model is changed in place and returned."""
    source = copy.deepcopy(model if gradient_at is None else gradient_at)
    source.train(train_mode)
    parameters = trainable(source)
    total = zeros_like(parameters)
    batches = list(data["forget"][:1]) if combine == "first_batch" else list(data["forget"])
    loss = cross_entropy_sum if combine == "mean" else cross_entropy
    for x, y in batches:
        for name, g in gradients(loss(source(x), y), parameters).items():
            total[name] += g
    if combine == "mean":
        samples = sum(len(y) for _, y in batches)
        total = {name: t / samples for name, t in total.items()}
    add_to(trainable(model), total, epochs * learning_rate)
    return model
