"""What a method's run costs a generator, against the passes that it needs: the U-Net of quickstart-generation.

One thread. Passes are counted while the method runs: samples that go forward with a gradient, and then backward, and
samples that go forward alone. Their price is measured in turns with the method, on plain steps of the same batch size.
A ratio of 1 is a method that does nothing but its passes; a Hessian-vector product (LUR) counts as one forward and
backward pass, so that its second backward pass shows in the ratio.

    python benchmarks/generator_steps.py
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from history import Row, options, publish
from sklearn.datasets import load_digits
from torch import nn

from reunlearn.data.batches import Batch
from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.noise_prediction import NoisePrediction
from reunlearn.study.methods import fill
from reunlearn.study.recipes import Recipe
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import ArchitectureSpec, MethodSpec
from reunlearn.unlearning import registry
from reunlearn.unlearning.task import Task

CLASSES, FORGOTTEN, BATCH, TURNS = 10, 3, 32, 3
UNET = {"width": 16, "multipliers": "1-2", "blocks": 1, "attention": "4", "dropout": 0.0}
OBJECTIVE = NoisePrediction(CLASSES)
ROWS: list[tuple[str, Any, dict[str, Any]]] = [
    ("finetune", None, {"epochs": 1}),
    ("gradient_ascent", None, {"epochs": 4}),
    ("random_labels", "code", {"epochs": 1}),
    ("salun", "code", {"epochs": 1}),
    ("sfr_on", "code", {"steps": 30}),
    ("lur", None, {"epochs": 1}),
    ("scissorhands", None, {"epochs": 1}),
    ("esd", None, {"steps": 20}),
    (
        "selective_amnesia",
        None,
        {"steps": 30, "samples": 4, "sample_steps": 10, "fisher_samples": 1, "fisher_timesteps": 100},
    ),
]


@dataclass
class Passes:
    """Samples that went forward: with a gradient, and without one."""

    backward: int = 0
    forward: int = 0

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Count a forward pass."""
        if torch.is_grad_enabled():
            self.backward += len(inputs[0])
        else:
            self.forward += len(inputs[0])


def samples(index_N: np.ndarray) -> ImageSamples:
    """Return some of the digits."""
    bunch = load_digits()
    x = (bunch.images[index_N, None] * 15).astype(np.uint8)
    return ImageSamples(x, bunch.target[index_N], index_N, (0.5,), (0.5,))


def fresh(seed: int) -> nn.Module:
    """Return the U-Net."""
    return build(ArchitectureSpec(name="ddpm_unet", settings=UNET), (1, 8, 8), CLASSES, seed)


def prices(model: nn.Module, batch: Batch) -> tuple[float, float]:
    """Return the seconds per sample of a plain step and of a forward pass alone."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        OBJECTIVE.loss(model, batch, OBJECTIVE.draw(batch, generator)).backward()
        optimizer.step()

    def look() -> None:
        with torch.no_grad():
            OBJECTIVE.loss(model, batch, OBJECTIVE.draw(batch, generator))

    found = []
    for run in (step, look):
        run()
        began = time.perf_counter()
        for _ in range(10):
            run()
        found.append((time.perf_counter() - began) / 10 / len(batch))
    return found[0], found[1]


def turn(
    name: str, reading: Any, settings: dict[str, Any], sets: dict[str, Any]
) -> tuple[float, float, Passes]:
    """Return the seconds of a method, those of its passes, and these."""
    card = registry.card(name)
    chosen = {
        key: value for key, value in {"batch_size": BATCH, **settings}.items() if key in card.hyperparameters
    }
    method = registry.make(MethodSpec(name=name, reading=reading, settings=fill(card, reading, chosen)))
    model, passes = copy.deepcopy(fresh(0)), Passes()
    step, look = prices(copy.deepcopy(model).train(), sets["retain"].take(slice(0, BATCH)))
    model.register_forward_hook(passes)
    scenario = read_scenario({"kind": "class", "classes": [FORGOTTEN]})
    recipe = Recipe(epochs=1, batch_size=BATCH, learning_rate=1e-4, optimizer="adam")
    task = Task(
        sets, {"forget", "retain"}, OBJECTIVE, CLASSES, 0, recipe=recipe, fresh=fresh, scenario=scenario
    )
    began = time.perf_counter()
    method.unlearn(model, task)
    return time.perf_counter() - began, passes.backward * step + passes.forward * look, passes


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a figure for each method."""
    asked = options(__doc__).parse_args(arguments)
    torch.set_num_threads(1)
    index_N = np.arange(600)
    forget_N = load_digits().target[index_N] == FORGOTTEN
    sets = {"forget": samples(index_N[forget_N]), "retain": samples(index_N[~forget_N])}
    rows = []
    for name, reading, settings in ROWS[:1] if asked.quick else ROWS:
        turns = [turn(name, reading, settings, sets) for _ in range(1 if asked.quick else TURNS)]
        factor = statistics.median(taken / needed for taken, needed, _ in turns)
        seconds, passes = statistics.median(taken for taken, _, _ in turns), turns[0][2]
        details = {"seconds": seconds, "backward": passes.backward, "forward": passes.forward}
        rows.append(Row(f"{name}: time", factor, "passes", wanted=1.3, at_most=True, details=details))
    publish("generator_steps", rows, asked.quick)


if __name__ == "__main__":
    main()
