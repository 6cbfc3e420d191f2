"""Random labels: CE on forget with drawn labels and CE on retain with the true ones. Golatkar et al. 2020.

Three readings, one function; the steps (_relabelled.py) say which one is run:
  one pass after the other (repository of Unlearn-Saliency, CIFAR-10 and SVHN): each epoch first all of forget, labels
  drawn anew for each batch uniformly over ALL classes, then all of retain.
  joined (the same, CIFAR-100 and TinyImageNet): forget relabelled once per epoch, joined with retain and shuffled.
  joined, once (repository of SFR-on): labels drawn once for all epochs, never the true class.

In a step, in this order: labels put in; training mode; forward; mean CE of the batch; gradient; one update of the
optimizer. One optimizer, and so one momentum, runs through forget and retain steps.

Settings
  optimizer       see _optimizers.py
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
  wrong_only      True: a drawn label must differ from the true one (SFR-on); False: it may be the same
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ._losses import cross_entropy
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, steps_with_rates
from ._relabelled import batch_of, check_order
from ._weights import gradients, trainable


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    wrong_only: bool,
) -> nn.Module:
    """Train on relabelled forget and on retain; the model is changed in place and returned."""
    check_order(epochs)
    parameters = trainable(model)
    update = build(parameters, optimizer)
    for step, rate in steps_with_rates(epochs, learning_rates):
        x, labels = batch_of(step, wrong_only)
        set_mode(model, "train")
        update.step(gradients(cross_entropy(model(x), labels), parameters), rate)
    return model
