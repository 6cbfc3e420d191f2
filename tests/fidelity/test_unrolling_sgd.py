"""Unrolling SGD: ours equals the reference in both readings; the reference's step is known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.training.state.initial_weights import FILE
from reunlearn.training.tensor_files import save_model

from .batches import normal
from .closed_forms import ONE_HOT, WEIGHT, X, Y, probabilities
from .harness import Run, assert_equal, run
from .networks import NETS, fresh_network, linear
from .references import unrolling_sgd
from .references._samples import batches_of


def run_with_start(kind: str, reading: str, **settings: Any) -> tuple[Run, nn.Module]:
    """Return our run, and the network that training started from."""
    start = fresh_network(kind, 7)
    recipe = {"epochs": 3, "learning_rate": 0.02, "batch_size": 4}
    with TemporaryDirectory() as folder:
        save_model(start, Path(folder) / FILE)
        state = {"initial_weights": Path(folder)}
        return run(f"unrolling_sgd@{reading}", kind, settings, recipe=recipe, state=state), start


def compare_sum(kind: str) -> None:
    """At the final weights in training mode; rate, epochs and batch size are the original's."""
    ours, _ = run_with_start(kind, "code", scaling="sum")
    batches = ours.batches("forget")
    assert [len(y) for _, y in batches] == [4, 2]
    expected = unrolling_sgd.reference(
        ours.original(), {"forget": batches}, epochs=3, learning_rate=0.02, train_mode=True
    )
    seen = ours.original().train()  # the statistics follow, which the reference leaves to its caller
    for x, _ in batches:
        seen(x)
    for moved, buffer in zip(seen.buffers(), expected.buffers(), strict=True):
        buffer.copy_(moved)
    assert_equal(ours, expected)


def compare_paper(kind: str) -> None:
    """At the initial weights in evaluation mode: nothing but the step."""
    ours, start = run_with_start(kind, "paper", bn_mode="eval", epochs=5, learning_rate=0.01)
    data = {"forget": ours.batches("forget")}
    expected = unrolling_sgd.reference(ours.original(), data, epochs=5, learning_rate=0.01, gradient_at=start)
    assert_equal(ours, expected)


def compare_code(kind: str, size: int, combine: str) -> None:
    """Batches of one size averaged are the mean over all samples; one batch is the released code's."""
    ours, _ = run_with_start(kind, "code", bn_mode="eval", batch_size=size)
    data = {"forget": ours.batches("forget")}
    expected = unrolling_sgd.reference(ours.original(), data, epochs=3, learning_rate=0.02, combine=combine)
    assert_equal(ours, expected)


COMPARISONS: dict[str, Callable[[str], None]] = {
    "unrolling_sgd@paper": compare_paper,
    "unrolling_sgd@code": partial(compare_code, size=6, combine="first_batch"),
    "unrolling_sgd@code: two batches": partial(compare_code, size=3, combine="mean"),
    "unrolling_sgd@code: sum": compare_sum,
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_a_step_in_closed_form() -> None:
    model, slopes = linear(WEIGHT), (probabilities() - ONE_HOT).T
    unrolling_sgd.reference(model, {"forget": batches_of((X, Y), 4)}, epochs=3, learning_rate=0.1)
    total = slopes[:, :4] @ X[:4] / 4 + slopes[:, 4:] @ X[4:] / 3
    torch.testing.assert_close(model.weight.detach(), WEIGHT + 0.3 * total)


def test_the_loss_of_the_training() -> None:
    logits = normal(5, 3)
    loss = torch.nn.functional.cross_entropy(logits, Y[:5]) + 0.4 * logits.std(dim=1).mean()
    torch.testing.assert_close(unrolling_sgd.regularised_loss(logits, Y[:5], 0.4), loss)
