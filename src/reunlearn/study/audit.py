"""What an audit of a user's own model is asked for; all that can be wrong but weights is refused here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reunlearn.base.errors import UserError, near
from reunlearn.study import checks, paths
from reunlearn.study.datasets import resolve_dataset
from reunlearn.study.indices import read_indices
from reunlearn.study.load import load_recipe, parse
from reunlearn.study.schema import Experiment, Recipe

Cards = dict[str, dict[str, Any]]

NAME = "audit"  # of the one experiment
ROW = "audited"  # of the model in question
NO_RECIPE = "none"
KINDS = {"dataset": "datasets", "architecture": "models"}


@dataclass(frozen=True)
class Request:
    """An audit as it is asked for. Paths are relative to the project's folder."""

    model: str
    architecture: str  # a name, then settings such as width=16
    dataset: str
    forget: str
    retain: str | None = None
    references: tuple[str, ...] = ()  # Retrain; every further one is its noise floor
    original: str | None = None
    recipe: str | None = None
    train: int | None = None
    validation: int = 0
    attacks: tuple[str, ...] | None = None  # all that need no shadow models if None
    folder: str | None = None
    side: int | None = None
    threads: int = 1
    output: str | None = None

    @property
    def target(self) -> Path:
        """The folder to write."""
        return Path(self.output or f"{paths.REPORTS}/audits/{Path(self.model).stem}")


@dataclass(frozen=True)
class Audit:
    """An audit that can begin.

    Attributes:
        experiment: it, in the form of a study's experiment.
        training: the specification that the stages read data and networks by.
        data: the dataset's card.
        forget, retain: official training numbers, sorted; retain is None where it is the rest of the training set.
        left_out: attacks that nobody named and that cannot run, with what they need.
    """

    request: Request
    experiment: Experiment
    training: dict[str, Any]
    data: dict[str, Any]
    forget: tuple[int, ...]
    retain: tuple[int, ...] | None
    left_out: dict[str, str]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the network's input."""
        shape, side = tuple(self.data["shape"]), self.training["recipe"]["resize"]
        return (shape[0], side, side) if side else shape


def check(request: Request, cards: Cards) -> Audit:
    """Return the audit; the first mistake is a UserError."""
    _check_output(request.target)
    name, settings = read_architecture(request.architecture)
    for kind, wanted in (("dataset", request.dataset), ("architecture", name)):
        if wanted not in cards[KINDS[kind]]:
            raise UserError(f"no {kind} '{wanted}'; {near(wanted.lower(), cards[KINDS[kind]])}")
    attacks, left_out = _attacks(request, cards["attacks"])
    if request.retain and request.train:
        raise UserError("--retain lists the samples that stay, --train counts samples; give one of them")
    experiment = _experiment(request, name, settings, attacks)
    data, dataset = resolve_dataset(experiment.dataset, cards["datasets"], NAME)
    checks.check_sizes(experiment, data, NAME)
    recipe = load_recipe(request.recipe) if request.recipe else _no_recipe()
    checks.check_network(experiment, cards["models"][name], data, recipe, NAME)
    _check_channels(recipe, data)
    forget, retain = _lists(request, data["train"])
    training = {
        "dataset": dataset,
        "architecture": {"name": name, "settings": settings},
        "recipe": recipe,
        "objective": data["objective"],
        "threads": request.threads,
    }
    return Audit(request, experiment, training, data, forget, retain, left_out)


def read_architecture(text: str) -> tuple[str, dict[str, Any]]:
    """Return name and settings of an architecture written as `small_cnn width=16`."""
    name, *words = text.split() or [""]
    settings = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals and value):
            raise UserError(
                f"architecture '{text}': '{word}' is no setting; write name=value, as in width=16"
            )
        try:
            settings[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"architecture '{text}': '{value}' is no value of a setting") from None
    if "pretrained" in settings:
        raise UserError(f"architecture '{text}': 'pretrained' is for training; the weights are --model's")
    return name, settings


