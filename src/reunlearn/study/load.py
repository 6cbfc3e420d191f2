"""Read studies, recipes and presets; every mistake is one line before any work starts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from reunlearn.base.errors import UserError, near
from reunlearn.base.yaml_files import read_yaml
from reunlearn.study.schema import Experiment, Recipe, Study

CONFIG = Path("config")
Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], content: Any, where: str) -> Model:
    """Validate `content`; the first violation becomes one line with its place and the near keys."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = max(
            error.errors(), key=lambda found: len(found["loc"])
        )  # the innermost: unions report each part
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            key = str(first["loc"][-1])
            message = f"unknown key '{key}'; {near(key, _keys(model, first['loc'][:-1]))}"
        raise UserError(f"{where}: {place + ': ' if place else ''}{message}") from None


def _keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """Return the keys allowed at a location of a pydantic error."""
    current: Any = model
    for part in location:
        if isinstance(part, int) or not hasattr(current, "model_fields"):
            continue
        if part in current.model_fields:
            current = _inner(current.model_fields[part].annotation)
    return list(getattr(current, "model_fields", {}))


def _inner(annotation: Any) -> Any:
    """Return the pydantic model inside an annotation such as tuple[Model, ...]."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner(argument)
        if found is not None:
            return found
    return None


def names(folder: str) -> list[str]:
    """Return the names of the YAML files in a folder of config/."""
    return sorted(p.stem for p in (CONFIG / folder).glob("*.yaml"))


def load_study(name: str) -> Study:
    """Read and validate config/studies/NAME.yaml."""
    path = CONFIG / "studies" / f"{name}.yaml"
    if not path.exists():
        raise UserError(f"no study '{name}' in {path.parent}; {near(name, names('studies'))}")
    study = parse(Study, read_yaml(path), str(path))
    if study.name != name:
        raise UserError(f"{path}: name: is '{study.name}' but the file is called '{name}'")
    return study


@cache
def load_recipe(name: str) -> dict[str, Any]:
    """Return config/recipes/NAME.yaml with its defaults filled in."""
    path = CONFIG / "recipes" / f"{name}.yaml"
    if not path.exists():
        raise UserError(f"no recipe '{name}' in {path.parent}; {near(name, names('recipes'))}")
    recipe = parse(Recipe, read_yaml(path), str(path)).model_dump(mode="json")
    return {"name": name, **{k: v for k, v in recipe.items() if k != "source"}}


@cache
def _presets(method: str) -> list[dict[str, Any]]:
    path = CONFIG / "presets" / f"{method}.yaml"
    return read_yaml(path) if path.exists() else []


def preset(method: str, reading: str | None, experiment: Experiment) -> dict[str, Any]:
    """Return the settings of the first preset whose every condition fits the experiment."""
    facts = {
        "dataset": experiment.dataset.name,
        "architecture": experiment.architecture.name,
        "recipe": experiment.recipe,
        "scenario": experiment.scenario.kind,
        "fraction": experiment.scenario.fraction,
        "reading": reading,
    }
    for entry in _presets(method):
        unknown = set(entry["for"]) - set(facts)
        if unknown:
            raise UserError(
                f"config/presets/{method}.yaml: unknown condition '{min(unknown)}'; known: {', '.join(facts)}"
            )
        if all(facts[key] == value for key, value in entry["for"].items()):
            return dict(entry["settings"])
    return {}
