"""Relearn time: epochs of training on forget and retain until the forget accuracy is back at the original's.

With the original's recipe, its rate held constant and its batches, on the run's final model. Few epochs show that what
was forgotten was hidden rather than gone; Retrain's own time is what a model needs that never knew it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reunlearn.measures._logits import logits
from reunlearn.measures.registry import Measured, MeasureInputs
from reunlearn.metrics.classification import accuracy
from reunlearn.training.loop import train

CARD: dict[str, Any] = {
    "title": "Relearn time",
    "compares": "epochs of training on forget and retain until the forget accuracy is the original's again",
    "unit": "epochs",
    "direction": "closer to Retrain is better; few epochs: the knowledge was still there",
    "ideal": "Retrain's value",
    "source": "Golatkar et al. 2020",
    "reads": ("network", "original"),
    "recipe": True,
    "capabilities": ("outputs",),
    "settings": {"cap": 30},
    "scenarios": ("random", "class", "subclass", "first", "identities", "indices", "memorised", "worst_case"),
}


NUMBERS = ("relearn_epochs", "relearn_reached")


class _EndError(Exception):
    """Ends the training: the accuracy is back, or the outputs are not finite and it never will be."""


def run(inputs: MeasureInputs) -> Measured:
    """Measure relearn_epochs, `cap` where the accuracy never comes back, and relearn_reached, 1 where it does.

    Table `relearning`: the forget accuracy after each epoch. Neither number exists where the original or the model
    answers what is not finite before it is trained.
    """
    assert inputs.network is not None and inputs.original is not None
    network, cap = inputs.network, int(inputs.settings["cap"])
    forget = network.sets["forget"]
    both = network.samples(np.sort(np.concatenate([network.split["forget"], network.split["retain"]])))
    target = accuracy(inputs.original.logits["forget"], inputs.original.labels["forget"])
    accuracies: list[float] = []

    def look() -> None:
        accuracies.append(accuracy(logits(network.model, forget, network.objective), forget.y.cpu().numpy()))
        network.model.train()  # looking froze BatchNorm and dropout
        if not accuracies[-1] < target:
            raise _EndError

    recipe = network.recipe.model_copy(
        update={"schedule": "constant", "warmup_epochs": 0, "milestones": (), "epochs": cap}
    )
    try:
        look()
        train(
            network.model,
            both,
            network.training_objective,
            recipe,
            inputs.seed,
            progress=lambda numbers, epochs: look(),
        )
    except _EndError:
        pass
    history = {"epoch": np.arange(len(accuracies)), "accuracy_forget": np.array(accuracies)}
    tables = {"relearning": history}
    if np.isnan(accuracies[0]):
        return Measured(dict.fromkeys(NUMBERS), tables=tables, status="diverged")
    if np.isnan(target):
        return Measured(dict.fromkeys(NUMBERS), tables=tables, facts={"not_finite": "the original"})
    reached = accuracies[-1] >= target
    epochs = len(accuracies) - 1 if reached else cap
    return Measured(dict(zip(NUMBERS, (epochs, float(reached)), strict=True)), tables=tables)
