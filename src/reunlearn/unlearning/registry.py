"""Methods: one file each, registered by a decorator; the file's name is the method's name everywhere."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any, Protocol

from torch import nn

from reunlearn.study.methods import as_read, check_settings
from reunlearn.study.schema import SCENARIO_FIELDS
from reunlearn.unlearning.declarations import Divergence, Needs, When


class Method(Protocol):
    """A frozen dataclass of hyper-parameters that can unlearn."""

    def unlearn(self, model: nn.Module, task: Any) -> nn.Module:
        """Return the unlearned model; `model` is the method's own copy of the original and may be changed."""


_REGISTERED: dict[str, dict[str, Any]] = {}


def method(
    paper: str,
    needs: Needs,
    divergences: tuple[Divergence, ...] = (),
    capabilities: tuple[str, ...] | dict[str, When] = (),
    network: str | None = None,
    scenarios: tuple[str, ...] | None = None,
) -> Callable[[type], type]:
    """Register a method.

    Args:
        paper: where it comes from, with equation.
        needs: the data and state it may see.
        divergences: where paper and released code differ; a method that has any also has a field `reading`.
        capabilities: what it asks of the objective beyond the loss (outputs, forget_target, head, pixels): always,
            or, as {name: when}, for some values of hyper-parameters.
        network: an architecture around the original's, where the method returns such models and not the original's.
        scenarios: the kinds of scenario that the method is for; None: it serves all.
    """

    def register(cls: type) -> type:
        name = cls.__module__.rsplit(".", 1)[-1]
        readings = ["paper", "code"] if divergences else []
        if bool(divergences) != any(f.name == "reading" for f in dataclasses.fields(cls)):
            raise TypeError(f"{name}: a method has a field 'reading' if and only if it lists divergences")
        unknown = set(scenarios or ()) - set(SCENARIO_FIELDS)
        if unknown:
            raise TypeError(f"{name}: there is no scenario {', '.join(sorted(unknown))}")
        _REGISTERED[name] = {
            "class": cls,
            "name": name,
            "summary": (cls.__doc__ or "").strip().splitlines()[0],
            "paper": paper,
            "needs": needs.as_card(),
            "readings": readings,
            "divergences": [dataclasses.asdict(d) for d in divergences],
            "capabilities": _whens(capabilities),
            "network": network,
            "scenarios": None if scenarios is None else list(scenarios),
            "hyperparameters": _hyperparameters(cls),
        }
        return cls

    return register


def _whens(capabilities: tuple[str, ...] | dict[str, When]) -> dict[str, When]:
    """Return {capability: when it is asked for}, sorted by name."""
    whens = capabilities if isinstance(capabilities, dict) else dict.fromkeys(capabilities, True)
    return dict(sorted(whens.items()))


def _hyperparameters(cls: type) -> dict[str, dict[str, Any]]:
    """Return {name: {type, default, doc, range}} from a dataclass."""
    found = {}
    for field in dataclasses.fields(cls):
        if field.name == "reading":
            continue
        kind = field.type if isinstance(field.type, str) else field.type.__name__
        found[field.name] = {"type": kind, "default": field.default, **field.metadata}
    return found


def card(name: str) -> dict[str, Any]:
    """Return what the catalogue tells of a method."""
    if name not in _REGISTERED:
        importlib.import_module(f"reunlearn.unlearning.methods.{name}")
    return {key: value for key, value in _REGISTERED[name].items() if key != "class"}


def make(name: str, reading: str | None, settings: dict[str, Any]) -> Method:
    """Return a method with these hyper-parameters; unknown keys and values out of range are UserErrors.

    Without `reading` it is the paper's reading. What follows the reading has that reading's value afterwards.
    """
    about = card(name)
    checked = as_read(about, reading, check_settings(settings, about, f"method '{name}'"))
    if about["readings"]:
        checked["reading"] = reading or "paper"
    return _REGISTERED[name]["class"](**checked)
