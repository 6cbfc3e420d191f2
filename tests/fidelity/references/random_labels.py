"""Random labels (METHODS 2.6): CE on Df with drawn labels and CE on Dr with the true ones.

Three readings, one function; the steps say which one is run:
  one pass after the other (OPTML, CIFAR-10/SVHN): each epoch first all of Df, labels drawn anew for each
    batch uniformly over ALL classes, then all of Dr. Steps ("forget", x, y, drawn), then ("retain", x, y).
  joined (OPTML, CIFAR-100/Tiny): Df relabelled once per epoch, joined with Dr and shuffled.
  joined, once (SFR-on): labels drawn once for all epochs, never the true class. Steps for both:
    ("joined", x, y, is_forget, drawn): sample i has label drawn[i] if is_forget[i], else y[i].

Order of operations in a step: labels put in; mode; forward; CE mean over the batch; gradient; one
optimizer update. One optimizer (and so one momentum) runs through forget and retain steps.
BatchNorm: `mode` at every forward, also on forget batches.

Settings
  optimizer       see optimizers.py
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
  wrong_only      True: a drawn label must differ from the true one (SFR-on); False: it may be the same
  mode            "train" | "eval" | "bn_eval"

Left open in METHODS: the mode; whether both passes of an epoch share one optimizer (here: they do);
whether the joined OPTML reading may draw the true class (wrong_only).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from . import optimizers
from .plain import Rates, cross_entropy, gradients, rate_at, set_mode, trainable


def check_order(batches: list[list[Any]]) -> None:
    """In every epoch no forget step may follow a retain step (a joined step has no such rule)."""
    for steps in batches:
        kinds = [step[0] for step in steps if step[0] != "joined"]
        if kinds != sorted(kinds):  # "forget" sorts before "retain"
            raise ValueError("an epoch must visit Df before Dr")


def batch_of(step: Any, wrong_only: bool) -> tuple[Tensor, Tensor]:
    """The images and the labels that a step trains on."""
    if step[0] == "retain":
        _, x, y = step
        return x, y
    if step[0] == "forget":
        _, x, y, drawn = step
        is_forget = [True] * len(y)
    elif step[0] == "joined":
        _, x, y, is_forget, drawn = step
    else:
        raise ValueError(step[0])
    labels = y.clone()
    for i in range(len(y)):
        if is_forget[i]:
            if wrong_only and drawn[i] == y[i]:
                raise ValueError("the true class was drawn")
            labels[i] = drawn[i]
    return x, labels


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    wrong_only: bool,
    mode: str = "train",
) -> nn.Module:
    """Trains on relabelled Df and on Dr; the model is changed in place and returned."""
    check_order(batches)
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    for epoch, steps in enumerate(batches):
        for index, step in enumerate(steps):
            x, labels = batch_of(step, wrong_only)
            set_mode(model, mode)
            loss = cross_entropy(model(x), labels)
            update.step(gradients(loss, parameters), rate_at(learning_rates, epoch, index))
    return model
