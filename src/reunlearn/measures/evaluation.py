"""Accuracy, loss and entropy on forget, retain, validation, test, and what earlier steps forgot: true labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from reunlearn.measures._logits import logits
from reunlearn.measures._numbers import EVALUATION
from reunlearn.measures.registry import Measured, MeasureInputs, Network, Table
from reunlearn.metrics.classification import accuracy, cross_entropy, entropy
from reunlearn.metrics.confusion import confusion
from reunlearn.metrics.divergence import zrf, zrf_released
from reunlearn.metrics.histograms import counts_of
from reunlearn.metrics.masked import masked
from reunlearn.metrics.outputs import LEFT_OUT, Outputs
from reunlearn.metrics.separation import auc

INCOMPETENT_SEED = 30_000  # of the untrained network that ZRF compares with
AUGMENTED_SETS = ("forget", "retain")  # what GDR-GMA measures with the training augmentation on
AUGMENTATION_SEED = 0
SAMPLED_SETS = ("forget", "test")  # whose samples are told from each other
Quantities = Mapping[str, Mapping[str, np.ndarray]]  # loss and entropy: of each set, a value per sample

CARD: dict[str, Any] = {
    "title": "Evaluation",
    "compares": "what the model answers on each set with the true labels",
    "unit": "per cent right; mean loss and entropy in nats",
    "direction": "closer to Retrain is better",
    "ideal": "Retrain's values",
    "reads": ("network",),
    "capabilities": ("outputs",),
    "headline": ("accuracy_forget", "accuracy_retain", "accuracy_test"),
    "numbers": EVALUATION,
    "default": True,
}


def run(inputs: MeasureInputs) -> Measured:
    """Measure every set.

    Arrays: <set>_logits [N, K] float16, <set>_labels [N], <set>_index [N] per set; under the training augmentation
    <set>_augmented_predicted [N], the class that is answered, and <set>_augmented_entropy [N]. Tables: `samples`, loss
    and entropy of each forget and test sample; `histograms`, how many of them lie in each bin of metrics/histograms.py,
    of forget also by the entropy over the remaining classes, where classes are forgotten whole; `classes`, true and
    predicted classes per set. Where a logit is not finite, a set has no accuracy and no predicted classes.
    """
    assert inputs.network is not None
    network = inputs.network
    outputs = Outputs(
        {name: logits(network.model, samples, network.objective) for name, samples in network.sets.items()},
        {name: samples.y.cpu().numpy() for name, samples in network.sets.items()},
        {name: samples.index.cpu().numpy() for name, samples in network.sets.items()},
    )
    losses = {name: cross_entropy(outputs.logits[name], outputs.labels[name]) for name in outputs.logits}
    entropies = {name: entropy(logits_NK) for name, logits_NK in outputs.logits.items()}
    quantities: Quantities = {"loss": losses, "entropy": entropies}
    numbers = _of_sets(outputs, quantities)
    augmented = _augmented(network)
    for name, logits_NK in augmented.items():
        numbers[f"accuracy_{name}_augmented"] = accuracy(logits_NK, outputs.labels[name])
    predicted = _predicted(augmented)
    outputs.augmented_entropy.update((name, entropy(logits_NK)) for name, logits_NK in augmented.items())
    numbers |= _against_incompetent(network, outputs.logits["forget"])
    numbers |= _of_scenario(outputs, network.split) | told_apart(quantities)
    counted = dict(quantities)
    if len(network.split["forgotten_classes"]):
        remaining = masked(outputs, network.split["forgotten_classes"])
        numbers |= remaining.numbers
        counted["entropy_masked"] = {"forget": remaining.entropies}
    return Measured(
        numbers,
        {**outputs.arrays(), **{f"{name}_augmented_predicted": array for name, array in predicted.items()}},
        {
            "samples": table_of_samples(outputs, quantities),
            "histograms": table_of_histograms(counted),
            "classes": table_of_classes(outputs, predicted),
        },
        "finished" if outputs.finite and len(predicted) == len(augmented) else "diverged",
    )


def _of_sets(outputs: Outputs, quantities: Quantities) -> dict[str, float]:
    """Return accuracy, mean loss, mean entropy and size of each set, and how far forget and test accuracy are apart."""
    numbers: dict[str, float] = {}
    for name, logits_NK in outputs.logits.items():
        numbers[f"accuracy_{name}"] = accuracy(logits_NK, outputs.labels[name])
        numbers |= {f"{quantity}_{name}": float(of[name].mean()) for quantity, of in quantities.items()}
        numbers[f"size_{name}"] = len(logits_NK)
    numbers["forget_test_gap"] = abs(numbers["accuracy_forget"] - numbers["accuracy_test"])
    return numbers


def _augmented(network: Network) -> dict[str, np.ndarray]:
    """Return the logits [N, K] under the training augmentation; nothing where there is none.

    One seeded draw per image.
    """
    if not network.recipe.augmentation:
        return {}
    answered = {}
    for name in AUGMENTED_SETS:
        generator = torch.Generator().manual_seed(AUGMENTATION_SEED)
        answered[name] = logits(network.model, network.sets[name], network.objective, generator)
    return answered


def _predicted(answered: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the class [N] that is answered on each set; a set with a logit that is not finite is left out."""
    return {
        name: logits_NK.argmax(axis=1).astype(np.int16)
        for name, logits_NK in answered.items()
        if np.isfinite(logits_NK).all()
    }


