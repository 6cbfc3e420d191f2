"""Measures: what is measured on a model, one file each; the file's name is the measure's name everywhere.

A file has `CARD`, a definition card, and `run(inputs)`, which returns what was measured. An attack (`attacks/NAME.py`)
is a measure, too: `_attack.py` gives it this form.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reunlearn.metrics.outputs import Outputs, Pool
from reunlearn.study.catalogue import plugin_names

if TYPE_CHECKING:
    from torch import nn

    from reunlearn.data.batches import Samples
    from reunlearn.data.images import ImageSamples
    from reunlearn.objectives.registry import Objective
    from reunlearn.study.recipes import Recipe

Weights = dict[str, np.ndarray]


@dataclass(frozen=True)
class Network:
    """The model itself, with its data. For measures whose card reads `network`.

    Attributes:
        model: on the device, with the run's weights.
        sets: forget, retain, test and, where there are such, validation and earlier; true labels.
        objective: of the task, without smoothed labels.
        training_objective: with the recipe's smoothed labels.
        recipe: of the original.
        split: what the stage split wrote; see stages/split.py.
        samples: gives the samples with these official training numbers.
        random_model: gives an untrained network, by seed.
    """

    model: nn.Module
    sets: dict[str, Samples]
    objective: Objective
    training_objective: Objective
    recipe: Recipe
    split: dict[str, np.ndarray]
    samples: Callable[[np.ndarray], Samples]
    random_model: Callable[[int], nn.Module]


@dataclass(frozen=True)
class Drawn:
    """What a generator drew, beside real images and what says what images show. For measures whose card reads
    `classifier`.

    Attributes:
        classifier: says what images show; on the device, in evaluation mode.
        objective: of the classifier.
        samples: as the classifier sees them; y is the class that was asked for.
        training, test: the dataset's own images, of all classes.
        forgotten: numbers of the classes that are forgotten.
        class_names: of the dataset.
        weights: SHA-256 of the classifier's weights.
    """

    classifier: nn.Module
    objective: Objective
    samples: ImageSamples
    training: ImageSamples
    test: ImageSamples
    forgotten: np.ndarray
    class_names: tuple[str, ...]
    weights: str


@dataclass(frozen=True)
class MeasureInputs:
    """What a measure reads: of each, what its card asks for.

    Attributes:
        settings: of the measure.
        seed: of its draws.
        network: the model itself.
        images: what the model draws, where it is a generator: [N, C, H, W], uint8, memory-mapped.
        drawn: the same, judged by a classifier.
        outputs: what the model answers.
        reference: what Retrain answers; the noise floor for Retrain itself; None where there is none.
        original: what the original answers.
        pools: shadow models by kind.
        weights: of `model`, `original` and `retrain`, as far as there are such.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    network: Network | None = None
    images: np.ndarray | None = None
    drawn: Drawn | None = None
    outputs: Outputs | None = None
    reference: Outputs | None = None
    original: Outputs | None = None
    pools: Mapping[str, Pool] = field(default_factory=dict)
    weights: Mapping[str, Weights] = field(default_factory=dict)


Table = dict[str, np.ndarray]  # columns of one length


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        numbers: by name; None where a number does not exist.
        arrays: by name, for other measures to read.
        tables: tidy tables of a line per sample, class or score, gathered over all runs of the study.
        status: `diverged` when the model's outputs are not finite.
        facts: for the record.
    """

    numbers: Mapping[str, float | None]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    status: Literal["finished", "diverged"] = "finished"
    facts: Mapping[str, Any] = field(default_factory=dict)


Measure = Callable[[MeasureInputs], Measured]


def get(name: str) -> Measure:
    """Return the function that measures."""
    measure: Measure
    if name in plugin_names("measures"):
        measure = importlib.import_module(f"reunlearn.measures.{name}").run
    else:
        measure = importlib.import_module("reunlearn.measures._attack").as_measure(name)
    return measure


def card(name: str) -> dict[str, Any]:
    """Return what the catalogue tells of a measure that is no attack."""
    module = importlib.import_module(f"reunlearn.measures.{name}")
    summary = (module.__doc__ or "").strip().splitlines()[0]
    return {"name": name, "summary": summary, **module.CARD}
