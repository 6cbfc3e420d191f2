from __future__ import annotations

import torch

from reunlearn.unlearning.class_labels import first_of_each, labels_in
from reunlearn.unlearning.task import GuardedSet
from tests.unlearning.methods.small import make_sets


def slow_first_of_each(labels: list[int], count: int) -> list[int]:
    seen: dict[int, int] = {}
    places = []
    for place, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= count:
            places.append(place)
    return places


def test_first_of_each_equals_a_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    for size in (0, 1, 7, 60):
        labels = torch.randint(0, 5, (size,), generator=generator)
        for count in (1, 3, 100):
            assert first_of_each(labels, count).tolist() == slow_first_of_each(labels.tolist(), count)


def test_labels_come_in_the_order_of_the_set_and_are_counted() -> None:
    samples = make_sets()["retain"]
    guarded = GuardedSet("retain", samples, torch.Generator())
    assert torch.equal(labels_in(guarded), samples.y)
    assert guarded.drawn == len(samples)
