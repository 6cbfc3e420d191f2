"""Methods: one file each, registered by a decorator; the file's name is the method's name everywhere."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any, Protocol

from torch import nn

from reunlearn.study.cards import Hyperparameter, MethodCard
from reunlearn.study.scenario import kinds
from reunlearn.study.specs import MethodSpec
from reunlearn.unlearning.declarations import Divergence, Needs, When
from reunlearn.unlearning.gradient import StepMethod


class Method(Protocol):
    """A frozen dataclass of hyper-parameters that can unlearn."""

    def unlearn(self, model: nn.Module, task: Any) -> nn.Module:
        """Return the unlearned model; `model` is the method's own copy of the original and may be changed."""


_CLASSES: dict[str, type] = {}
_CARDS: dict[str, MethodCard] = {}


def method(
    paper: str,
    needs: Needs,
    *,
    divergences: tuple[Divergence, ...] = (),
    capabilities: tuple[str, ...] | dict[str, When] = (),
    network: str | None = None,
    scenarios: tuple[str, ...] | None = None,
    logs: tuple[str, ...] | dict[str, When] = (),
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
        logs: what it notes of its steps and epochs in `task.series`, as `capabilities`; keys of study/logs.py.
    """

    def register(cls: type) -> type:
        name = cls.__module__.rsplit(".", 1)[-1]
        if bool(divergences) != any(f.name == "reading" for f in dataclasses.fields(cls)):
            raise TypeError(f"{name}: a method has a field 'reading' if and only if it lists divergences")
        unknown = set(scenarios or ()) - set(kinds())
        if unknown:
            raise TypeError(f"{name}: there is no scenario {', '.join(sorted(unknown))}")
        _CLASSES[name] = cls
        _CARDS[name] = MethodCard.model_validate(
            {
                "name": name,
                "summary": (cls.__doc__ or "").strip().splitlines()[0],
                "paper": paper,
                "needs": dataclasses.asdict(needs),
                "readings": ("paper", "code") if divergences else (),
                "divergences": [dataclasses.asdict(d) for d in divergences],
                "capabilities": _whens(capabilities),
                "mixed": issubclass(cls, StepMethod) and network is None and "samples" not in capabilities,
                "network": network,
                "scenarios": scenarios,
                "logs": _whens(logs),
                "hyperparameters": _hyperparameters(cls),
            }
        )
        return cls

    return register


def _whens(names: tuple[str, ...] | dict[str, When]) -> dict[str, When]:
    """Return {name: when it holds}, sorted by name."""
    whens = names if isinstance(names, dict) else dict.fromkeys(names, True)
    return dict(sorted(whens.items()))


def _hyperparameters(cls: type) -> dict[str, Hyperparameter]:
    """Return the hyper-parameters of a dataclass by name."""
    hypers = {}
    for field in dataclasses.fields(cls):
        if field.name == "reading":
            continue
        kind = field.type if isinstance(field.type, str) else field.type.__name__
        hypers[field.name] = Hyperparameter.model_validate(
            {"type": kind, "default": field.default, **field.metadata}
        )
    return hypers


def card(name: str) -> MethodCard:
    """Return what the catalogue tells of a method."""
    if name not in _CARDS:
        importlib.import_module(f"reunlearn.unlearning.methods.{name}")
    return _CARDS[name]


def make(spec: MethodSpec) -> Method:
    """Return a method with these hyper-parameters; the plan has checked them and filled in every one."""
    reading = {"reading": spec.reading} if card(spec.name).readings else {}
    return _CLASSES[spec.name](**spec.settings, **reading)
