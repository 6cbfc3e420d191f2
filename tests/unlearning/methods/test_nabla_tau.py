"""∇τ against a slow loop; the forget term stops at the loss of held-out samples."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional

from reunlearn.unlearning.methods.nabla_tau import shortfall
from tests.unlearning.making import make
from tests.unlearning.methods.double_precision import (
    NETWORKS,
    ByHandAdamW,
    assert_same,
    conv_net,
    distance,
    gradient_by_tensor,
    make_samples,
    make_task,
    memorise,
    two_layers,
)

SETTINGS = {"epochs": 3, "learning_rate": 0.01, "batch_size": 5}


def sets() -> dict:
    forget = make_samples(13, seed=1, labels=[0, 1] * 6 + [0])
    return {"forget": forget, "retain": make_samples(22, seed=2), "validation": make_samples(30, seed=3)}


def reference(model, task, classes=(0, 1), inside_square=False, first=5 / 3 * 13 / 35, every=0):
    """Return the unlearned model by plain loops."""
    model = copy.deepcopy(model)
    optimizer = ByHandAdamW(model, weight_decay=0.01)
    steps = 3 * 5
    forget, retain = task.forget.stream(5, augmented=True), task.retain.stream(5, augmented=True)
    for step in range(steps):
        if step == 0 or (every and step % (every * 3) == 0):
            target = validation_loss(model, task, classes)
        alpha = first * (1 - step / (steps - 1))
        rate = 0.01 * (1 - 0.9 * step / (steps - 1))
        model.train()
        f, r = next(forget), next(retain)
        loss_f = functional.cross_entropy(model(f.x), f.y)
        loss_r = functional.cross_entropy(model(r.x), r.y)
        if inside_square or loss_f.item() < target:
            loss = alpha * (target - loss_f) ** 2 + (1 - alpha) * loss_r
        else:
            loss = (1 - alpha) * loss_r
        optimizer.step(gradient_by_tensor(model, loss), rate)
    return model


def validation_loss(model, task, classes) -> float:
    model.eval()
    losses = []
    for batch in task.validation._samples.batches(1):
        if int(batch.y) in classes:
            with torch.no_grad():
                losses.append(float(functional.cross_entropy(model(batch.x), batch.y)))
    return float(np.mean(losses))


def original(network: str):
    """Return a network that knows its training set, so that the forget loss starts below the target."""
    model = NETWORKS[network]()
    for name in ("forget", "retain"):
        memorise(model, sets()[name], steps=25)
    return model


def run(model, task=None, **settings):
    task = task or make_task("nabla_tau", sets(), {})
    return make("nabla_tau", None, SETTINGS | settings).unlearn(copy.deepcopy(model), task)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("every", [0, 2])
def test_equals_the_slow_loop(network: str, every: int) -> None:
    model = original(network)
    expected = reference(model, make_task("nabla_tau", sets(), {}), every=every)
    assert_same(run(model, recompute_every=every), expected)


def test_the_readings_that_were_not_taken_end_elsewhere() -> None:
    """The control: Algorithm 1's square, all classes, another first weight, a target that is taken anew."""
    model = original("conv_net")
    result = run(model)
    for other in ({"inside_square": True}, {"classes": (0, 1, 2)}, {"first": 0.2}, {"every": 1}):
        assert distance(result, reference(model, make_task("nabla_tau", sets(), {}), **other)) > 1e-6, other


def test_validation_classes_all_reads_the_equation_literally() -> None:
    model = original("two_layers")
    expected = reference(model, make_task("nabla_tau", sets(), {}), classes=(0, 1, 2))
    assert_same(run(model, validation_classes="all"), expected)


def test_a_fixed_first_weight() -> None:
    model = original("two_layers")
    expected = reference(model, make_task("nabla_tau", sets(), {}), first=0.5)
    assert_same(run(model, alpha=0.5, alpha_scaled=False), expected)


def test_no_gradient_on_forget_once_the_target_is_reached() -> None:
    for forget_loss, expected in ((0.2, -2 * (0.5 - 0.2)), (0.5, 0.0), (0.9, 0.0)):
        loss = torch.tensor(forget_loss, dtype=torch.float64, requires_grad=True)
        shortfall(loss, torch.tensor(0.5, dtype=torch.float64)).backward()
        assert float(loss.grad) == pytest.approx(expected, abs=1e-15)


def test_samples_drawn() -> None:
    task = make_task("nabla_tau", sets(), {})
    run(two_layers(), task)
    passes_over_forget = 15 // 3
    assert task.drawn() == {"forget": 13 * (passes_over_forget + 1), "retain": 3 * 22, "validation": 30}


def test_a_class_without_held_out_samples_is_named() -> None:
    lacking = sets() | {"validation": make_samples(6, seed=3, labels=[2] * 6)}
    with pytest.raises(ValueError, match=r"validation set has no sample of the classes \[0, 1\]"):
        run(conv_net(), make_task("nabla_tau", lacking, {}))
