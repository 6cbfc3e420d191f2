"""Architectures: one file each, found by its name; the file's `build` makes the network.

A file may also say, for the plan: `INPUTS`, what the network reads ("image" unless it says "text"); `SIDES`, the
smallest and the largest height and width of images; `PRETRAINED`, where official weights come from; `MAPS`, that
the network computes `classify(features(x))` with feature maps [B, C, h, w] in between, and ends in `head`.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import torch
from torch import nn

from reunlearn.base.errors import UserError, near
from reunlearn.study.catalogue import plugin_names


def build(architecture: dict[str, Any], shape: tuple[int, ...], classes: int, seed: int) -> nn.Module:
    """Return a freshly initialised network.

    Args:
        architecture: `{"name": …, "settings": {…}}`.
        shape: of its inputs; images: channels, height, width; texts: longest length, size of the vocabulary.
        classes: number of outputs.
        seed: of the initial weights; the global random state is left as it was.

    Raises:
        UserError: a setting is unknown or out of range, or does not go with the inputs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)  # torch.manual_seed would seed GPUs too, for good
        return make(architecture["name"], architecture["settings"], shape, classes)


def make(name: str, settings: dict[str, Any], shape: tuple[int, ...], classes: int) -> nn.Module:
    """Return a network whose weights are drawn from torch's global generator; see `build`."""
    module = importlib.import_module(f"reunlearn.models.{name}")
    _check(name, settings, _defaults(module))
    return module.build(shape, classes, **settings)


def gives_maps(name: str) -> bool:
    """Tell whether there is such an architecture and it says `MAPS`: others can be built around it."""
    return name in plugin_names("models") and card(name)["maps"]


def card(name: str) -> dict[str, Any]:
    """Return what the catalogue tells of an architecture."""
    module = importlib.import_module(f"reunlearn.models.{name}")
    pretrained = getattr(module, "PRETRAINED", None)
    return {
        "name": name,
        "summary": (module.__doc__ or "").strip().splitlines()[0],
        "settings": _defaults(module),
        "inputs": getattr(module, "INPUTS", "image"),
        "sides": list(getattr(module, "SIDES", (1, None))),
        "pretrained": str(pretrained) if pretrained else None,
        "maps": bool(getattr(module, "MAPS", False)),
    }


def _defaults(module: Any) -> dict[str, Any]:
    parameters = list(inspect.signature(module.build).parameters.values())[2:]
    return {p.name: p.default for p in parameters}


def _check(name: str, settings: dict[str, Any], defaults: dict[str, Any]) -> None:
    """Refuse settings that no network has: a size is a whole number from 1 on, a probability lies in [0, 1)."""
    for key, value in settings.items():
        if key not in defaults:
            raise UserError(f"{name} has no setting '{key}'; {near(key, defaults)}")
        default, number = defaults[key], isinstance(value, int | float) and not isinstance(value, bool)
        if type(default) is int and not (number and isinstance(value, int) and value >= 1):
            raise UserError(f"{name}: '{key}' is a whole number of at least 1, not {value!r}")
        if type(default) is float and not (number and 0 <= value < 1):
            raise UserError(f"{name}: '{key}' is a probability of at least 0 and below 1, not {value!r}")
