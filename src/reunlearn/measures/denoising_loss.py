"""Denoising loss on forget, retain and test: how well a noise predictor knows the images of each set.

Every sample is seen under the same draws of noise and timestep for every model, so differences are the models'.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from reunlearn.measures.registry import Measured, MeasureInputs

SEED = 40_000  # of the draws of noise and timestep
BATCH = 250

_CARD = {
    "compares": "mean squared error of the predicted noise, under the same noise and timesteps for every model",
    "unit": "squared error per pixel",
    "direction": "closer to Retrain is better",
    "ideal": "Retrain's value",
    "source": "Ho et al. 2020, Eq. 14",
}
CARD: dict[str, Any] = {
    "title": "Denoising loss",
    **_CARD,
    "reads": ("network",),
    "capabilities": ("noise",),
    "settings": {"draws": 16},
    "numbers": {
        f"denoising_loss_{name}": {"title": f"Denoising loss, {name}", **_CARD}
        for name in ("forget", "retain", "test")
    },
    "headline": ("denoising_loss_forget", "denoising_loss_retain"),
    "default": False,
}


@torch.no_grad()
def run(inputs: MeasureInputs) -> Measured:
    """Measure denoising_loss_<set>, and size_<set>; `draws`: of noise and timestep per sample."""
    assert inputs.network is not None
    network, numbers = inputs.network, dict[str, float]()
    objective: Any = network.objective.without_drop()  # type: ignore[attr-defined]  # of objectives with noise
    network.model.eval()
    for name, samples in network.sets.items():
        generator, total = torch.Generator().manual_seed(SEED), 0.0
        for _ in range(int(inputs.settings["draws"])):
            for batch in samples.batches(BATCH):
                draw = objective.draw(batch, generator)
                losses_B = objective.per_sample_loss(network.model, batch, draw)
                total += float(losses_B.double().sum())
        numbers[f"denoising_loss_{name}"] = total / (len(samples) * int(inputs.settings["draws"]))
        numbers[f"size_{name}"] = len(samples)
    finite = all(np.isfinite(value) for value in numbers.values())
    return Measured(numbers, status="finished" if finite else "diverged")
