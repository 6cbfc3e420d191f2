"""How much memory a job is expected to take: what a cluster is asked for. A rough upper estimate, never a result."""

from __future__ import annotations

import math

from reunlearn.study.cards import DatasetCard
from reunlearn.study.recipes import Recipe

LIBRARIES_MIB = 1000  # torch, scikit-learn and their own buffers
COPIES = 2.5  # of the samples: as they lie in the file, of each set, of a batch
ACTIVATIONS = 150  # feature maps, gradients and optimizer state of a deep network, in inputs of float32
MIB = 2**20


def estimate(dataset: DatasetCard, recipe: Recipe) -> int:
    """Return MiB for training or evaluating on a dataset.

    Args:
        dataset: its card, with the size of its images.
        recipe: its batch size and what images are resized to.
    """
    if dataset.modality == "text":
        sample, inputs = 2 * dataset.shape[0], 4 * dataset.shape[0]
    else:
        sample = math.prod(dataset.shape)
        shape = (dataset.shape[0], recipe.resize, recipe.resize) if recipe.resize else dataset.shape
        inputs = 4 * math.prod(shape)
    samples = COPIES * (dataset.train + dataset.test) * sample
    batch = ACTIVATIONS * recipe.batch_size * inputs
    return LIBRARIES_MIB + math.ceil((samples + batch) / MIB / 100) * 100
