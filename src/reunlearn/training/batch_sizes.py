"""How many samples go through a network at once where it only answers and learns nothing.

On a CPU the number is fixed: the last bits of sums depend on it. On a GPU it falls with the size of the samples, as a
network's maps grow with the number of places that it computes for: pixels of an image, tokens of a text.
"""

from __future__ import annotations

from dataclasses import dataclass

from reunlearn.data.batches import Samples


@dataclass(frozen=True)
class Most:
    """The largest number of samples per batch for one purpose."""

    cpu: int
    gpu: int


# of outputs that are written; on a CPU larger batches leave the caches: 2,000 took three times as long
EVALUATION = Most(cpu=128, gpu=4000)
MEASURING = Most(cpu=1000, gpu=1000)  # of what a method looks up on its way: losses, guesses, labels
PLACES = 4000 * 32 * 32  # pixels in one batch on a GPU, at most: 4,000 images of 32×32, 81 of 224×224


def batch_size(most: Most, samples: Samples) -> int:
    """Return the number of samples per batch for a set on its device."""
    on_cpu = samples.device.type == "cpu"
    return most.cpu if on_cpu else min(most.gpu, fitting(samples.places))


def fitting(places_each: int) -> int:
    """Return how many samples of so many places fit into a batch on a GPU; at least one."""
    return max(1, PLACES // places_each)
