"""Mixed precision where the device computes bfloat16 natively, full precision everywhere else."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.objectives.registry import Objective

NATIVE = (
    "avx512_bf16",
    "amx_bf16",
)  # instructions of a CPU; without them bfloat16 is slower than full precision


def in_use(precision: str, device: str | torch.device) -> str:
    """Return what a recipe's precision comes to on a device: mixed where it has bfloat16, or full."""
    return "mixed" if precision == "mixed" and has_bfloat16(torch.device(device)) else "full"


@functools.cache
def has_bfloat16(device: torch.device) -> bool:
    """Tell whether a device multiplies in bfloat16 natively."""
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return any(able.get(name, False) for name in NATIVE)
    if device.type != "cuda":
        return False
    with torch.cuda.device(device):
        return torch.cuda.is_bf16_supported(including_emulation=False)


def autocast(precision: str, device: str | torch.device) -> AbstractContextManager[None]:
    """Return the context of forward passes: bfloat16 where torch deems it safe, or no change at all.

    It can be entered again and again, once per batch.
    """
    if in_use(precision, device) == "full":
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)


def in_precision(objective: Objective, precision: str, device: str | torch.device) -> Objective:
    """Return the objective as it computes in a precision on a device."""
    return Mixed(objective, device) if in_use(precision, device) == "mixed" else objective


class Mixed:
    """An objective whose forward passes compute in mixed precision; what it returns is in full precision.

    Weights, their gradients and the optimizer stay in full precision.
    """

    def __init__(self, objective: Objective, device: str | torch.device) -> None:
        self.inner, self._device = objective, device
        self._forward = torch.autocast(torch.device(device).type, dtype=torch.bfloat16)

    def __getattr__(self, name: str) -> Any:
        """Return what has nothing to do with precision: capabilities, draws, targets, the last layer."""
        return getattr(self.inner, name)

    def per_sample_loss(self, model: nn.Module, batch: Any, draw: Any) -> Tensor:
        """Return the loss of each sample [B]."""
        with self._forward:
            return self.inner.per_sample_loss(model, batch, draw).float()

    def loss(self, model: nn.Module, batch: Any, draw: Any) -> Tensor:
        """Return the mean of the per-sample losses."""
        with self._forward:
            return self.inner.loss(model, batch, draw).float()

    def for_masks(self) -> Mixed:
        """Return the objective that masks are made from, in the same precision."""
        return Mixed(self.inner.for_masks(), self._device)

    def outputs(self, model: nn.Module, batch: Any) -> Tensor:
        """Return logits [B, K]."""
        with self._forward:
            return self.inner.outputs(model, batch).float()
