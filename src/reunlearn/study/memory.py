"""How much memory a job is expected to take: what a cluster is asked for. A rough upper estimate, never a result."""

from __future__ import annotations

import math

from reunlearn.study.cards import DatasetCard
from reunlearn.study.generator_memory import Size
from reunlearn.study.recipes import Recipe

LIBRARIES_MIB = 1000  # torch, scikit-learn and their own buffers
COPIES = 2.5  # of the samples: as they lie in the file, of each set, of a batch
ACTIVATIONS = 150  # feature maps, gradients and optimizer state of a deep network, in inputs of float32
SETS = 6  # of a generator's parameters: weights, gradient, Adam's two moments, two that a method adds
SAMPLED = 128  # samples of a generator that are drawn together: TOGETHER in stages/sample.py
LARGEST = 16 * 2**30  # bytes of samples: sets for which that is too little stay on disk (data/storage.py)
FLOAT = 4  # bytes
MIB = 2**20


def estimate(
    dataset: DatasetCard, recipe: Recipe, generator: Size | None = None, guided: bool = False
) -> int:
    """Return MiB for training or evaluating on a dataset.

    Args:
        dataset: its card, with the size of its images.
        recipe: its batch size and what images are resized to.
        generator: size of the network, where it is one; the batch is then known better.
        guided: whether its samples are: each is then computed twice.
    """
    if dataset.modality == "text":
        sample, inputs = 2 * dataset.shape[0], 4 * dataset.shape[0]
    else:
        sample = math.prod(dataset.shape)
        shape = (dataset.shape[0], recipe.resize, recipe.resize) if recipe.resize else dataset.shape
        inputs = 4 * math.prod(shape)
    samples = min(LARGEST, COPIES * (dataset.train + dataset.test) * sample)
    batch: float = ACTIVATIONS * recipe.batch_size * inputs
    if generator is not None:
        training = SETS * generator.parameters + recipe.batch_size * generator.kept
        sampling = generator.parameters + SAMPLED * (1 + guided) * generator.live
        batch = FLOAT * (max(training, sampling) + generator.other)
    return LIBRARIES_MIB + math.ceil((samples + batch) / MIB / 100) * 100
