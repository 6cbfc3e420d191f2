"""A network in a Python file of the user's: imported when a job builds it, and tried on two samples.

study/own_networks.py says what such a file looks like, and reads it for the plan.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.base.python_files import code_digest, read_tree
from reunlearn.study.specs import ArchitectureSpec

TRIED = 2  # samples


def build(network: ArchitectureSpec, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Return the network, freshly initialised by torch's global generator.

    Args:
        network: names the file, and what the plan saw in it.
        shape: of its inputs; see models.registry.build.
        classes: number of outputs.

    Raises:
        UserError: the file has changed since, what it makes is no network, or that cannot read the data.
    """
    module = _load(str(network.file), str(network.code))
    maker: Callable[..., Any] = getattr(module, network.name)
    from_data = {"classes": classes, "shape": tuple(shape)}
    taken = inspect.signature(maker).parameters
    built = maker(**{key: value for key, value in from_data.items() if key in taken}, **network.settings)
    if not isinstance(built, nn.Module):
        raise UserError(f"{network.key}: made a {type(built).__name__}, not a torch.nn.Module")
    if "noise_prediction" not in getattr(module, "OBJECTIVES", ()):
        _try(network.key, built, _samples(module, shape), classes)
    return built


def _load(file: str, code: str) -> ModuleType:
    """Return the module of a file; it is run once per process."""
    name, path = f"reunlearn_own_{code}", Path(file).expanduser()
    if name in sys.modules:
        return sys.modules[name]
    if code_digest(read_tree(path)) != code:
        raise UserError(f"{file}: has changed since the plan was made; plan again")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for their module there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _samples(module: ModuleType, shape: tuple[int, ...]) -> Tensor:
    """Return empty inputs as batches have them: images with their channels last in memory, texts as token ids."""
    if getattr(module, "INPUTS", "images") == "text":
        return torch.zeros((TRIED, shape[0]), dtype=torch.int64)
    return torch.zeros((TRIED, *shape)).contiguous(memory_format=torch.channels_last)


def _try(name: str, network: nn.Module, x: Tensor, classes: int) -> None:
    """Refuse a network that cannot read the data, or answers something else than a logit per class."""
    mode = network.training
    try:
        with torch.no_grad():
            if any(isinstance(p, nn.parameter.UninitializedParameter) for p in network.parameters()):
                network.eval()(x)  # lazy layers take their shapes from a first batch
            # as it is used: weights laid out as the batches are
            trial = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            logits = trial(x)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        tail = (
            "; use flatten or reshape in place of view: channels are last in memory"
            if "view" in reason
            else ""
        )
        raise UserError(f"{name} cannot read a batch of shape {tuple(x.shape)}: {reason}{tail}") from error
    network.train(mode)
    if not (isinstance(logits, Tensor) and logits.shape == (TRIED, classes)):
        found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise UserError(
            f"{name}: answers {found} for {TRIED} samples, not ({TRIED}, {classes}): a logit per class"
        )
