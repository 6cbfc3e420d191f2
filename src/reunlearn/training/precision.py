"""Mixed precision where the device has it, full precision everywhere else."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def in_use(precision: str, device: str | torch.device) -> str:
    """Return what a recipe's precision comes to on a device: mixed on a GPU that has bfloat16, or full."""
    place = torch.device(device)
    if precision != "mixed" or place.type != "cuda":
        return "full"
    with torch.cuda.device(place):
        return "mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "full"


def autocast(precision: str, device: str | torch.device) -> AbstractContextManager[None]:
    """Return the context of forward passes: bfloat16 where torch deems it safe, or no change at all.

    It can be entered again and again, once per batch.
    """
    if in_use(precision, device) == "full":
        return nullcontext()
    return torch.autocast("cuda", dtype=torch.bfloat16)
