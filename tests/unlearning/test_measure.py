from __future__ import annotations

import pytest
import torch
from torch import nn

from reunlearn.unlearning.measure import accuracy
from reunlearn.unlearning.task import Task
from tests.unlearning.methods.small import CLASSES, NETWORKS, Recorder, make_sets


def slow_accuracy(model: nn.Module, samples, classes: set[int]) -> float:
    batch = samples.take(slice(None))
    guesses = model(batch.x).argmax(dim=1).tolist()
    right = [g == y for g, y in zip(guesses, batch.y.tolist(), strict=True) if y in classes]
    return sum(right) / len(right)


@pytest.mark.parametrize("classes", [{0}, {1, 2}, {0, 1, 2}])
def test_accuracy_of_some_classes(classes: set[int]) -> None:
    sets, model = make_sets(60, 9), NETWORKS["conv_net"]().eval()
    task = Task(sets, {"forget"}, Recorder(), CLASSES, 0)
    found = accuracy(model, task, task.forget, torch.tensor(sorted(classes)))
    assert found == pytest.approx(slow_accuracy(model, sets["forget"], classes))
    if len(classes) == CLASSES:
        assert found == accuracy(model, task, task.forget)


def test_classes_that_nobody_has_are_refused() -> None:
    task = Task(make_sets(), {"forget"}, Recorder(), CLASSES, 0)
    with pytest.raises(ValueError, match=r"forget set has no sample of the classes \[7\]"):
        accuracy(NETWORKS["two_layer"](), task, task.forget, torch.tensor([7]))
