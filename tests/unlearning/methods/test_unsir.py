from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.unlearning.methods.unsir import UNSIR
from reunlearn.unlearning.task import Task
from tests.unlearning.methods.double_precision import make_samples, memorise
from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import CLASSES, NETWORKS, Recorder, assert_same, distance, make_sets
from tests.unlearning.methods.watched import watch

NOISE: dict[str, Any] = {"noise_images": 5, "noise_copies": 3, "noise_steps": 4}


def make_part(samples: Samples, chosen: torch.Tensor) -> Samples:
    """Return some samples of a set as a set."""
    part = copy.copy(samples)
    part.x_NHWC = samples.x_NHWC[chosen]
    part.y, part.index = samples.y[chosen], samples.index[chosen]
    return part


def class_sets(forgotten: tuple[int, ...] = (1,), count: int = 60) -> dict[str, Samples]:
    """Return 1-channel noise images: forget is all of some classes."""
    everything = make_sets(count, 1)["forget"]
    forget = torch.isin(everything.y, torch.tensor(forgotten))
    return {"forget": make_part(everything, forget), "retain": make_part(everything, ~forget)}


def learn(model: nn.Module, sets: dict[str, Samples], **settings: Any):
    """Return the noise that is learnt against the forgotten classes."""
    task = Task(sets, {"forget", "retain"}, Recorder(), CLASSES, 0)
    classes = sets["forget"].y.unique()
    return UNSIR(**{**NOISE, **settings}).learn_noise(model, task, classes)


def slow_noise(model: nn.Module, start: np.ndarray, label: int, steps: int) -> np.ndarray:
    """Return Adam's iterates on −CE + 0.1 mean‖N‖², the moments by hand."""
    noise, m, v = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for t in range(1, steps + 1):
        x = torch.from_numpy(noise).requires_grad_()
        loss = torch.zeros((), dtype=torch.float64)
        for log_p, image in zip(model(x).log_softmax(dim=1), x, strict=True):
            loss = loss + (log_p[label] + 0.1 * (image**2).sum()) / len(x)
        loss.backward()
        m = 0.9 * m + 0.1 * x.grad.numpy()
        v = 0.999 * v + 0.001 * x.grad.numpy() ** 2
        noise = noise - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return noise


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("noise_mode", ["train", "eval"])
def test_noise_equals_adam_by_hand(network: str, noise_mode: str) -> None:
    model, sets = NETWORKS[network](), class_sets((0, 2))
    start = learn(copy.deepcopy(model), sets, noise_steps=0)
    found = learn(copy.deepcopy(model), sets, noise_mode=noise_mode)
    assert start.y.tolist() == found.y.tolist() == [0] * 5 + [2] * 5
    slow = copy.deepcopy(model).train(noise_mode == "train")
    for label, rows in ((0, slice(0, 5)), (2, slice(5, 10))):
        expected = slow_noise(slow, start.x[rows].numpy(), label, 4)
        np.testing.assert_allclose(found.x[rows].numpy(), expected, rtol=0, atol=1e-9)
        assert np.abs(expected - start.x[rows].numpy()).max() > 0.1


def test_only_statistics_move_while_noise_is_learnt() -> None:
    model = NETWORKS["conv_net"]()
    for mode in ("train", "eval"):
        used = copy.deepcopy(model)
        learn(used, class_sets(), noise_mode=mode)
        assert distance(used, model) == 0
        assert all(p.grad is None for p in used.parameters())
        assert torch.equal(used[1].running_mean, model[1].running_mean) == (mode == "eval")


@pytest.mark.parametrize("network", NETWORKS)
def test_equals_descent_on_what_it_saw(network: str) -> None:
    model = NETWORKS[network]()
    settings = {**NOISE, "optimizer": "sgd", "learning_rate": 0.2, "repair_learning_rate": 0.1}
    settings |= {"noise_mode": "eval", "repair_batch_size": 7}
    unlearned, watcher, _ = watch("unsir", model, settings, sets=class_sets())
    seen = watcher.seen[4:]  # after the noise steps of one class
    impairing = -(-(15 + 40) // 4)
    expected = copy.deepcopy(model).train()
    optimizer = SlowSGD(expected, 0.9, 0.0)
    for step, one in enumerate(seen):
        if step == impairing:
            optimizer = SlowSGD(expected, 0.9, 0.0)
        optimizer.step(gradient(expected, mean_loss(expected, one)), 0.2 if step < impairing else 0.1)
    assert len(seen) == impairing + -(-40 // 7)
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-3


def test_what_impairs_and_what_repairs() -> None:
    sets = class_sets((1,))
    _, watcher, _ = watch("unsir", NETWORKS["two_layer"](), {**NOISE, "samples_per_class": 7}, sets=sets)
    seen = watcher.seen[4:]
    impairing = seen[: -(-(15 + 14) // 4)]
    noise = Counter(
        (image.numpy().tobytes(), int(label))
        for one in impairing
        for image, label, i in zip(one.batch.x, one.draw, one.batch.index, strict=True)
        if i < 0
    )
    assert sorted(noise.values()) == [3] * 5
    assert {label for _, label in noise} == {1}
    retained = [int(i) for one in impairing for i in one.batch.index if i >= 0]
    first = [i for label in (0, 2) for i in sets["retain"].index[sets["retain"].y == label][:7].tolist()]
    assert sorted(retained) == sorted(first)
    repairing = [int(i) for one in seen[len(impairing) :] for i in one.batch.index]
    assert sorted(repairing) == sorted(first)


def test_impairing_hurts_what_repair_restores() -> None:
    samples = make_samples(90, 4, labels=np.arange(90) % 3, augmentation=())
    model = memorise(_network(), samples)
    sets = {"forget": make_part(samples, samples.y == 1), "retain": make_part(samples, samples.y != 1)}
    settings = {"noise_steps": 40, "noise_copies": 8, "batch_size": 16, "learning_rate": 0.02}
    settings |= {"repair_learning_rate": 0.01, "repair_epochs": 3, "repair_batch_size": 16}
    repaired, _, _ = watch("unsir", model, settings, sets=sets)
    impaired, _, _ = watch("unsir", model, {**settings, "repair_epochs": 0}, sets=sets)
    assert loss(impaired, sets["retain"]) > loss(model, sets["retain"]) + 0.5
    assert loss(repaired, sets["retain"]) < 0.5 * loss(impaired, sets["retain"])


def test_noise_is_taken_for_any_class_but_its_own() -> None:
    samples = make_samples(90, 4, labels=np.arange(90) % 3, augmentation=())
    model = memorise(_network(), samples).eval()
    sets = {"forget": make_part(samples, samples.y == 1), "retain": make_part(samples, samples.y != 1)}
    start = learn(model, sets, noise_steps=0)
    found = learn(model, sets, noise_steps=25)
    with torch.no_grad():
        before, after = (nn.functional.cross_entropy(model(n.x), n.y).item() for n in (start, found))
    assert after > before + 3


def _network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 3)).double()


def loss(model: nn.Module, samples: Samples) -> float:
    batch = samples.take(slice(None))
    with torch.no_grad():
        return nn.functional.cross_entropy(model(batch.x), batch.y).item()
