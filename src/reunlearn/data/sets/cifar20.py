"""CIFAR-20: the images of CIFAR-100 with its 20 coarse labels; the hundred fine ones are the sub-classes."""

from __future__ import annotations

from dataclasses import replace

from reunlearn.data.sets import cifar100
from reunlearn.data.sets.registry import Arrays, Source

NAMES = """
    aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
    household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes
    large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals
    trees vehicles_1 vehicles_2
"""


def load(source: Source) -> Arrays:
    """Return the official files with the coarse labels; the fine labels are the sub-classes."""
    (train_x, train_y, train_fine), (test_x, test_y, test_fine) = cifar100.read_both(source)
    return Arrays(train_x, train_y, test_x, test_y, train_fine=train_fine, test_fine=test_fine)


CARD = replace(
    cifar100.CARD,
    name="cifar20",
    summary="the images of CIFAR-100 in 20 classes of five sub-classes each",
    classes=tuple(NAMES.split()),
    fine_classes=cifar100.CLASSES,
    load=load,
)
