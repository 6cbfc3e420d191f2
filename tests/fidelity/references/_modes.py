"""Training and evaluation mode of a network, and of its BatchNorm layers alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
MODES = ("train", "eval", "bn_eval")


def set_mode(model: nn.Module, mode: str) -> None:
    """Set "train" (all layers training), "eval" (all evaluating) or "bn_eval" (all training but BatchNorm).

    In "eval" and "bn_eval" BatchNorm normalises with its running statistics and leaves them as they are.
    """
    if mode not in MODES:
        raise ValueError(f"{mode} is none of {MODES}")
    model.train(mode != "eval")
    if mode == "bn_eval":
        for module in model.modules():
            if isinstance(module, BATCH_NORMS):
                module.eval()


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Put the mode of each layer back afterwards."""
    modes = {name: module.training for name, module in model.named_modules()}
    yield
    for name, module in model.named_modules():
        module.training = modes.get(name, model.training)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put the model into evaluation mode, and each layer's mode back afterwards."""
    with modes_kept(model):
        model.eval()
        yield