def _check_output(target: Path) -> None:
    """Refuse a folder in which something lies already, and one that cannot be written."""
    if target.is_dir() and any(target.iterdir()):
        raise UserError(f"{target}: exists and is not empty; choose another --output")
    if target.exists() and not target.is_dir():
        raise UserError(f"{target}: is a file; --output is a folder")
    above = next(folder for folder in target.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise UserError(f"{target}: cannot be made in {above}; choose another --output")


def _attacks(request: Request, cards: Cards) -> tuple[list[str], dict[str, str]]:
    """Return the attacks that run, and why others do not."""
    hindered = {name: why for name, card in cards.items() if (why := _hindrance(card, request))}
    if request.attacks is None:
        pooled = {name for name, card in cards.items() if card["pools"]}
        wanted = [name for name in cards if name not in hindered]
        return wanted, {name: why for name, why in hindered.items() if name not in pooled}
    for name in request.attacks:
        if name not in cards:
            raise UserError(f"no attack '{name}'; {near(name.lower(), cards)}")
        if name in hindered:
            raise UserError(f"attack '{name}' needs {hindered[name]}")
    if not request.attacks:
        raise UserError("no attack is named; `reunlearn attacks` lists them")
    return list(dict.fromkeys(request.attacks)), {}


def _hindrance(card: dict[str, Any], request: Request) -> str | None:
    """Return what an attack needs that an audit does not have; None if it can run."""
    if card["pools"]:
        return "shadow models, which only a study trains: write one, with 'shadows', in config/studies"
    if "validation" in card["sets"] and not request.validation:
        return "held-out samples: --validation says how many of the official training set were held out"
    return None


def _experiment(
    request: Request, architecture: str, settings: dict[str, Any], attacks: list[str]
) -> Experiment:
    dataset = {"name": request.dataset, "train": request.train, "validation": request.validation}
    content = {
        "name": NAME,
        "dataset": {**dataset, "folder": request.folder, "side": request.side},
        "architecture": {"name": architecture, "settings": settings},
        "recipe": request.recipe or NO_RECIPE,
        "scenario": {"kind": "indices", "file": request.forget},
        "seeds": (0,),
        "methods": (ROW,),
        "attacks": attacks,
        "threads": request.threads,
    }
    return parse(Experiment, content, NAME)


def _no_recipe() -> dict[str, Any]:
    """Return a recipe for evaluation alone: the dataset's own normalisation, no resizing, no augmentation."""
    wanted = {"source": "an audit trains nothing", "epochs": 1, "batch_size": 1, "learning_rate": 1.0}
    untrained = parse(Recipe, wanted, NAME)
    return {"name": NO_RECIPE, **untrained.model_dump(mode="json", exclude={"source"})}


def _check_channels(recipe: dict[str, Any], data: dict[str, Any]) -> None:
    if recipe["mean"] and data["objective"] != "text" and len(recipe["mean"]) != data["shape"][0]:
        own, theirs = data["shape"][0], len(recipe["mean"])
        raise UserError(f"recipe '{recipe['name']}' is for {theirs} channels; {data['name']} has {own}")


def _lists(request: Request, count: int) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Return the samples to forget and to retain; both lie in the official training set, none in both."""
    forget = set(read_indices(request.forget))
    if len(forget) == count:
        raise UserError(f"{request.forget}: lists the whole training set; nothing is left to retain")
    if request.retain is None:
        return tuple(sorted(forget)), None
    retain = set(read_indices(request.retain, purpose="retain"))
    if max(retain) >= count:
        beyond = min(n for n in retain if n >= count)
        raise UserError(f"{request.retain}: no sample {beyond}; {request.dataset} has {count}")
    if both := forget & retain:
        raise UserError(f"{request.forget} and {request.retain} both list sample {min(both)}")
    return tuple(sorted(forget)), tuple(sorted(retain))
