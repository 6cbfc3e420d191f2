"""Small sets and networks in float64, for comparisons with slow references to nine digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.batches import Batch, Samples
from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import Classification
from reunlearn.study.methods import fill, holds
from reunlearn.unlearning.registry import card
from reunlearn.unlearning.task import Task

CLASSES = 3


class DoubleSamples(ImageSamples):
    """Samples whose batches are float64."""

    def take(self, rows, generator=None) -> Batch:
        batch = super().take(rows, generator)
        return Batch(batch.x.double(), batch.y, batch.index)


def make_samples(count: int, seed: int, labels=None, augmentation: tuple[str, ...] = ("flip",)) -> Samples:
    """Return `count` random 2-channel 4×4 images whose brightness tells a little of their class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, count) if labels is None else np.asarray(labels)
    x = rng.integers(0, 180, (count, 2, 4, 4)) + 30 * y[:, None, None, None]
    changes = Augmentation(augmentation)
    return DoubleSamples(
        x.astype(np.uint8), y, np.arange(count), (0.4, 0.4), (0.3, 0.3), augmentation=changes
    )


def two_layers() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(32, 6), nn.Tanh(), nn.Linear(6, CLASSES)).double()


def conv_net() -> nn.Module:
    torch.manual_seed(1)
    body = [nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.Tanh()]
    return nn.Sequential(*body, nn.Conv2d(4, 3, 2), nn.Flatten(), nn.Linear(3, CLASSES)).double()


NETWORKS = {"two_layers": two_layers, "conv_net": conv_net}


def memorise(model: nn.Module, samples: Samples, steps: int = 60) -> nn.Module:
    """Train `model` on the samples for a while and return it."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    model.train()
    batch = samples.take(slice(None))
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(batch.x), batch.y).backward()
        optimizer.step()
    return model


def make_task(name: str, sets: dict[str, Samples], settings: dict, seed: int = 5, **more) -> Task:
    """Return a task that gives what the method declares under these settings."""
    method_card = card(name)
    filled = fill(method_card, None, settings)
    declared = {s for s in ("forget", "retain", "validation") if holds(getattr(method_card.needs, s), filled)}
    return Task(sets, declared, Classification(CLASSES), CLASSES, seed, **more)


def assert_same(model: nn.Module, reference: nn.Module, within: float = 1e-9) -> None:
    """Compare weights and buffers."""
    assert distance(model, reference) <= within


def distance(model: nn.Module, reference: nn.Module) -> float:
    """Return the largest difference of a weight or buffer."""
    pairs = zip(model.state_dict().values(), reference.state_dict().values(), strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


class ByHandAdamW:
    """AdamW in plain numpy: one dictionary of moments, one formula."""

    def __init__(self, model: nn.Module, weight_decay: float) -> None:
        self.parameters = list(model.parameters())
        self.weight_decay, self.steps = weight_decay, 0
        self.m = [np.zeros(p.numel()) for p in self.parameters]
        self.v = [np.zeros(p.numel()) for p in self.parameters]

    def step(self, gradients: list[np.ndarray], rate: float) -> None:
        self.steps += 1
        for i, (p, g) in enumerate(zip(self.parameters, gradients, strict=True)):
            self.m[i] = 0.9 * self.m[i] + 0.1 * g
            self.v[i] = 0.999 * self.v[i] + 0.001 * g * g
            m_hat, v_hat = self.m[i] / (1 - 0.9**self.steps), self.v[i] / (1 - 0.999**self.steps)
            w = p.detach().numpy().reshape(-1)
            w = w - rate * self.weight_decay * w - rate * m_hat / (np.sqrt(v_hat) + 1e-8)
            with torch.no_grad():
                p.copy_(torch.from_numpy(w).view_as(p))


def gradient_by_tensor(model: nn.Module, loss: torch.Tensor) -> list[np.ndarray]:
    """Return the gradient of each parameter as a flat numpy vector."""
    model.zero_grad()
    loss.backward()
    return [p.grad.numpy().reshape(-1).copy() for p in model.parameters()]


def write_state(folder: Path, model: nn.Module, samples: Samples) -> dict[str, Path]:
    """Write the moments of the layer inputs and return what a task takes as state."""
    from reunlearn.training.state import layer_inputs
    from tests.training.state.requests import request

    layer_inputs.write(request(folder, model, samples, CLASSES, seed=3))
    return {"layer_inputs": folder}
