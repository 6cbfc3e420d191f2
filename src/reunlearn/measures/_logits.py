"""What a model says of a set: logits in large batches, in half precision."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.objectives.registry import Objective
from reunlearn.training.batch_sizes import EVALUATION, batch_size

HALF_MAX = float(np.finfo(np.float16).max)


@torch.inference_mode()
def logits(
    model: nn.Module, samples: Samples, objective: Objective, generator: torch.Generator | None = None
) -> np.ndarray:
    """Return logits [N, K] as float16, BatchNorm frozen; with augmentation when a generator is given.

    Finite values beyond half precision are clipped to its range. NaN and infinity stay: such a model has diverged.
    """
    model.eval()
    size = batch_size(EVALUATION, samples)
    batches = samples.batches(size, generator, augmented=generator is not None)
    logits_NK = torch.cat([objective.outputs(model, batch).float() for batch in batches])
    clipped_NK = torch.where(logits_NK.isinf(), logits_NK, logits_NK.clamp(-HALF_MAX, HALF_MAX))
    return clipped_NK.cpu().numpy().astype(np.float16)
