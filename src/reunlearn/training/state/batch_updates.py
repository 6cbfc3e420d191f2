"""What the training steps on batches with samples to forget did to the weights, summed over the whole training.

    Σ_{b : batch b holds a forget sample}  θ_{b+1} − θ_b

Amnesiac machine learning (Graves et al. 2021). The original's training is replayed and watched (training/replay.py),
so one sum is kept instead of a difference per batch, and training need not know what will be forgotten. A
difference holds all that the optimizer did in that step: momentum and weight decay, too. Batches that also hold a
sample of an earlier step of a chain are left out: that step has taken them back.

Every floating-point entry of the state is summed, BatchNorm's statistics among them, in float64: differences of
float32 weights are exact there, and so are their sums but for a few bits. The method says which entries it uses.
The replay cannot be resumed. It costs one training; beside it, two copies of the weights are held.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.training.replay import replay
from reunlearn.training.state.registry import FILE, StateRequest
from reunlearn.training.tensor_files import read_tensors, write_tensors

PER_SPLIT = OF_TRAINING = True


def write(request: StateRequest) -> dict[str, Any]:
    """Write state.safetensors; tell how many steps were summed, and how well the replay met the original."""
    model = request.start(request.seed)
    updates = BatchUpdates(model, request.forget, request.earlier)
    facts = replay(request, model, updates.around)
    write_tensors(request.folder / FILE, updates.totals)
    return {**facts, "batches_summed": updates.summed, "batches": updates.seen}


def read(folder: Path) -> dict[str, Tensor]:
    """Return {name in the state_dict: summed change}, float64, on the CPU."""
    return read_tensors(folder / FILE)


class BatchUpdates:
    """Sums the changes of a model's state over the steps on some batches.

    Args:
        model: is watched.
        forget: official numbers; batches that hold one of them are summed. None sums all batches.
        earlier: batches that hold one of these are not.
    """

    def __init__(
        self, model: nn.Module, forget: np.ndarray | None = None, earlier: np.ndarray | None = None
    ) -> None:
        self.model, self.forget = model, forget
        self.earlier = np.empty(0, dtype=np.int64) if earlier is None else earlier
        self.totals = {name: torch.zeros_like(t, dtype=torch.float64) for name, t in self._state().items()}
        self.seen = self.summed = 0

    @contextmanager
    def around(self, batch: Batch) -> Iterator[None]:
        """Add what happens to the model inside the context, if the batch is one of those to sum."""
        self.seen += 1
        index = batch.index.cpu().numpy()
        held = self.forget is None or np.isin(index, self.forget).any()
        if not held or np.isin(index, self.earlier).any():
            yield
            return
        before = {name: t.clone() for name, t in self._state().items()}
        yield
        for name, after in self._state().items():
            self.totals[name] += after.double() - before[name].double()
        self.summed += 1

    def _state(self) -> dict[str, Tensor]:
        return {name: t for name, t in self.model.state_dict().items() if t.is_floating_point()}
