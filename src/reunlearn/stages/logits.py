"""What a model says of a set: logits in large batches, in half precision."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.objectives.registry import Objective

EVALUATION_BATCH = {
    "cpu": 250,
    "cuda": 4000,
}  # on a CPU larger ones leave the caches: 2,000 took three times as long
HALF_MAX = float(np.finfo(np.float16).max)


@torch.inference_mode()
def logits(
    model: nn.Module, samples: Samples, objective: Objective, generator: torch.Generator | None = None
) -> np.ndarray:
    """Return logits [N, K] as float16, BatchNorm frozen; with augmentation when a generator is given.

    Finite values beyond half precision are clipped to its range; NaN stays NaN.
    """
    model.eval()
    size = EVALUATION_BATCH[samples.device.type]
    batches = samples.batches(size, generator, augmented=generator is not None)
    parts = [objective.outputs(model, batch).float() for batch in batches]
    return torch.cat(parts).clamp(-HALF_MAX, HALF_MAX).cpu().numpy().astype(np.float16)