def _against_incompetent(network: Network, logits_NK: np.ndarray) -> dict[str, float]:
    """Return ZRF, in both definitions: how alike the model and an untrained network are on forget."""
    untrained = network.random_model(INCOMPETENT_SEED)
    incompetent_NK = logits(untrained, network.sets["forget"], network.objective)
    return {
        "zrf": zrf(logits_NK, incompetent_NK),
        "zrf_released": zrf_released(logits_NK, incompetent_NK),
    }


def _of_scenario(outputs: Outputs, split: dict[str, np.ndarray]) -> dict[str, float]:
    """Return what only some scenarios have.

    Whole (sub-)classes forgotten: accuracy on the test samples of these, and of the others. Wrong labels taught:
    how often the model still answers what it was taught on a forget sample.
    """
    numbers = {}
    if LEFT_OUT in outputs.logits:  # measured as a set of its own
        numbers["accuracy_test_retained"] = accuracy(outputs.logits["test"], outputs.labels["test"])
    gone = np.isin(outputs.index["test"], split["test_forgotten"])
    for name, rows in (("forgotten", gone), ("retained", ~gone)):
        if gone.any() and rows.any():
            numbers[f"accuracy_test_{name}"] = accuracy(
                outputs.logits["test"][rows], outputs.labels["test"][rows]
            )
    taught = dict(zip(split["taught_index"].tolist(), split["taught_label"].tolist(), strict=True))
    if taught:
        labels_N = np.array([taught[number] for number in outputs.index["forget"].tolist()])
        numbers["accuracy_forget_taught"] = accuracy(outputs.logits["forget"], labels_N)
    return numbers


def told_apart(quantities: Quantities) -> dict[str, float]:
    """Return loss_auc and entropy_auc: the chance that a forget sample has the lower value of the two, ties one half.

    NaN where a value is not finite.
    """
    numbers = {}
    for quantity, values in quantities.items():
        forget_N, test_M = (values[name] for name in SAMPLED_SETS)
        finite = bool(np.isfinite(forget_N).all() and np.isfinite(test_M).all())
        numbers[f"{quantity}_auc"] = auc(-forget_N, -test_M) if finite else float("nan")
    return numbers


def table_of_samples(outputs: Outputs, quantities: Quantities) -> Table:
    """Return each quantity of each forget and test sample."""
    sizes = [len(outputs.index[name]) for name in SAMPLED_SETS]
    samples: Table = {
        quantity: np.concatenate([values[name] for name in SAMPLED_SETS]).astype(np.float32)
        for quantity, values in quantities.items()
    }
    samples["index"] = np.concatenate([outputs.index[name] for name in SAMPLED_SETS]).astype(np.int32)
    samples["set"] = np.repeat(SAMPLED_SETS, sizes)
    return samples


def table_of_histograms(quantities: Quantities) -> Table:
    """Return how many forget and test samples lie in each bin of a quantity, of each set that has it; no empty bins."""
    parts = []
    for quantity, values in quantities.items():
        for name in SAMPLED_SETS:
            if name not in values:
                continue
            counts_B = counts_of(values[name])
            (bins,) = np.nonzero(counts_B)
            parts.append((np.full(len(bins), quantity), np.full(len(bins), name), bins, counts_B[bins]))
    quantity_H, set_H, bin_H, count_H = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return {
        "quantity": quantity_H,
        "set": set_H,
        "bin": bin_H.astype(np.int16),
        "count": count_H.astype(np.int32),
    }


def table_of_classes(outputs: Outputs, augmented: dict[str, np.ndarray]) -> Table:
    """Return how many samples of a class are taken for a class: all pairs that occur of forget, else the right ones.

    A class that a set holds has a line for its right answers even if there are none: accuracies follow. Sets that
    were also measured under augmentation have lines of their own as forget_augmented, retain_augmented. A set with a
    logit that is not finite has no line.
    """
    predicted = {name: (array, name) for name, array in _predicted(outputs.logits).items()}
    predicted |= {f"{name}_augmented": (array, name) for name, array in augmented.items()}
    classes, nothing = outputs.logits["forget"].shape[-1], np.empty(0, dtype=np.int32)
    parts: list[tuple[np.ndarray, ...]] = [(nothing, nothing, nothing, nothing, nothing.astype(str))]
    for name, (predicted_N, labelled) in predicted.items():
        counts_KK = confusion(predicted_N, outputs.labels[labelled], classes)
        sizes_K = counts_KK.sum(axis=1)
        shown_KK = np.diag(sizes_K > 0) | ((counts_KK > 0) & (name == "forget"))
        label, answer = np.nonzero(shown_KK)
        parts.append((label, answer, counts_KK[label, answer], sizes_K[label], np.full(len(label), name)))
    columns = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    names = ("true_class", "predicted", "samples", "of")
    return {n: c.astype(np.int32) for n, c in zip(names, columns[:4], strict=True)} | {"set": columns[4]}
