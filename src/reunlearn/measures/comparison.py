"""How far a model lies from the original and from Retrain: outputs sample by sample, and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import wasserstein_distance

from reunlearn.measures._numbers import COMPARISON
from reunlearn.measures.registry import Measured, MeasureInputs
from reunlearn.metrics.classification import entropy
from reunlearn.metrics.divergence import divergences
from reunlearn.metrics.margins import klom, margins
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.weight_distance import distance

SETS = ("forget", "test")

CARD: dict[str, Any] = {
    "title": "Comparison",
    "compares": "outputs with Retrain's, weights with Retrain's and the original's; Retrain itself with a second "
    "retrained model",
    "unit": "nats, or Euclidean distance",
    "direction": "closer to Retrain is better",
    "ideal": "the noise floor's values",
    "reads": ("outputs", "reference", "weights"),
    "capabilities": ("outputs",),
    "optional_pools": ("unlearned", "without_forget"),
    "numbers": COMPARISON,
    "default": True,
}


def run(inputs: MeasureInputs) -> Measured:
    """Compare; without Retrain only the weights with the original's."""
    assert inputs.outputs is not None
    numbers: dict[str, float | None] = {}
    if inputs.reference is not None:
        numbers |= _outputs(inputs.outputs, inputs.reference)
    for name in ("original", "retrain"):
        if name in inputs.weights:
            apart = distance(inputs.weights["model"], inputs.weights[name])
            if apart is not None:  # two architectures have no distance
                numbers[f"weight_distance_{name}"], numbers[f"relative_weight_distance_{name}"] = apart
    if inputs.pools:
        numbers |= _margins(inputs)
    return Measured(numbers)


def _outputs(outputs: Outputs, reference: Outputs) -> dict[str, float]:
    """Return divergences from Retrain's outputs; nothing where outputs are not finite."""
    pairs = {name: (reference.logits[name], outputs.logits[name]) for name in SETS}
    if not all(np.isfinite(array).all() for pair in pairs.values() for array in pair):
        return {}
    numbers: dict[str, float] = {}
    for name, (reference_NK, model_NK) in pairs.items():
        numbers |= {f"{kind}_{name}": value for kind, value in divergences(reference_NK, model_NK).items()}
    entropies = [entropy(logits_NK) for logits_NK in pairs["forget"]]
    return {
        **numbers,
        "d_kl": numbers["kl_forget"],
        "entropy_distance_forget": float(wasserstein_distance(*entropies)),
    }


def _margins(inputs: MeasureInputs) -> dict[str, float]:
    """Return KLoM over forget of the row's unlearned models against retrained ones, and the floor for so few models.

    The floor holds one half of the retrained models against the other; nothing where outputs are not finite.
    """
    assert inputs.outputs is not None
    sides = {}
    for kind in ("unlearned", "without_forget"):
        logits_MNK = inputs.pools[kind].of(inputs.outputs.index["forget"])[0]
        if not np.isfinite(logits_MNK).all():
            return {}
        sides[kind] = margins(logits_MNK, inputs.outputs.labels["forget"])
    retrained_RN = sides["without_forget"]
    numbers = {"klom_forget": float(klom(sides["unlearned"], retrained_RN).mean())}
    if len(retrained_RN) >= 4:
        numbers["klom_floor_forget"] = float(klom(retrained_RN[::2], retrained_RN[1::2]).mean())
    return numbers
