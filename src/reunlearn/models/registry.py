"""Architectures: one file each, imported by its name; the file's `build` makes the network.

A file may also define, for the plan: `INPUTS`, what the network reads ("text"; "images" by default); `OBJECTIVES`,
which objectives it serves (the classification of what it reads by default); `SIDES`, the smallest and the largest
height and width of images; `ALONE`, the smallest at which a training batch may be one image, which BatchNorm cannot
normalise on maps of one pixel (None: never; any by default); `MULTIPLES`, of what a setting, or the `side` of the
images, is a multiple: a number or another setting; `PRETRAINED`, the official weights: a `WeightsCard`, or an object
whose `card` is one; `MAPS = True`, if the network computes `classify(features(x))` with feature maps [B, C, h, w] in
between, and ends in `head`.

Generators may define: `coder(settings, device)`, which returns what turns images into latents that the network reads,
and back (None: it reads pixels); `with_prompts(network, settings, texts)`, which returns a network that reads these
texts as its classes, with the same weights; `CAPTIONED = True`, if `build` also takes the classes' names as
`class_names`; `COMES_TRAINED`, with which settings `build` reads trained weights without `pretrained`: {setting:
[values]}; `FOLDERS`, settings that name a folder in diffusers' layout, with the parts that a pipeline has there;
`PRELOAD`, modules that `build` needs and that take long to import.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from reunlearn.study.catalogue import plugin_names
from reunlearn.study.plugin_settings import check_multiples, check_plugin_settings
from reunlearn.study.specs import ArchitectureSpec

if TYPE_CHECKING:
    from reunlearn.models._latents import Coder

NAMES = "class_names"  # an argument of `build`, and no setting


def build(
    network: ArchitectureSpec,
    shape: tuple[int, ...],
    classes: int,
    seed: int,
    *,
    class_names: Sequence[str] = (),
) -> nn.Module:
    """Return a freshly initialised network.

    Args:
        network: name and settings.
        shape: of its inputs; images: channels, height, width; texts: longest length, size of the vocabulary.
        classes: number of outputs.
        seed: of the initial weights; the global random state is left as it was.
        class_names: for networks that read captions.

    Raises:
        UserError: a setting is unknown or out of range, or does not fit the inputs.
    """
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would also seed GPUs, permanently
        torch.random.default_generator.manual_seed(seed)
        if network.file:  # by name: only jobs with such a network have that code
            own: nn.Module = importlib.import_module("reunlearn.models._own").build(network, shape, classes)
            return own
        return make(network.name, network.settings, shape, classes, class_names)


def make(
    name: str,
    settings: dict[str, Any],
    shape: tuple[int, ...],
    classes: int,
    class_names: Sequence[str] = (),
) -> nn.Module:
    """Return a network whose weights are drawn from torch's global generator; see `build`."""
    module = importlib.import_module(f"reunlearn.models.{name}")
    check_plugin_settings(settings, _defaults(module), name)
    side = {"side": shape[-1]} if len(shape) == 3 else {}
    check_multiples({**_defaults(module), **settings, **side}, getattr(module, "MULTIPLES", {}), name)
    if getattr(module, "CAPTIONED", False):
        return module.build(shape, classes, class_names=tuple(class_names), **settings)
    return module.build(shape, classes, **settings)


def coder(network: ArchitectureSpec, device: str) -> Coder | None:
    """Return what turns images into latents that a network reads, and back; None where it reads pixels."""
    if network.file:
        return None
    module = importlib.import_module(f"reunlearn.models.{network.name}")
    make_coder = getattr(module, "coder", None)
    return make_coder({**_defaults(module), **network.settings}, device) if make_coder else None


def prompted(network: nn.Module, architecture: ArchitectureSpec, texts: Sequence[str]) -> nn.Module:
    """Return a network with the same weights whose classes are these texts; of an architecture that reads prompts."""
    module = importlib.import_module(f"reunlearn.models.{architecture.name}")
    made: nn.Module = module.with_prompts(network, {**_defaults(module), **architecture.settings}, texts)
    return made


def gives_maps(name: str) -> bool:
    """Tell whether an architecture of this name exists and defines `MAPS`, so that `masked` can be built from it."""
    return name in plugin_names("models") and card(name)["maps"]


def card(name: str) -> dict[str, Any]:
    """Return the catalogue's entry of an architecture."""
    module = importlib.import_module(f"reunlearn.models.{name}")
    pretrained, inputs = getattr(module, "PRETRAINED", None), getattr(module, "INPUTS", "images")
    return {
        "name": name,
        "summary": (module.__doc__ or "").strip().splitlines()[0],
        "settings": _defaults(module),
        "inputs": inputs,
        "objectives": getattr(module, "OBJECTIVES", ("text",) if inputs == "text" else ("classification",)),
        "sides": list(getattr(module, "SIDES", (1, None))),
        "alone": getattr(module, "ALONE", 1),
        "multiples": getattr(module, "MULTIPLES", {}),
        "pretrained": pretrained and getattr(pretrained, "card", pretrained).model_dump(),
        "folders": getattr(module, "FOLDERS", {}),
        "comes_trained": getattr(module, "COMES_TRAINED", False),
        "reads_prompts": hasattr(module, "with_prompts"),
        "maps": bool(getattr(module, "MAPS", False)),
    }


def _defaults(module: Any) -> dict[str, Any]:
    parameters = list(inspect.signature(module.build).parameters.values())[2:]
    return {p.name: p.default for p in parameters if p.name != NAMES}
