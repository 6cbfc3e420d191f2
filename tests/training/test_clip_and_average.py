"""What a recipe adds to plain steps: gradients that are clipped, and the average of the weights that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from reunlearn.objectives.classification import Classification
from reunlearn.training.loop import train
from reunlearn.training.optimizers import make_optimizer
from tests.training.small_training import RECIPE, changed, fresh, make_samples


def test_clipping_is_of_the_gradient_of_all_weights() -> None:
    norms: list[float] = []
    for clip in (0.05, 0.0):
        norms.clear()
        optimizer = make_optimizer(changed({"clip": clip}), (model := fresh()).parameters())
        optimizer.register_step_pre_hook(lambda made, *_: noted_norms(made, norms))
        batch = make_samples(RECIPE).take(slice(0, 16))
        Classification(4).loss(model, batch, batch.y).backward()
        optimizer.step()
        assert (norms[0] <= 0.05 * (1 + 1e-4)) == bool(clip)


def noted_norms(optimizer: torch.optim.Optimizer, norms: list[float]) -> None:
    """Note the norm of all gradients together, after the hooks before this one."""
    grads = [p.grad for group in optimizer.param_groups for p in group["params"]]
    norms.append(float(torch.linalg.vector_norm(torch.stack([g.norm() for g in grads]))))


def test_what_is_kept_is_the_average_over_the_steps() -> None:
    """Of plain SGD: the weights after each step, averaged in a loop; the first step begins the average."""
    recipe = changed({"average": 0.5, "epochs": 1, "augmentation": ()})
    seen: list[list[torch.Tensor]] = []
    model = fresh()

    @contextmanager
    def around(batch: Any) -> Iterator[None]:
        yield
        seen.append([p.detach().clone() for p in model.parameters()])

    train(model, make_samples(recipe), Classification(4), recipe, 3, around=around)
    expected = seen[0]
    for weights in seen[1:]:
        expected = [0.5 * mean + 0.5 * weight for mean, weight in zip(expected, weights, strict=True)]
    for mean, parameter in zip(expected, model.parameters(), strict=True):
        torch.testing.assert_close(parameter.detach(), mean)
    assert not torch.equal(seen[-1][0], expected[0]), "control: the last weights are others"
