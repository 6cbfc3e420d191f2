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

# the class of each sub-class, as the official files have it; a listing shows it
SUPER_CLASSES = (
    4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11,
    6, 11, 5, 10, 7, 6, 13, 15, 3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5,
    5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4, 2, 0, 17, 4, 18, 17,
    10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13,
    16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13,
)  # fmt: skip


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
